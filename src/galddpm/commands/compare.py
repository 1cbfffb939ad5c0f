"""`galddpm compare RUN RUN`: in what two runs differ, and from which image on."""

import hashlib
import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from galddpm.commands.shell import Parser
from galddpm.errors import UserError
from galddpm.files import read_json
from galddpm.runs import MODEL, PROVENANCE, log_records, read_config

CHANGES = ("images_per_second", "device")  # of a log's line, with the machine


def main(arguments: Sequence[str] | None = None, prog: str = "compare.py") -> None:
    options = parse(arguments, prog)
    runs = Path(options.first), Path(options.second)
    for run in runs:
        if not (run / "config.yaml").exists():
            raise UserError(f"{run}: expected a run folder, with a config.yaml")
    configs, origins = [read_config(run) for run in runs], [read_json(r / PROVENANCE) for r in runs]
    found = [*differences(*configs), *differences(*origins), *log_difference(*runs)]
    models = [fingerprint(run / MODEL) for run in runs]
    if models[0] != models[1]:
        found.append(f"{MODEL}: {models[0]}, {models[1]}")
    for line in found or ["no difference"]:
        print(line)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Say in what two runs differ: keys of their configs, versions, data, devices,"
        " logs, with the image from which on these differ, and models.",
        examples=("galddpm compare runs/quickstart runs/again",),
    )
    parser.add_argument("first", metavar="RUN", help="run folder")
    parser.add_argument("second", metavar="RUN", help="another one")
    return parser.parse_args(arguments)


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    """`KEY: ONE, OTHER` of each value that is not the same, keys of sections joined by dots."""
    one, other = dict(flat(first)), dict(flat(second))
    for key in one | other:
        if one.get(key) != other.get(key):
            yield f"{key}: {json.dumps(one.get(key))}, {json.dumps(other.get(key))}"


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def log_difference(first: Path, second: Path) -> Iterator[str]:
    """The first line, of as many images, in which the logs of two runs say something else."""
    one, other = (
        {line["images_seen"]: line for line in log_records(run)} for run in (first, second)
    )
    common = sorted(one.keys() & other.keys())
    for number, seen in enumerate(common):
        known = [{k: v for k, v in log[seen].items() if k not in CHANGES} for log in (one, other)]
        if known[0] != known[1]:
            equal = f"equal to {common[number - 1]:,} images and " if number else ""
            losses = " and ".join(f"{log[seen].get('loss')}" for log in (one, other))
            yield f"logs: {equal}different at {seen:,}, losses {losses}"
            return
    if one.keys() != other.keys():
        yield f"logs: equal in {len(common)} lines, of {len(one)} and {len(other)}"


def fingerprint(path: Path) -> str | None:
    """A hash of a file; None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32] if path.exists() else None
