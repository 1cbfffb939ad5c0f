"""Tries commands on what is wrong, all in one process."""

import contextlib
import hashlib
import io
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bad_inputs.case import Case, make_good
from bad_inputs.command_lines import command_lines, redshifts
from bad_inputs.configs import configs
from bad_inputs.galaxy_files import galaxy_files
from bad_inputs.model_files import model_files
from bad_inputs.psf_files import psfs
from galddpm.__main__ import main
from galddpm.devices import host_memory

KINDS = {command_lines: 4, redshifts: 2, configs: 5, galaxy_files: 4, model_files: 4, psfs: 1}
MEMORY = 1.5e9  # [byte] that all cases together may take


def cases(seed: int) -> Iterator[Case]:
    """Distinct cases without end. Each has written its file when it comes."""
    rng, seen = random.Random(seed), set()
    while True:
        (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
        case = kind(rng)
        if (case.kind, case.wrong) not in seen:
            seen.add((case.kind, case.wrong))
            yield case


def fault(case: Case) -> str:
    """What a command did that it should not have, in words; nothing where all is well."""
    before, said = contents(), io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            status = main(case.arguments)
        except SystemExit as error:  # of argparse
            status = error.code
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    lines = said.getvalue().splitlines()
    if status != 2:
        return f"status {status}: {lines[-1:]}"
    errors = [line for line in lines if line.startswith("error: ")]
    if len(errors) != 1 or lines[-1] != errors[0]:
        return f"said {lines[-3:]}"
    if contents() != before:
        return f"changed {sorted(contents().keys() ^ before.keys()) or 'a file'}"
    return ""


def contents() -> dict[str, str]:
    """A hash of each file here, by name."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path().rglob("*"))
        if path.is_file()
    }


def try_all(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many cases of each kind were tried, and what went wrong in them."""
    tried: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        make_good()
        held = host_memory()
        for case in islice(cases(seed), count):
            tried[case.kind] += 1
            wrong = fault(case)
            shutil.rmtree("new", ignore_errors=True)  # made where it should not have been
            if wrong:
                faults.append(f"{case.kind}: {case.wrong}: {wrong}")
        more = host_memory() - held
    if more > MEMORY:
        faults.append(f"memory: {more / 1e9:.1f} GB more than before")
    return tried, faults
