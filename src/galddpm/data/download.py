"""The files of the Zenodo record, resumed where a connection broke and checked before use."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from galddpm._version import __version__
from galddpm.errors import RunError, UserError
from galddpm.files import require_space
from galddpm.interrupts import raise_if_requested
from galddpm.locks import locked

API = "https://zenodo.org/api/records"
RECORD = "11117528"  # GalaxiesML, doi:10.5281/zenodo.11117528
AGENT = f"galddpm/{__version__} (GalaxiesML download)"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK = 1 << 20  # [byte] read at a time
TIMEOUT = 60  # [s] without a byte
TRIES = 6  # in a row that bring no byte
LONGEST_WAIT = 900  # [s] that a server may ask for; beyond, the user decides
BUSY = (429, 500, 502, 503, 504)

T = TypeVar("T")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record, as its API describes it."""

    name: str
    url: str
    size: int  # [byte]
    md5: str


class Broken(Exception):
    """A connection that may work again after `wait` seconds, where the server said."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


def list_files(record: str = RECORD, api: str = API) -> list[RemoteFile]:
    """What the record holds. Raises UserError for an unknown record, RunError without an answer."""
    url = f"{api}/{quote(record)}"
    answer = _persist(lambda: _fetch_json(url), url)
    try:
        return [
            RemoteFile(
                name=entry["key"],
                url=entry["links"].get("content") or entry["links"]["self"],
                size=int(entry["size"]),
                md5=entry["checksum"].removeprefix("md5:"),
            )
            for entry in answer["files"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{url}: not a record's description ({error!r})") from None


def download(
    remote: RemoteFile, folder: Path, progress: Callable[..., Any], overwrite: bool = False
) -> bool:
    """Bring a file into the folder; whether anything had to be done.

    The bytes come into NAME.part, which a later call continues, and get their name only when size,
    md5 and HDF5 signature are right. Raises UserError where another file is in the way, RunError
    where the server or the disk fails.
    """
    path, part = folder / remote.name, folder / f"{remote.name}.part"
    if path.exists():
        if path.stat().st_size == remote.size and _md5(path) == remote.md5:
            return False
        if not overwrite:
            raise UserError(f"{path}: exists and is not the record's file; --overwrite replaces it")
    with locked(path):
        held = _size(part)
        require_space(folder, remote.size - held)
        with progress(
            total=remote.size, initial=held, desc=remote.name, unit="B", unit_scale=True
        ) as bar:
            while _size(part) < remote.size:
                _persist(lambda: _continue(remote, part, bar), remote.url, lambda: _size(part))
        _verify(remote, part)
        part.replace(path)
    return True


def _persist(attempt: Callable[[], T], url: str, position: Callable[[], int] = lambda: 0) -> T:
    """Repeat an attempt while it breaks, as long as one in TRIES brings bytes."""
    reached, failures = position(), 0
    while True:
        try:
            return attempt()
        except Broken as broken:
            failures = 1 if position() > reached else failures + 1
            reached = position()
            if failures >= TRIES:
                raise RunError(f"{url}: {broken}, {TRIES} times; try again later") from None
            wait = 2.0**failures if broken.wait is None else broken.wait
            if wait > LONGEST_WAIT:
                raise RunError(f"{url}: the server asks to wait {wait:.0f} s") from None
            time.sleep(wait)


def _open(url: str, offset: int = 0) -> HTTPResponse:
    headers = {"User-Agent": AGENT} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code in BUSY:
                raise Broken(reason, _retry_after(error.headers)) from None
            if error.code == 404:
                raise UserError(f"{url}: {reason}, expected a public record") from None
            raise RunError(f"{url}: {reason}") from None
    except (OSError, HTTPException) as error:  # URLError is an OSError
        raise Broken(f"no connection ({error})") from None
    return answer


def _fetch_json(url: str) -> dict[str, Any]:
    with _open(url) as response:
        try:
            content: dict[str, Any] = json.loads(response.read())
        except ValueError:
            raise RunError(f"{url}: not JSON") from None
        except (OSError, HTTPException) as error:
            raise Broken(f"connection lost ({error})") from None
    return content


def _continue(remote: RemoteFile, part: Path, bar: Any) -> None:
    """Append what one connection brings."""
    offset = _size(part)
    with _open(remote.url, offset) as response, open(part, "ab") as file:
        if offset and not _continues(response, offset):
            file.truncate(0)  # the server sends the whole file again
            bar.update(-offset)
        while block := _read(response):
            if file.tell() == 0:
                _refuse_pages(remote, block)
            raise_if_requested()
            file.write(block)
            bar.update(len(block))
    if _size(part) < remote.size:
        raise Broken("connection closed early")


def _read(response: HTTPResponse) -> bytes:
    """The next block. Raises Broken where the connection is, and not where the disk is full."""
    try:
        return response.read(BLOCK)
    except (OSError, HTTPException) as error:
        raise Broken(f"connection lost ({error})") from None


def _continues(response: HTTPResponse, offset: int) -> bool:
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(
        f"bytes {offset}-"
    )


def _refuse_pages(remote: RemoteFile, block: bytes) -> None:
    if remote.name.endswith((".hdf5", ".h5")) and not block.startswith(HDF5_SIGNATURE):
        raise RunError(f"{remote.url}: the server sent {block[:24]!r}..., expected an HDF5 file")


def _verify(remote: RemoteFile, part: Path) -> None:
    size, md5 = _size(part), _md5(part)
    if (size, md5) == (remote.size, remote.md5):
        return
    part.unlink()
    raise RunError(
        f"{remote.name}: received {size:,} bytes with md5 {md5}, expected {remote.size:,} with"
        f" {remote.md5}; they were removed, the same command starts again"
    )


def _retry_after(headers: Message) -> float | None:
    """The wait that a server asks for [s], given in seconds or as a date."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
