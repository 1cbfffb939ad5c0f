"""The downloader against a local server that misbehaves in the ways servers do."""

import errno
import hashlib
import json
import shutil
import threading
from contextlib import nullcontext
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from galddpm.commands import data
from galddpm.data import download as zenodo
from galddpm.errors import RunError, UserError

NAME = "5x64x64_training_with_morphology.hdf5"
CONTENT = zenodo.HDF5_SIGNATURE + bytes(range(256)) * 400
PAGE = b"<!doctype html><title>Sign in</title>" + b"x" * (len(CONTENT) - 37)


class Server(ThreadingHTTPServer):
    """Serves a record of one file; `faults` are applied to its requests one after the other."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.requests, self.content = [], [], CONTENT
        self.md5 = hashlib.md5(CONTENT).hexdigest()
        self.api = f"http://127.0.0.1:{self.server_port}/api/records"

    def record(self):
        links = {"self": f"http://127.0.0.1:{self.server_port}/files/{NAME}"}
        entry = {"key": NAME, "size": len(CONTENT), "checksum": f"md5:{self.md5}", "links": links}
        return json.dumps({"files": [entry]}).encode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(dict(self.headers))
        fault = self.server.faults.pop(0) if self.server.faults else {}
        if self.path.startswith("/api"):
            known = self.path.endswith("/1")
            return self.answer(200 if known else 404, self.server.record() if known else b"")
        if "status" in fault:
            return self.answer(fault["status"], b"", fault.get("headers", {}))
        content = fault.get("content", self.server.content)
        asked = self.headers.get("Range")
        if asked and not fault.get("ignore_range"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, content[start:], {"Content-Range": span}, fault.get("cut"))
        return self.answer(200, content, {}, fault.get("cut"))

    def answer(self, status, body, headers=None, cut=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.connection.close()

    def log_message(self, *arguments):
        pass


class Bar:
    def __init__(self):
        self.seen = 0

    def update(self, count):
        self.seen += count


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch):
    """Waits are recorded, not waited."""
    seconds = []
    monkeypatch.setattr(zenodo.time, "sleep", seconds.append)
    return seconds


def fetch(server, folder, **options):
    bar = Bar()
    (remote,) = zenodo.list_files("1", server.api)
    done = zenodo.download(remote, folder, lambda **settings: nullcontext(bar), **options)
    return done, bar


def test_a_file_arrives_whole_and_is_not_fetched_again(server, tmp_path):
    done, bar = fetch(server, tmp_path)
    assert done
    assert bar.seen == len(CONTENT)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert all(r["User-Agent"].startswith("galddpm/") for r in server.requests)
    count = len(server.requests)
    assert fetch(server, tmp_path)[0] is False
    assert len(server.requests) == count + 1  # the record alone
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_cut_connections_are_resumed_where_they_broke(server, tmp_path, waits):
    server.faults = [{}, {"cut": 30_000}, {"cut": 20_000}, {"cut": 1}]
    fetch(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    ranges = [request.get("Range") for request in server.requests[1:]]
    assert ranges == [None, "bytes=30000-", "bytes=50000-", "bytes=50001-"]


def test_a_partial_file_of_an_earlier_call_is_continued(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:60_000])
    fetch(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == "bytes=60000-"


def test_a_server_that_ignores_ranges_starts_again(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:60_000])
    server.faults = [{}, {"ignore_range": True}]
    _, bar = fetch(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert bar.seen == len(CONTENT) - 60_000  # what the bar began with


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(server, tmp_path, waits, status):
    in_a_minute = formatdate(zenodo.time.time() + 60, usegmt=True)
    server.faults = [
        {},
        {"status": status, "headers": {"Retry-After": "7"}},
        {"status": status, "headers": {"Retry-After": in_a_minute}},
        {"status": status},
    ]
    fetch(server, tmp_path)
    assert waits[0] == 7
    assert 50 < waits[1] <= 60
    assert 0 < waits[2] <= 64
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_server_that_asks_for_too_long_ends_the_run_and_keeps_the_part(server, tmp_path, waits):
    server.faults = [{}, {"cut": 5000}, {"status": 429, "headers": {"Retry-After": "86400"}}]
    with pytest.raises(RunError, match="asks to wait 86400 s"):
        fetch(server, tmp_path)
    assert (tmp_path / f"{NAME}.part").stat().st_size == 5000


def test_a_server_that_stays_down_ends_the_run(server, tmp_path, waits):
    server.faults = [{}] + [{"status": 502}] * 10
    with pytest.raises(RunError, match="HTTP 502 .*6 times; try again later"):
        fetch(server, tmp_path)
    assert waits == [2, 4, 8, 16, 32]


def test_a_page_in_place_of_data_is_refused(server, tmp_path):
    server.content = PAGE
    with pytest.raises(RunError, match="<!doctype html>.*expected an HDF5 file"):
        fetch(server, tmp_path)
    assert not (tmp_path / NAME).exists()
    server.content = CONTENT
    fetch(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_wrong_bytes_are_removed_and_named(server, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(RunError, match="expected .* with .*; they were removed"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_file_in_the_way_is_kept(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"mine")
    with pytest.raises(UserError, match="--overwrite"):
        fetch(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"mine"
    fetch(server, tmp_path, overwrite=True)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_full_disk_is_seen_before_the_start(server, tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(RunError, match="1,000 bytes free"):
        fetch(server, tmp_path)


def test_a_disk_that_fills_up_is_no_lost_connection(server, tmp_path, waits, monkeypatch):
    class Full:
        def __init__(self, *arguments):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def tell(self):
            return 0

        def write(self, block):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zenodo, "open", Full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        fetch(server, tmp_path)
    assert len(server.requests) == 2  # the record and the file, once
    assert not waits


def test_unknown_records_and_odd_answers(server, waits):
    with pytest.raises(UserError, match="HTTP 404"):
        zenodo.list_files("2", server.api)
    with pytest.raises(UserError, match="HTTP 404"):
        zenodo.list_files("\u00e9", server.api)
    server.record = lambda: b"<html>"
    with pytest.raises(RunError, match="not JSON"):
        zenodo.list_files("1", server.api)
    server.record = lambda: b'{"files": [{"key": 3}]}'
    with pytest.raises(RunError, match="not a record's description"):
        zenodo.list_files("1", server.api)
    with pytest.raises(RunError, match="no connection"):
        zenodo.list_files("1", "http://127.0.0.1:9/api")


def test_the_command(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(zenodo.list_files, "__defaults__", (zenodo.RECORD, server.api))
    common = ["download", "--out", str(tmp_path), "--record", "1"]
    data.main([*common, "--split", "training", "--print-urls"])
    assert capsys.readouterr().out.strip().endswith(f"/files/{NAME}")
    assert not list(tmp_path.iterdir())
    data.main([*common, "--split", "training"])
    assert (tmp_path / NAME).read_bytes() == CONTENT
    with pytest.raises(UserError, match="no 5x64x64_validation_with_morphology.hdf5, it holds"):
        data.main([*common, "--split", "validation"])
    with pytest.raises(UserError, match="found 'test'"):
        data.main([*common, "--split", "test"])
    assert Path(tmp_path / NAME).is_file()
