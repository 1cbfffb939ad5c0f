"""`python scripts/validate.py`: are the Sersic fits right? Against GalSim's truth and statmorph."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.commands.shell import Parser, cores, count, progress, whole
from galddpm.errors import UserError
from galddpm.evaluation.catalog.measure_file import CHUNK
from galddpm.evaluation.report.judge import plain
from galddpm.evaluation.validation.fits import fit_ours, fit_theirs, warm_up, wrong_psfs
from galddpm.evaluation.validation.simulated import (
    NAMES,
    TruthSet,
    compare_fits,
    draw_truth,
    recovery,
)
from galddpm.files import write_json
from galddpm.locks import locked_folder
from galddpm.provenance import provenance
from galddpm.workers import worker_pool

Fit = Callable[[Floats], Any]  # stamps -> rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Measure the Sersic fits against GalSim's truth and statmorph's.")
    parser.add_argument("--out", type=Path, default=Path("runs/validation"), metavar="DIR")
    parser.add_argument("--stamps", type=count, default=300, metavar="N", help="in each S/N range")
    parser.add_argument("--seed", type=whole, default=0, metavar="S")
    parser.add_argument("--jobs", type=count, default=cores(), metavar="J")
    options = parser.parse_args(arguments)
    with locked_folder(options.out):
        validate(options.out, options.stamps, options.seed, options.jobs)


def validate(out: Path, stamps: int, seed: int, jobs: int) -> None:
    """Draw, fit twice, compare, and write the table and its figure."""
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


def draw_truth_or_refuse(stamps: int, seed: int) -> TruthSet:
    """The truth set. Raises UserError without GalSim."""
    try:
        return draw_truth(stamps, seed)
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed; pip install galddpm[mock]") from None


def timed(
    pool: Executor | None, work: Fit, found: TruthSet, name: str
) -> tuple[dict[str, Array], float]:
    """Columns of all stamps, and the seconds that they took."""
    chunks = [found.image[k : k + CHUNK] for k in range(0, len(found.image), CHUNK)]
    start = time.perf_counter()
    rows = [row for chunk in run_all(pool, work, chunks, name) for row in chunk]
    seconds = time.perf_counter() - start
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}, seconds


def run_all(pool: Executor | None, work: Fit, chunks: Sequence[Floats], name: str) -> list[Any]:
    results = map(work, chunks) if pool is None else pool.map(work, chunks)
    return list(progress(results, total=len(chunks), desc=name))


def ratio_text(name: str, row: dict[str, Any]) -> str:
    """Both median errors, their ratio and its interval."""
    low, high = row["ratio_interval"]
    errors = f"{row['ours']:.3f}/{row['statmorph']:.3f}"
    return f"{name.removeprefix('sersic_')} {errors} = {row['ratio']:.2f} [{low:.2f}, {high:.2f}]"


def print_table(rows: Sequence[dict[str, Any]], speed: dict[str, Any]) -> None:
    print("S/N          stamps  no fit (statmorph)   ratio of median errors, ours over statmorph's")
    for row in rows:
        share = row["without_fit"]
        ratios = [ratio_text(name, row[name]) for name in NAMES if row["compared"]]
        head = f"{row['snr'][0]:4d} to {row['snr'][1]:4d} {row['stamps']:6d}"
        print(head, f"{share['ours']:6.1%} ({share['statmorph']:.1%})    ", "  ".join(ratios))
    for name, value in speed.items():
        print(f"{name:28s} {value:10.1f}")


def print_recovery(under: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """What a wrong PSF does to the fits."""
    print("PSF             S/N            fitted   n / true   r_eff / true   ellipticity - true")
    for psf, rows in under.items():
        for row in rows:
            values = [f"{row[name]:13.3f}" for name in NAMES if row["fitted"]]
            head = f"{psf:15s} {row['snr'][0]:4d} to {row['snr'][1]:4d} {row['fitted']:8d}"
            print(head, *values)


def write(
    out: Path, found: TruthSet, ours: dict[str, Any], theirs: dict[str, Any], result: dict[str, Any]
) -> None:
    from galddpm.evaluation.report.figures import save
    from galddpm.evaluation.validation.figure import truth_figure

    save(truth_figure(found, {"ours": ours, "statmorph": theirs}), out, "truth")
    write_json(out / "validation.json", plain(result | {"provenance": provenance()}))
    print(out / "truth.png")
