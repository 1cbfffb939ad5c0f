"""Draw and measure many galaxies, and watch what the commands take meanwhile.

    python scripts/load.py --draw 100000 --measure 20000

A tiny model draws stamps of 16 pixels; then copies of mock galaxies of 64 pixels are measured. Both
commands run on a pseudo-terminal, with which a progress bar says how long it still takes. For each
bar: memory and open files of the command's processes at a quarter, a half and three quarters of its
time and at its end, and how far the time that was said to remain was off. The exit status is 1
where memory grew by more than a tenth from the first quarter on, files by more than a few, or an
estimate was off by more than a fifth. For Linux, whose /proc says what a process takes.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from select import select

import h5py

PARTS = (0.25, 0.5, 0.75)  # of a bar's time at which its estimate is looked at
GROWTH, FILES, OFF = 1.1, 4, 0.2  # allowed: of memory, open files more, error of the time left
LONG = 60.0  # [s] that a bar takes, below which its estimates are not judged
BAR = re.compile(r"([a-z][^\r\n:|]*): +\d+%.*?\[((?:\d+:)+\d+)<((?:\d+:)+\d+)")
TINY = {
    "data.image_size": "16",
    "network.channels": "[8]",
    "network.bottleneck": "8",
    "network.attention": "[]",
    "training.images": "512",
    "training.preview_every": "null",
    "sampling.steps": "2",
}


@dataclass(frozen=True)
class Moment:
    """What was seen of a command at a time [s]: its bar, the time left, memory, open files."""

    time: float
    bar: str
    left: float
    mib: float
    files: int


def main() -> int:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="galddpm-load-") as name:
        folder = Path(name)
        prepare(folder, options.measure)
        draw = ["sample", "--redshifts", f"0.1:2:{options.draw}", "--run", "runs/small"]
        measure = ["evaluate", "--real", "mock/real.hdf5", "--generated", "many.hdf5"]
        judged = [*measure, "--out", "report", "--statmorph", "0"]
        faults = [watch(folder, [*draw, "--out", "drawn.hdf5"]), watch(folder, judged)]
    return 1 if any(faults) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("draw", 100_000), ("measure", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    return parser.parse_args()


def prepare(folder: Path, count: int) -> None:
    """A tiny model, and `count` copies of a few mock galaxies."""
    counts = ["--training", "200", "--validation", "4", "--testing", "4"]
    run(folder, ["data", "mock", "--out", "mock", *counts])
    (real,) = (folder / "mock").glob("*training_with*")
    real.rename(folder / "mock/real.hdf5")
    with h5py.File(folder / "mock/real.hdf5") as few, h5py.File(folder / "many.hdf5", "w") as many:
        for name, column in few.items():
            many.create_dataset(name, (count, *column.shape[1:]), column.dtype)
            for start in range(0, count, len(column)):
                stop = min(start + len(column), count)
                many[name][start:stop] = column[: stop - start]
    with h5py.File(folder / "mock/real.hdf5") as few, h5py.File(folder / "small.hdf5", "w") as cut:
        for name, column in few.items():
            cut[name] = column[..., 24:40, 24:40] if name == "image" else column[:]
    files = {f"data.{split}": "small.hdf5" for split in ("training", "validation", "testing")}
    settings = [f"--set={key}={value}" for key, value in (TINY | files).items()]
    run(folder, ["train", "--config", "small", *settings])


def run(folder: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "galddpm", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def watch(folder: Path, arguments: list[str]) -> list[str]:
    """Run a command and print what it took; what was not as it should be."""
    faults = []
    print(f"galddpm {' '.join(arguments)}", flush=True)
    for bar, seen in groupby(moments(folder, arguments), key=lambda moment: moment.bar):
        found = list(seen)
        print(f"  {bar}: {found[-1].time - found[0].time:.0f} s", flush=True)
        faults += [fault for fault in judged(found) if found[-1].time - found[0].time >= LONG]
    for fault in faults:
        print(f"  FAULT: {fault}", flush=True)
    return faults


def judged(seen: list[Moment]) -> Iterator[str]:
    """Print the moments of one bar; what was not as it should be."""
    start, end = seen[0].time, seen[-1].time
    chosen = [min(seen, key=lambda m: abs(m.time - start - part * (end - start))) for part in PARTS]
    for moment in chosen:
        off = moment.left / max(end - moment.time, 1e-9) - 1
        print(
            f"    after {moment.time - start:.0f} s: {moment.mib:.0f} MiB, {moment.files} files,"
            f" time left said {moment.left:.0f} s, was {end - moment.time:.0f} s ({off:+.0%})"
        )
        if abs(off) > OFF and end - moment.time > LONG / 4:
            yield f"{moment.bar}: time left off by {off:+.0%}"
    first, last = chosen[0], [moment for moment in seen if moment.files][-1]  # before it ended
    print(f"    at the end: {last.mib:.0f} MiB, {last.files} files")
    if last.mib > GROWTH * first.mib:
        yield f"{last.bar}: memory grew from {first.mib:.0f} to {last.mib:.0f} MiB"
    if last.files > first.files + FILES:
        yield f"{last.bar}: {last.files} open files, {first.files} before"


def moments(folder: Path, arguments: list[str]) -> Iterator[Moment]:
    """What is seen of a running command each time that its bar moves."""
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (40, 120))
    command = [sys.executable, "-m", "galddpm", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=there)
    os.close(there)
    said = ""
    while process.poll() is None:
        said = heard(here) or said
        for bar, _, left in BAR.findall(said)[-1:]:
            taken = [of_process(number) for number in family(process.pid)]
            mib, files = (sum(values) for values in zip(*taken, strict=True))
            yield Moment(time.monotonic(), bar, seconds(left), mib, int(files))
    os.close(here)
    if process.returncode:
        raise SystemExit(f"status {process.returncode}: {said[-500:]}")


def heard(terminal: int) -> str:
    """What a command says within half a second."""
    if not select([terminal], [], [], 0.5)[0]:
        return ""
    try:
        return os.read(terminal, 1 << 16).decode(errors="replace")
    except OSError:  # it has closed the terminal, and ends
        return ""


def seconds(clock: str) -> float:
    """Of H:MM:SS or MM:SS."""
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + int(part)
    return total


def family(root: int) -> list[int]:
    """A process and all that it started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found = [root]
    for number in found:
        found += [child for child, parent in parents.items() if parent == number]
    return found


def of_process(number: int) -> tuple[float, float]:
    """(memory of its own [MiB], open files); nothing of one that has just ended."""
    try:
        status = Path(f"/proc/{number}/status").read_text()
        own = re.search(r"RssAnon:\s+(\d+)", status)
        return (int(own[1]) / 1024 if own else 0.0), len(os.listdir(f"/proc/{number}/fd"))
    except OSError:
        return 0.0, 0


if __name__ == "__main__":
    sys.exit(main())
