"""The whole judgement from two files of galaxies to a report, in one call."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from galddpm import processes
from galddpm._version import __version__
from galddpm.data.galaxiesml import GalaxyFile, shared_bands
from galddpm.data.survey import BANDS, PIXEL_SCALE
from galddpm.errors import UserError
from galddpm.evaluation.catalog.cluster import dask_pool
from galddpm.evaluation.catalog.measure_file import Estimate, Measurement, measure
from galddpm.evaluation.catalog.psf_effect import psf_effect
from galddpm.evaluation.catalog.side import Side
from galddpm.evaluation.measurement.psf_files import Psfs, held_psfs, read_psf, survey_psfs
from galddpm.evaluation.report.verdict import summary
from galddpm.files import read_json, write_json, write_text
from galddpm.locks import locked_folder
from galddpm.provenance import provenance
from galddpm.workers import worker_pool

REPORT, PAGE = "report.json", "report.html"
POWER = "power.json"  # what the image test would have caught, kept for the same real galaxies
SAME_SCALE = 0.01  # share by which pixels may differ from the survey's
Galaxies = str | Path | GalaxyFile


def evaluate(
    real: Galaxies,
    generated: Galaxies,
    out: str | Path,
    *,
    reference: Galaxies | None = None,
    training: str | Path | None = None,
    estimate: Estimate | None = None,
    bands: Sequence[str] = ("i",),
    limit: int | None = None,
    statmorph: int = 1000,
    psf: str | Path | None = None,
    jobs: int = 1,
    dask: str | None = None,
    overwrite: bool = False,
    progress: Callable[..., Any] = tqdm,
    say: Callable[[str], object] = lambda text: None,
) -> dict[str, Any]:
    """Measure generated and real galaxies, compare them, and write catalogs, figures and a report.

    Parameters
    ----------
    real, generated: HDF5 files of the GalaxiesML schema, by path or opened, with stamps of equal
        shape [count].
    out: the folder of the report; what is unfinished there of the same arguments is continued, and
        a finished report of the same arguments is only read.
    reference: a second real set for the floor; None: the real set is split.
    training: what the generator was trained on, to look for copies.
    estimate: a redshift CNN (`galddpm.inference.photoz.Estimator`); None: no redshifts are seen.
    bands: names of those that sources are looked for in; the first one leads.
    limit: galaxies a side, from the first row on; None: all.
    statmorph: galaxies a side for statmorph's statistics.
    psf: a FITS image, a cube with a plane a band, or such a cube for each galaxy; None: what a file
        holds as `psf`, (C, k, l) or (N, C, k, l), else the real file's, else the survey's.
    jobs: processes. dask: address of a scheduler whose cluster measures instead.
    say: is told the verdict in words, or that nothing was to be done.

    Returns the content of `report.json`. Of several processes (see processes.py) the first does;
    the others help to measure, and return nothing. Raises UserError for files that are missing or
    do not fit, for a band that they have not, for redshifts too far apart to compare any, and where
    `out` holds a report that was made
    otherwise.

    >>> report = evaluate("test.hdf5", "samples.hdf5", "report")
    >>> report["metrics"]["ellipticity"]["ks"]
    """
    out = Path(out)
    given = {"real": real, "generated": generated, "reference": reference}
    files = {name: opened(galaxies) for name, galaxies in given.items() if galaxies is not None}
    sides = make_sides(files, bands, limit, statmorph, psf, estimate)
    arguments = {side.name: side.arguments for side in sides}
    if already_reported(out / REPORT, arguments, overwrite):
        say(f"{out / REPORT}: finished, nothing to do")
        return read_json(out / REPORT)
    with locked_folder(out) if processes.is_first() else nullcontext():
        if processes.is_first():  # what is there, of other arguments, is finished no longer
            (out / REPORT).unlink(missing_ok=True)
        measure_sides(sides, out, estimate, jobs, dask, overwrite, progress)
        if not processes.is_first():  # it has done its share
            return {}
        seen_on = None if estimate is None else str(estimate.device)
        known = GalaxyFile(training) if training else None
        with progress(total=3, desc="judging", unit="step") as bar:
            report = write_report(sides, out, known, seen_on, bar.update)
        say(summary(report))
        say(str(out / PAGE))
        return report


def opened(galaxies: Galaxies) -> GalaxyFile:
    """The file of a path. Raises UserError where it is none."""
    return galaxies if isinstance(galaxies, GalaxyFile) else GalaxyFile(galaxies)


def make_sides(
    files: Mapping[str, GalaxyFile],
    bands: Sequence[str],
    limit: int | None,
    statmorph: int,
    psf: str | Path | None,
    estimate: Estimate | None,
) -> list[Side]:
    """The sets that are compared, real and generated first, before they are measured.

    Raises UserError as `evaluate` does for files that do not fit.
    """
    # here, and not for the processes that measure and import this module
    from galddpm.evaluation.statistics.matching import require_shared_redshifts

    held = common_bands(files)
    psfs = find_psfs(files, held, psf)
    sides = []
    for name, file in files.items():
        work = Measurement(
            path=file.path.resolve(),  # a worker may stand in another folder
            bands=held,
            measured=judged_bands(bands, held, file.path),
            psfs=psfs[name],
            count=min(len(file), limit or len(file)),
            statmorph=statmorph,
        )
        sides.append(Side(name, file, work, describe(work, file, estimate)))
    require_shared_redshifts(*(side.file.redshift[: side.measurement.count] for side in sides[:2]))
    return sides


def find_psfs(
    files: Mapping[str, GalaxyFile], bands: Sequence[str], psf: str | Path | None
) -> dict[str, Psfs]:
    """The PSFs that each side is measured with: those asked for; else those in its file; else those
    of the real file, of its mean galaxy; else the survey's."""
    if psf:
        return {name: read_psf(psf, bands, len(file)) for name, file in files.items()}
    held = {name: held_psfs(file.path, bands, len(file)) for name, file in files.items()}
    real = held["real"]
    common = survey_psfs(bands) if real is None else real.shared()
    return {name: psfs or common for name, psfs in held.items()}


def common_bands(files: Mapping[str, GalaxyFile]) -> tuple[str, ...]:
    """The bands that all files have. Raises UserError where their stamps, the names of their bands
    or their pixels differ, or are not those that the judge knows."""
    real = files["real"]
    for file in files.values():
        if file.shape[1:] != real.shape[1:]:
            raise UserError(
                f"{file.path}: image: found stamps of {file.shape[1:]} (bands, rows, columns),"
                f" expected {real.shape[1:]} as in {real.path}"
            )
        if not math.isclose(file.pixel_scale, PIXEL_SCALE, rel_tol=SAME_SCALE):
            raise UserError(
                f"{file.path}: pixel_scale: found {file.pixel_scale:g} arcsec, expected"
                f" {PIXEL_SCALE:g}, of which the judge's radii and PSFs are"
            )
    if real.shape[1] > len(BANDS):
        raise UserError(
            f"{real.path}: image: found {real.shape[1]} bands, expected at most {len(BANDS)}"
        )
    bands = shared_bands(files.values())
    if unknown := set(bands) - set(BANDS):
        known = ", ".join(BANDS)
        raise UserError(f"{real.path}: bands: found {min(unknown)!r}, expected some of {known}")
    return bands


def judged_bands(asked: Sequence[str], held: Sequence[str], path: Path) -> tuple[str, ...]:
    """The bands asked for, each once. Raises UserError where a file does not have them."""
    for name in asked:
        if name not in held:
            raise UserError(
                f"--band {','.join(asked)}: found {name!r}, {path} has {', '.join(held)}"
            )
    return tuple(dict.fromkeys(asked))


def describe(work: Measurement, galaxies: GalaxyFile, estimate: Estimate | None) -> dict[str, Any]:
    """What determines a catalog, as JSON values."""
    return {
        "fingerprint": galaxies.fingerprint(),
        "galaxies": work.count,
        "bands": list(work.measured),
        "statmorph": work.statmorph,
        "redshift_cnn": None if estimate is None else estimate.fingerprint,
        "psf": work.psfs.fingerprint(work.measured),
        "galddpm": __version__,
    }


def already_reported(path: Path, arguments: Mapping[str, Any], overwrite: bool) -> bool:
    """Whether the report of these arguments is there. Raises UserError where another one is."""
    if not os.path.exists(path):
        return False
    try:
        found = json.loads(path.read_text())["arguments"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != arguments and not overwrite:
        raise UserError(f"{path}: exists and was made otherwise; --overwrite replaces it")
    same: bool = found == arguments
    return same


def measure_sides(
    sides: Sequence[Side],
    out: Path,
    estimate: Estimate | None,
    jobs: int,
    dask: str | None,
    overwrite: bool,
    progress: Callable[..., Any],
) -> None:
    """Give each side its catalog."""
    with dask_pool(dask) if dask else worker_pool(jobs) as pool:
        for side in sides:
            count = side.measurement.count
            with progress(total=count, desc=f"measuring {side.title}", unit="galaxy") as bar:
                side.catalog = measure(
                    side.measurement,
                    side.file,
                    out / f"catalog_{side.name}.fits",
                    side.arguments,
                    overwrite=overwrite,
                    pool=pool,
                    advance=bar.update,
                    estimate=estimate,
                )


def write_report(
    sides: Sequence[Side],
    out: Path,
    training: GalaxyFile | None,
    device: str | None,
    advance: Callable[[], object],
) -> dict[str, Any]:
    """Figures, page and, as the sign that all is there, the JSON.

    device: of the redshift CNN. advance: is called after the catalogs, the images, and the figures.
    """
    # after the measuring, whose processes import this module and need no matplotlib
    from galddpm.evaluation.report.gallery import draw_figures
    from galddpm.evaluation.report.html import page
    from galddpm.evaluation.report.judge import judge, plain
    from galddpm.evaluation.statistics.cross_check import cross_check
    from galddpm.evaluation.statistics.images import compare_images
    from galddpm.evaluation.statistics.matching import select

    real, generated, *others = sides
    reference = others[0].catalog if others else None
    chosen = select(real.catalog, generated.catalog, reference)
    report = judge(real.catalog, generated.catalog, reference, chosen, real.measurement.measured)
    report["psf"] = plain(described_psfs(sides))
    report["statmorph"] = {
        side.name: cross_check(side.catalog.bands[side.measurement.measured[0]]) for side in sides
    }
    advance()
    images = compare_images(real.file, generated.file, training, chosen, out / POWER)
    report["images"] = plain(images)
    advance()
    report["names"] = names_of(real, generated)
    report["origin"] = generated.origin
    report["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    report["files"] = {side.name: str(side.file.path) for side in sides}
    report["arguments"] = {side.name: side.arguments for side in sides}
    report["provenance"] = provenance(device=device)
    figures = draw_figures(report, real, generated, chosen, out)
    write_text(out / PAGE, page(report, figures))
    write_json(out / REPORT, report)
    advance()
    return report


def names_of(*sides: Side) -> dict[str, str]:
    """What the report calls the sides; of one title by their files too."""
    titles = {side.name: side.title for side in sides}
    if len(set(titles.values())) == len(sides):
        return titles
    return {side.name: f"{side.title} ({side.name}: {side.file.path.stem})" for side in sides}


def described_psfs(sides: Sequence[Side]) -> dict[str, Any]:
    """Which PSF each side was measured with, and what an error in the real side's does."""
    origins = {side.name: side.measurement.psfs.origin for side in sides}
    return {"used": origins, "effect": psf_effect(sides[0])}
