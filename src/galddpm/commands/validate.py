"""`galddpm validate`: are the Sersic fits right? Against GalSim's truth and statmorph."""

import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.commands.shell import (
    DEFAULT,
    Parser,
    add_overwrite,
    add_seed,
    cores,
    count,
    progress,
    tell,
)
from galddpm.errors import not_installed
from galddpm.files import refuse_existing, write_json
from galddpm.locks import locked_folder
from galddpm.provenance import provenance
from galddpm.workers import worker_pool

if TYPE_CHECKING:  # the judge is loaded after the arguments were checked
    from galddpm.evaluation.validation.simulated import TruthSet

RESULT = "validation.json"
Fit = Callable[[Floats], Any]  # stamps -> rows


def main(arguments: Sequence[str] | None = None, prog: str = "validate.py") -> None:
    options = parse(arguments, prog)
    refuse_existing(options.out / RESULT, options.overwrite)
    tell(f"{options.stamps} stamps in each S/N range, seed {options.seed}, into {options.out}")
    with locked_folder(options.out):
        validate(options.out, options.stamps, options.seed, options.jobs)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Measure the Sersic fits against the truth of GalSim's galaxies, beside those"
        " of statmorph on the same pixels.",
        examples=(
            "galddpm validate",
            "galddpm validate --stamps 50 --jobs 2 --out runs/validation-small",
        ),
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/validation"), metavar="DIR", help=DEFAULT)
    add("--stamps", type=count, default=300, metavar="N", help=f"in each range of S/N; {DEFAULT}")
    add_seed(parser)
    add("--jobs", type=count, default=cores(), metavar="J", help=f"processes; {DEFAULT}")
    add_overwrite(parser)
    return parser.parse_args(arguments)


def validate(out: Path, stamps: int, seed: int, jobs: int) -> None:
    """Draw, fit twice, compare, and write the table and its figure."""
    from galddpm.evaluation.validation.fits import fit_ours, fit_theirs, warm_up, wrong_psfs
    from galddpm.evaluation.validation.simulated import compare_fits, recovery

    found = draw_truth_or_refuse(stamps, seed)
    with worker_pool(jobs) as pool:
        run_all(pool, warm_up, [found.image[:1]] * jobs, "starting")  # imports, not fits
        ours, seconds = timed(pool, fit_ours, found, "ours")
        theirs, peer_seconds = timed(pool, fit_theirs, found, "statmorph")
        wrong = {
            name: timed(pool, partial(fit_ours, psf=psf), found, f"a PSF {name}")[0]
            for name, psf in wrong_psfs().items()
        }
    rows = compare_fits(found, ours, theirs)
    under = {name: recovery(found, fits) for name, fits in {"right": ours, **wrong}.items()}
    speed = {
        "stamps": len(found.image),
        "jobs": jobs,
        "ours_per_second": len(found.image) / seconds,
        "statmorph_per_second": len(found.image) / peer_seconds,
        "statmorph_fits_per_second": jobs / np.nanmean(theirs["seconds"]),
    }
    print_table(rows, speed)
    print_recovery(under)
    write(out, found, ours, theirs, {"fits": rows, "recovery_by_psf": under, "speed": speed})


def draw_truth_or_refuse(stamps: int, seed: int) -> "TruthSet":
    """The truth set. Raises UserError without GalSim."""
    from galddpm.evaluation.validation.simulated import draw_truth

    try:
        return draw_truth(stamps, seed)
    except ModuleNotFoundError as error:
        raise not_installed(error.name or "a library", "mock") from None


def timed(
    pool: Executor | None, work: Fit, found: "TruthSet", name: str
) -> tuple[dict[str, Array], float]:
    """Columns of all stamps, and the seconds that they took."""
    from galddpm.evaluation.catalog.measure_file import CHUNK

    chunks = [found.image[k : k + CHUNK] for k in range(0, len(found.image), CHUNK)]
    start = time.perf_counter()
    rows = [row for chunk in run_all(pool, work, chunks, name) for row in chunk]
    seconds = time.perf_counter() - start
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}, seconds


def run_all(pool: Executor | None, work: Fit, chunks: Sequence[Floats], name: str) -> list[Any]:
    results = map(work, chunks) if pool is None else pool.map(work, chunks)
    return list(progress(results, total=len(chunks), desc=name, unit="chunk"))


def ratio_text(name: str, row: dict[str, Any]) -> str:
    """Both median errors, their ratio and its interval."""
    low, high = row["ratio_interval"]
    errors = f"{row['ours']:8.3f} {row['statmorph']:10.3f} {row['ratio']:8.2f}"
    return f"    {name.removeprefix('sersic_'):12s} {errors} [{low:.2f}, {high:.2f}]"


def print_table(rows: Sequence[dict[str, Any]], speed: dict[str, Any]) -> None:
    from galddpm.evaluation.validation.simulated import NAMES

    print("median errors        ours  statmorph    ratio [95 % interval]")
    for row in rows:
        low, high = row["snr"]
        ours, theirs = row["without_fit"]["ours"], row["without_fit"]["statmorph"]
        print(f"S/N {low} to {high}: {row['stamps']} stamps, without a fit", end=" ")
        print(f"{ours:.1%} (statmorph {theirs:.1%})")
        for name in NAMES if row["compared"] else ():
            print(ratio_text(name, row[name]))
    for name, value in speed.items():
        print(f"{name:28s} {value:10.1f}")


def print_recovery(under: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """What a wrong PSF does to the fits."""
    from galddpm.evaluation.validation.simulated import NAMES

    print("PSF             S/N            fitted   n / true   r_eff / true   ellipticity - true")
    for psf, rows in under.items():
        for row in rows:
            values = [f"{row[name]:13.3f}" for name in NAMES if row["fitted"]]
            head = f"{psf:15s} {row['snr'][0]:4d} to {row['snr'][1]:4d} {row['fitted']:8d}"
            print(head, *values)


def write(
    out: Path,
    found: "TruthSet",
    ours: dict[str, Any],
    theirs: dict[str, Any],
    result: dict[str, Any],
) -> None:
    from galddpm.evaluation.report.figures import save
    from galddpm.evaluation.report.judge import plain
    from galddpm.evaluation.validation.figure import truth_figure

    save(truth_figure(found, {"ours": ours, "statmorph": theirs}), out, "truth")
    write_json(out / RESULT, plain(result | {"provenance": provenance()}))
    print(out / "truth.png")
