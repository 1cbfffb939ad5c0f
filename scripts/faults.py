"""Kill commands at random instants, and hold what they make afterwards against undisturbed ones.

    python scripts/faults.py --kills 200

Each of the commands below is run once as it is. Then, again and again in an empty folder, it is
started, killed by SIGKILL, SIGTERM or SIGINT at a random instant of its life, and started again. It
has to end well, to have made the same to the last bit, and to have left no lock and nothing half
written. The last line says how many kills there were and what was lost; the exit status is 1 for
anything lost.
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
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py

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
JUDGED = ["--out", "report", "--statmorph", "0", "--jobs", "1"]
SMALL_CNN = {
    "training.images": "256",
    "training.batch_size": "8",
    "training.checkpoint_every": "64",
    "early_stopping.check_every": "32",
}


@dataclass(frozen=True)
class Job:
    """A command line of galddpm, and the files that it makes."""

    name: str
    arguments: list[str]
    made: list[str]


def jobs(data: Path, model: Path, samples: Path) -> list[Job]:
    files = {split: data / f"5x64x64_{split}_with_morphology.hdf5" for split in SPLITS}
    of_data = {f"data.{split}": str(path) for split, path in files.items()}
    counts = ["--training", "24", "--validation", "4", "--testing", "4", "--jobs", "1"]
    return [
        Job("train", train("quickstart", of_data | SMALL), ["run/model.safetensors"]),
        Job(
            "train redshift",
            train("quickstart-redshift-cnn", of_data | SMALL_CNN),
            ["run/model.safetensors"],
        ),
        Job(
            "train student",
            train("quickstart", of_data | SMALL | STUDENT | {"distillation.teacher": str(model)}),
            ["run/model.safetensors"],
        ),
        Job(
            "sample",
            ["sample", "--run", str(model), "--redshifts", "0.2:1:120", "--out", "s.hdf5"],
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
    ]


def train(config: str, settings: dict[str, str]) -> list[str]:
    return ["train", "--config", config, "--run", "run"] + [
        f"--set={key}={value}" for key, value in settings.items()
    ]


def main() -> int:
    options = parse()
    chance, lost, killed = random.Random(options.seed), [], 0
    with tempfile.TemporaryDirectory(prefix="galddpm-faults-") as name:
        root = Path(name)
        expected = {}
        found = prepared(root)
        for job in found:
            began = time.monotonic()
            ended(job, root / "whole" / job.name)
            expected[job.name] = contents(job, root / "whole" / job.name), time.monotonic() - began
            print(f"{job.name}: {expected[job.name][1]:.1f} s undisturbed", flush=True)
        for number in range(options.kills):
            job, sent = found[number % len(found)], SIGNALS[number % len(SIGNALS)]
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
    return parser.parse_args()


def prepared(root: Path) -> list[Job]:
    """What the commands need: galaxies, a model, and samples."""
    root.joinpath("whole").mkdir()
    first = jobs(root / "data" / "mock", root / "data" / "run", root / "data" / "s.hdf5")
    by_name = {job.name: job for job in first}
    for name in ("data mock", "train", "sample"):
        ended(by_name[name], root / "data")
    return first


def start(job: Job, folder: Path) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "galddpm", *job.arguments]
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
