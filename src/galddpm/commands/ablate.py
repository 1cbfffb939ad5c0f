"""`galddpm ablate TABLE`: train, sample and judge variants of a recipe, one table.

A table names a config, the settings that all rows share, and its rows; each row says what it
changes in the config (`set`) and in sampling (`sample`, arguments of sample.py), and may be judged
on a file of its own (`testing`) and held to the galaxies of an earlier row (`twin`). Rows that are
trained alike share their training. What is finished is left alone: an interrupted table goes on,
and what has changed is done anew.
"""

import hashlib
import json
import shutil
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import yaml
from pydantic import Field, ValidationError

from galddpm._version import __version__
from galddpm.commands import sample, train
from galddpm.commands.shell import Parser, add_device, cores, progress, say, tell
from galddpm.config.load import (
    TABLES,
    dump_config,
    find_config,
    load_config,
    packaged_configs,
)
from galddpm.config.schema import Count, Section
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import NonFiniteError, UserError
from galddpm.files import read_json, write_json, write_text, written_whole
from galddpm.locks import locked_folder
from galddpm.provenance import provenance

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    import torch

SAMPLES = "samples.hdf5"
Texts = Annotated[list[str], Field(default_factory=list)]


class Row(Section):
    name: str
    set: Texts
    sample: Texts
    testing: str | None = None  # real galaxies to sample and judge; default: the table's
    twin: str | None = None  # an earlier row, to whose galaxies of the same noise its own are held


class Table(Section):
    config: str
    seeds: Annotated[list[int], Field(min_length=1)]
    redshift_cnn: str | None = None  # run or model of the judge's CNN
    statmorph: Count = 300  # galaxies a side
    testing: str | None = None  # default: the config's
    set: Texts  # settings of all rows
    rows: list[Row]


@dataclass(frozen=True)
class Job:
    """One row with one seed. Its folders are named after all that determines what is in them, so
    that changed settings or data never meet an old result."""

    row: Row
    settings: list[str]  # of the config
    training: str  # galaxies that are trained on
    testing: str  # real galaxies to sample and judge
    run: Path  # of the training, which rows may share
    result: Path
    measured: Path  # catalog of the real galaxies, which rows may share
    twin: Path | None  # galaxies of another row, of the same noise


def main(arguments: Sequence[str] | None = None, prog: str = "ablate.py") -> None:
    options = parse(arguments, prog)
    table = read_table(find_config(options.table, TABLES))
    out = options.out or Path("runs") / Path(options.table).stem
    chosen = choose(table.rows, options.rows)

    # torch comes after the arguments
    from galddpm.devices import device_title, select_device
    from galddpm.evaluation.report.model_table import in_columns

    device = select_device(options.device)
    # all of them at first: a mistake in the last row shows now, not after hours
    jobs = [plan(table, row, seed, out) for seed, row in product(table.seeds, table.rows)]
    seeds, named = ", ".join(map(str, table.seeds)), ", ".join(row.name for row in chosen)
    took = f"config {table.config}, rows {named}, seeds {seeds}"
    tell(f"{took}, {device_title(device)}, into {out}")
    with locked_folder(out):
        for job in jobs:
            if job.row in chosen:
                run_job(table, job, device)
                write(table, jobs, out)
    width = shutil.get_terminal_size().columns
    print(in_columns(collect(jobs), width))
    print(out / "table.md")


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Train, sample and judge variants of a recipe; write one table. The same"
        " command goes on where it stopped, and leaves alone what is finished. A table is YAML:"
        " config, the recipe; seeds; set, settings for all rows; redshift_cnn, the judge's, if"
        " any; statmorph, galaxies for it; testing, the galaxies to sample and judge by; and rows,"
        " each with a name and, where it has them, set, its own settings, sample, options of"
        " galddpm sample, testing, and twin, an earlier row to whose galaxies its own are held."
        " What the tables that come with galddpm show, and which files they need, is said at the"
        f" top of each, in {TABLES}.",
        examples=(
            "galddpm ablate samplers",
            "galddpm ablate samplers --rows 'dpmpp_2m 5' 'ddim 5'",
            "galddpm ablate my-table.yaml --out runs/my-table",
        ),
    )
    names = ", ".join(packaged_configs(TABLES))
    parser.add_argument("table", metavar="TABLE", help=f"YAML file, or one of the names {names}")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/NAME of the table")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these; default: all")
    add_device(parser)
    return parser.parse_args(arguments)


def read_table(path: Path) -> Table:
    """The typed content of a table's YAML. Raises UserError."""
    try:
        table = Table.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {key}: {first['msg'].lower()}") from None
    names = [row.name for row in table.rows]
    if len(set(names)) < len(names):
        raise UserError(f"{path}: rows: two of them have the same name")
    for place, row in enumerate(table.rows):
        if row.twin is not None and row.twin not in names[:place]:
            raise UserError(f"{path}: rows: {row.name}: twin: no row before it is {row.twin!r}")
    return table


def choose(rows: list[Row], names: list[str] | None) -> list[Row]:
    """The rows of `--rows`, and their twins. Raises UserError for an unknown name."""
    known = {row.name for row in rows}
    wanted = set(names or known)
    if unknown := wanted - known:
        raise UserError(f"--rows: no row is named {min(unknown)!r}")
    for row in reversed(rows):  # a twin stands before the row that is held to it
        if row.name in wanted and row.twin:
            wanted.add(row.twin)
    return [row for row in rows if row.name in wanted]


def plan(table: Table, row: Row, seed: int, out: Path) -> Job:
    """What is to be done for a row with a seed. Raises UserError for a mistake in it."""
    from galddpm.inference.model_file import ModelFile, model_fingerprint, model_path
    from galddpm.tasks.select import select_task

    settings = [*table.set, *row.set, f"seed={seed}"]
    config = load_config(table.config, settings)
    if config.task != "diffusion":
        raise UserError(f"{table.config}: found task {config.task}, expected diffusion")
    task = select_task(config)
    testing = row.testing or table.testing or config.data.testing
    depends_on = sorted(task.provenance.items())
    trained = short_hash(dump_config(config), fingerprint(config.data.training), depends_on)
    sample.parse(["--redshifts", testing, "--out", SAMPLES, *row.sample], f"row {row.name}: sample")
    if table.redshift_cnn:
        ModelFile.read(table.redshift_cnn, "redshift")
    cnn = table.redshift_cnn and model_fingerprint(model_path(table.redshift_cnn))
    judged = (fingerprint(testing), table.statmorph, cnn, __version__)
    name = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in row.name)
    twin = next((plan(table, r, seed, out).result for r in table.rows if r.name == row.twin), None)
    held_to = () if twin is None else (twin.name,)
    result = f"{name}-{seed}-{short_hash(row.name, trained, row.sample, *judged, *held_to)}"
    return Job(
        row,
        settings,
        config.data.training,
        testing,
        out / "runs" / f"{trained}-{seed}",
        out / "rows" / result,
        out / f"catalog-{short_hash(*judged)}.fits",
        twin and twin / SAMPLES,
    )


def run_job(table: Table, job: Job, device: "torch.device") -> None:
    """Train, sample and judge, as far as that is not done."""
    if (job.result / "row.json").exists():
        return
    tell(f"row {job.row.name}, into {job.result}")
    try:
        found = make_row(table, job, device)
    except NonFiniteError as error:  # which is a result
        found = {"failed": str(error)}
    write_json(job.result / "row.json", found)


def make_row(table: Table, job: Job, device: "torch.device") -> dict[str, Any]:
    """The figures of one row. Raises NonFiniteError where it trains or samples to no end."""
    from galddpm.evaluation.report.model_table import figures
    from galddpm.evaluation.statistics.likeness import likeness

    settings = [f"--set={setting}" for setting in job.settings]
    where = ["--device", str(device)]
    train.main(["--config", table.config, "--run-dir", str(job.run), *settings, *where])
    samples = job.result / SAMPLES
    fresh = not job.result.exists()  # the time of what was begun before is not known
    start = time.perf_counter()
    asked = ["--redshifts", job.testing, "--out", str(samples), *job.row.sample]
    sample.main(["--run", str(job.run), *asked, *where])
    seconds = time.perf_counter() - start if fresh else None
    twin = job.twin if job.twin and job.twin.exists() else None  # none where its training diverged
    return figures(judge(table, job, samples, device)) | {
        "alike": likeness(GalaxyFile(samples), GalaxyFile(twin)) if twin else None,
        "train_seconds": train_seconds(job.run),
        "sample_seconds": seconds,
    }


def judge(table: Table, job: Job, samples: Path, device: "torch.device") -> dict[str, Any]:
    """The report of a row; the galaxies of a file are measured once for all rows."""
    from galddpm.evaluation.pipeline import evaluate
    from galddpm.inference.photoz import Estimator

    out = job.result / "report"
    mine = out / "catalog_real.fits"
    if job.measured.exists() and not mine.exists():
        copy(job.measured, mine)
    report = evaluate(
        job.testing,
        samples,
        out,
        training=job.training,
        estimate=Estimator.load(table.redshift_cnn, device) if table.redshift_cnn else None,
        statmorph=table.statmorph,
        jobs=cores(),
        progress=progress,
        say=say,
    )
    if not job.measured.exists():
        copy(mine, job.measured)
    return report


def copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    with written_whole(target) as temporary:
        shutil.copyfile(source, temporary)


@cache
def fingerprint(path: str) -> str:
    """What a file of galaxies holds. Raises UserError where it is none."""
    return GalaxyFile(path).fingerprint()


def short_hash(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


def train_seconds(run: Path) -> float:
    """Time in training steps, from the log."""
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    seen = np.diff([0, *(line["images_seen"] for line in log)])
    return float(np.sum(seen / [line["images_per_second"] for line in log]))


def collect(jobs: Sequence[Job]) -> dict[str, list[dict[str, Any]]]:
    """name: the figures of each seed that is done."""
    found: dict[str, list[dict[str, Any]]] = {job.row.name: [] for job in jobs}
    for job in jobs:
        figures = read_json(job.result / "row.json")
        if figures:
            found[job.row.name].append(figures)
    return found


def write(table: Table, jobs: Sequence[Job], out: Path) -> None:
    from galddpm.evaluation.report.model_table import COLUMNS, markdown

    found = collect(jobs)
    write_json(
        out / "table.json",
        {"columns": list(COLUMNS), "rows": found, "table": table.model_dump()}
        | {"provenance": provenance()},
    )
    write_text(out / "table.md", markdown(found) + "\n")
