"""`python scripts/ablate.py TABLE.yaml`: train, sample and judge variants of a recipe, one table.

A table names a config, the settings that all rows share, and its rows; each row says what it
changes in the config (`set`) and in sampling (`sample`, arguments of sample.py), and may be judged
on a file of its own (`testing`). Rows that are trained alike share their training. What is finished
is left alone: an interrupted table goes on.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import Field, ValidationError

from galddpm import runs
from galddpm.commands import evaluate, sample, train
from galddpm.commands.shell import Parser
from galddpm.config import Count, Section, load_config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import NonFiniteError, UserError
from galddpm.evaluation.comparison import COLUMNS, figures, markdown

Texts = Annotated[list[str], Field(default_factory=list)]


class Row(Section):
    name: str
    set: Texts
    sample: Texts
    testing: str | None = None  # real galaxies to sample and judge; default: the table's


class Table(Section):
    config: str
    seeds: Annotated[list[int], Field(min_length=1)]
    redshift_cnn: str | None = None  # run folder of the judge's CNN
    statmorph: Count = 300  # galaxies a side
    testing: str | None = None  # default: the config's
    set: Texts  # settings of all rows
    rows: list[Row]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Train, sample and judge variants of a recipe; write one table.")
    parser.add_argument("table", type=Path, metavar="TABLE.yaml")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/NAME of the table")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these; default: all")
    options = parser.parse_args(arguments)
    table = read_table(options.table)
    out = options.out or Path("runs") / options.table.stem
    chosen = choose(table.rows, options.rows)
    for row in chosen:  # a mistake in the last row shows now, not after hours
        train.find_teacher(load_config(table.config, [*table.set, *row.set]))
        GalaxyFile(testing_file(table, row))
    for seed, row in product(table.seeds, chosen):
        run_row(table, row, seed, out)
        write(table, chosen, out)
    print(markdown(collect(table, chosen, out)))
    print(out / "table.json")


def read_table(path: Path) -> Table:
    """The typed content of a table's YAML. Raises UserError."""
    try:
        table = Table.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, expected a table of ablations in YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {key}: {first['msg'].lower()}") from None
    names = [row.name for row in table.rows]
    if len(set(names)) < len(names):
        raise UserError(f"{path}: rows: two of them have the same name")
    return table


def choose(rows: list[Row], names: list[str] | None) -> list[Row]:
    """The rows of `--rows`. Raises UserError for an unknown name."""
    wanted = names or [row.name for row in rows]
    unknown = set(wanted) - {row.name for row in rows}
    if unknown:
        raise UserError(f"--rows: no row is named {sorted(unknown)[0]!r}")
    return [row for row in rows if row.name in wanted]


def run_row(table: Table, row: Row, seed: int, out: Path) -> None:
    """Train, sample and judge one row with one seed, as far as that is not done."""
    run, result = run_folder(table, row, seed, out), result_folder(row, seed, out)
    if (result / "row.json").exists():
        return
    print(f"{row.name}, seed {seed}")
    try:
        found = make_row(table, row, seed, run, out)
    except NonFiniteError as error:  # which is a result
        found = {"failed": str(error)}
    runs.write_json(result / "row.json", found)


def make_row(table: Table, row: Row, seed: int, run: Path, out: Path) -> dict:
    """The figures of one row. Raises NonFiniteError where it trains or samples to no end."""
    result = result_folder(row, seed, out)
    settings = [f"--set={setting}" for setting in [*table.set, *row.set, f"seed={seed}"]]
    train.main(["--config", table.config, "--run-dir", str(run), *settings])
    testing = testing_file(table, row)
    samples = result / "samples.hdf5"
    fresh = not result.exists()  # the time of what an interrupted table has begun is not known
    start = time.perf_counter()
    sample.main(["--run", str(run), "--redshifts", testing, "--out", str(samples), *row.sample])
    seconds = time.perf_counter() - start if fresh else None
    judge(table, samples, testing, result, out)
    report = runs.read_json(result / "report" / "report.json")
    return figures(report) | {"train_seconds": train_seconds(run), "sample_seconds": seconds}


def judge(table: Table, samples: Path, testing: str, result: Path, out: Path) -> None:
    """The report of a row; the galaxies of a file are measured once for all rows."""
    measured = out / f"catalog-{short_hash(testing)}.fits"
    mine = result / "report" / "catalog_real.fits"
    if measured.exists() and not mine.exists():
        mine.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(measured, mine)
    cnn = ["--redshift-cnn", table.redshift_cnn] if table.redshift_cnn else []
    files = ["--real", testing, "--generated", str(samples), "--out", str(mine.parent)]
    evaluate.main([*files, "--statmorph", str(table.statmorph), *cnn])
    shutil.copy(mine, measured)


def testing_file(table: Table, row: Row) -> str:
    """The real galaxies that a row is judged against."""
    return row.testing or table.testing or load_config(table.config, table.set).data.testing


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_folder(table: Table, row: Row, seed: int, out: Path) -> Path:
    """Named after what is trained, which rows may share."""
    return out / "runs" / f"{short_hash(repr(sorted([*table.set, *row.set])))}-{seed}"


def result_folder(row: Row, seed: int, out: Path) -> Path:
    name = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in row.name)
    return out / "rows" / f"{name}-{seed}"


def train_seconds(run: Path) -> float:
    """Time in training steps, from the log."""
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    seen = np.diff([0, *(line["images_seen"] for line in log)])
    return float(np.sum(seen / [line["images_per_second"] for line in log]))


def collect(table: Table, rows: list[Row], out: Path) -> dict[str, list[dict]]:
    """name: the figures of each seed that is done."""
    found = {}
    for row in rows:
        done = [runs.read_json(result_folder(row, seed, out) / "row.json") for seed in table.seeds]
        found[row.name] = [figures for figures in done if figures]
    return found


def write(table: Table, rows: list[Row], out: Path) -> None:
    found = collect(table, rows, out)
    runs.write_json(
        out / "table.json",
        {"columns": list(COLUMNS), "rows": found, "table": table.model_dump()}
        | {"provenance": runs.provenance()},
    )
    runs.write_text(out / "table.md", markdown(found) + "\n")
