"""Kill commands at random instants, and hold what they make afterwards against undisturbed ones.

    python scripts/faults.py --kills 200 --load 2

Each of the commands below is run once as it is. Then, again and again in an empty folder, it is
started, killed by SIGKILL, SIGTERM or SIGINT at a random instant of its life, and started again. It
has to end well, to have made the same to the last bit, and to have left no lock and nothing half
written. Meanwhile --load processes keep the cores busy. The last line says how many kills there
were and what was lost; the exit status is 1 for anything lost.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py

BUSY = "while True: pass"
# the command as it is, of which only the address of the archive is another one
DOWNLOAD = """
import sys
from galddpm.__main__ import main
from galddpm.data import download
download.list_files.__defaults__ = (download.RECORD, sys.argv.pop(1))
main()
"""
BLOCK, WAIT = 1 << 14, 0.02  # bytes that the archive sends, and the seconds between two times
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENDS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
UNFINISHED = (".lock", ".part", ".tmp")  # ends of the names of what is being made
SPLITS = ("training", "validation", "testing")
SMALL = {
    "network.channels": "[8,8]",
    "network.bottleneck": "8",
    "network.attention": "[]",
    "training.images": "256",
    "training.checkpoint_every": "64",
    "training.log_every": "64",
}
STUDENT = {"distillation.pairs": "48", "distillation.steps": "4"}
FEW = ["--batch-size", "8"]  # galaxies that a kill can lose
JUDGED = ["--out", "report", "--statmorph", "0", "--jobs", "1"]
SMALL_CNN = {
    "training.images": "256",
    "training.batch_size": "8",
    "training.checkpoint_every": "64",
    "early_stopping.check_every": "32",
}


@dataclass(frozen=True)
class Job:
    """A command line of galddpm, the files that it makes, and how Python starts it."""

    name: str
    arguments: list[str]
    made: list[str]
    start: tuple[str, ...] = ("-m", "galddpm")


def jobs(data: Path, model: Path, samples: Path, archive: str) -> list[Job]:
    files = {split: data / f"5x64x64_{split}_with_morphology.hdf5" for split in SPLITS}
    of_data = {f"data.{split}": str(path) for split, path in files.items()}
    counts = ["--training", "24", "--validation", "4", "--testing", "4", "--jobs", "1"]
    return [
        Job("train", train("small", of_data | SMALL), ["run/model.safetensors"]),
        Job(
            "train redshift",
            train("mock-redshift-cnn", of_data | SMALL_CNN),
            ["run/model.safetensors"],
        ),
        Job(
            "train student",
            train("small", of_data | SMALL | STUDENT | {"distillation.teacher": str(model)}),
            ["run/model.safetensors"],
        ),
        Job(
            "sample",
            ["sample", "--run", str(model), "--redshifts", "0.2:1:40", *FEW, "--out", "s.hdf5"],
            ["s.hdf5"],
        ),
        Job(
            "evaluate",
            ["evaluate", "--real", str(files["training"]), "--generated", str(samples), *JUDGED],
            ["report/catalog_real.fits", "report/catalog_generated.fits", "report/report.json"],
        ),
        Job(
            "data mock",
            ["data", "mock", "--out", "mock", *counts],
            [f"mock/{path.name}" for path in files.values()],
        ),
        Job(
            "data download",
            ["data", "download", "--out", "fetched", "--split", "training"],
            [f"fetched/{files['training'].name}"],
            ("-c", DOWNLOAD, archive),
        ),
    ]


def train(config: str, settings: dict[str, str]) -> list[str]:
    return ["train", "--config", config, "--run", "run"] + [
        f"--set={key}={value}" for key, value in settings.items()
    ]


def main() -> int:
    options = parse()
    chance, lost, killed = random.Random(options.seed), [], 0
    with tempfile.TemporaryDirectory(prefix="galddpm-faults-") as name, busy(options.load):
        root = Path(name)
        expected = {}
        found = prepared(root)
        for job in found:
            began = time.monotonic()
            ended(job, root / "whole" / job.name)
            expected[job.name] = contents(job, root / "whole" / job.name), time.monotonic() - began
            print(f"{job.name}: {expected[job.name][1]:.1f} s undisturbed", flush=True)
        for number in range(options.kills):
            rounds, place = divmod(number, len(found))
            job, sent = found[place], SIGNALS[rounds % len(SIGNALS)]
            folder = root / "killed"
            wanted, seconds = expected[job.name]
            status = killed_once(job, folder, sent, chance.uniform(0, seconds))
            killed += status != 0
            fault = judged(job, folder, wanted, sent, status)
            if fault:
                lost.append(fault)
                print(f"kill {number}, {job.name}, {sent.name}: {fault}", flush=True)
            shutil.rmtree(folder)
    print(f"{options.kills} kills, of which {killed} hit; lost: {len(lost) or 'nothing'}")
    return 1 if lost else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--load", type=int, default=0, help="busy processes; default: %(default)s")
    return parser.parse_args()


def prepared(root: Path) -> list[Job]:
    """What the commands need: galaxies, a model, and samples."""
    root.joinpath("whole").mkdir()
    data = root / "data"
    all_jobs = jobs(data / "mock", data / "run", data / "s.hdf5", serve(data / "mock"))
    by_name = {job.name: job for job in all_jobs}
    for name in ("data mock", "train", "sample"):
        ended(by_name[name], data)
    return all_jobs


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    load = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in load:
            process.kill()


def serve(folder: Path) -> str:
    """The address of an archive whose every record holds the files of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Archive, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/records"


class Archive(SimpleHTTPRequestHandler):
    """Describes the files as Zenodo does, and sends them slowly, from any byte on."""

    def do_GET(self) -> None:
        if self.path.startswith("/records"):
            return self.send(200, json.dumps({"files": self.entries()}).encode())
        content = Path(self.translate_path(self.path)).read_bytes()
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.send(206 if asked else 200, content[start:], span)

    def entries(self) -> list[dict[str, object]]:
        host = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        return [
            {
                "key": path.name,
                "size": path.stat().st_size,
                "checksum": f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}",
                "links": {"self": f"{host}/{path.name}"},
            }
            for path in Path(self.directory).glob("*.hdf5")
        ]

    def send(self, status: int, body: bytes, span: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", span)
        self.end_headers()
        with suppress(ConnectionError):  # the command was killed
            for start in range(0, len(body), BLOCK):
                self.wfile.write(body[start : start + BLOCK])
                time.sleep(WAIT)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the kills are what is told."""


def start(job: Job, folder: Path) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *job.start, *job.arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes)


def ended(job: Job, folder: Path) -> None:
    """Run a command to its end. Raises RuntimeError where that is not a good one."""
    process = start(job, folder)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"status {process.returncode}: {said[-2000:]}")


def killed_once(job: Job, folder: Path, number: signal.Signals, after: float) -> int:
    """The status of a command that got a signal some seconds after its start; 0: it came late."""
    process = start(job, folder)
    time.sleep(after)
    process.send_signal(number)
    process.communicate()
    return process.returncode


def judged(
    job: Job, folder: Path, wanted: dict[str, str], sent: signal.Signals, status: int
) -> str | None:
    """What was lost by a kill, None for nothing."""
    early = -sent.value  # before Python could ask for signals
    if status not in (0, ENDS[sent], early):
        return f"ended with status {status}"
    try:
        ended(job, folder)
    except RuntimeError as error:
        return f"did not go on: {error}"
    found = contents(job, folder)
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        return f"made others: {', '.join(differing)}"
    left = [path.name for path in folder.rglob("*") if path.name.endswith(UNFINISHED)]
    return f"left {', '.join(left)}" if left else None


def contents(job: Job, folder: Path) -> dict[str, str]:
    """A hash of what each file says, without dates."""
    return {name: READERS[Path(name).suffix](folder / name) for name in job.made}


def of_bytes(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_hdf5(path: Path) -> str:
    digest = hashlib.sha256()
    with h5py.File(path) as file:
        for name in sorted(file):
            digest.update(name.encode() + file[name][...].tobytes())
    return digest.hexdigest()


def of_report(path: Path) -> str:
    report = json.loads(path.read_text())
    return hashlib.sha256(json.dumps(report | {"date": None}).encode()).hexdigest()


READERS: dict[str, Callable[[Path], str]] = {
    ".safetensors": of_bytes,
    ".fits": of_bytes,
    ".hdf5": of_hdf5,
    ".json": of_report,
}

if __name__ == "__main__":
    sys.exit(main())
