"""`python scripts/evaluate.py`: how far are generated galaxies from real ones?"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py

from galddpm import runs
from galddpm._version import __version__
from galddpm.commands.shell import Parser, cores, count, progress, whole
from galddpm.data.galaxiesml import BANDS, GalaxyFile
from galddpm.errors import UserError
from galddpm.evaluation.catalog.cluster import dask_pool
from galddpm.evaluation.catalog.measure_file import Measurement, measure
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.psf import read_psf, survey_psf
from galddpm.files import locked_folder, write_text
from galddpm.workers import worker_pool

REPORT = "report.json"


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    paths, out = find_files(options)
    files = {side: GalaxyFile(path) for side, path in paths.items()}
    estimator = find_redshift_cnn(options.redshift_cnn)
    bands = file_bands(files)
    psfs = choose_psf(options.psf, bands)
    work = {
        side: Measurement(
            path=file.path.resolve(),  # a worker may stand in another folder
            bands=bands,
            measured=judged_bands(options.band, bands, file.path),
            psfs=psfs,
            count=min(len(file), options.limit or len(file)),
            statmorph=options.statmorph,
        )
        for side, file in files.items()
    }
    recorded = {side: describe(work[side], files[side], estimator) for side in work}
    if already_reported(out / REPORT, recorded, options.overwrite):
        print(f"{out / REPORT}: finished, nothing to do")
        return
    with locked_folder(out):
        catalogs = measure_all(work, files, recorded, out, options, estimator)
        write_report(catalogs, work, files, recorded, out)


def parse(arguments: Sequence[str] | None):
    parser = Parser(description="Measure generated and real galaxies and compare them.")
    add = parser.add_argument
    add("--real", type=Path, metavar="FILE", help="default: the test file of the run's config")
    add("--generated", type=Path, metavar="FILE", help="default: the newest samples of the run")
    add("--out", type=Path, metavar="DIR", help="default: report/ in the run's folder")
    add("--reference", type=Path, metavar="FILE", help="a second real set, for the floor")
    add("--redshift-cnn", type=Path, metavar="DIR", help="default: the newest redshift run")
    add("--band", default="i", metavar="BAND[,BAND...]", help="the first one leads; default: i")
    add("--limit", type=count, metavar="N", help="galaxies a side, from the first row on")
    add("--statmorph", type=whole, default=1000, metavar="N", help="a side; default: 1000")
    add("--psf", type=Path, metavar="FILE", help="FITS image or cube; default: a Moffat profile")
    add("--jobs", type=count, default=cores(), metavar="J", help="default: all cores")
    add("--dask", metavar="ADDRESS", help="measure on this scheduler's cluster instead of --jobs")
    add("--overwrite", action="store_true")
    return parser.parse_args(arguments)


def find_files(options) -> tuple[dict[str, Path], Path]:
    """The files of each side, and the folder of the report.

    What is not given comes from the newest run. The report of a file that was given stands beside
    it, because it may belong to another run.
    """
    real, generated, out = options.real, options.generated, options.out
    if real is None or generated is None:
        run = runs.newest_run()
        out = out or (generated.parent if generated else run) / "report"
        generated = generated or runs.newest_samples(run)
        real = real or _test_file(run)
    paths = {"real": real, "generated": generated}
    if options.reference:
        paths["reference"] = options.reference
    return paths, out or generated.parent / "report"


def find_redshift_cnn(run: Path | None) -> Path | None:
    """The model file of the redshift CNN; None where none is given and none was trained."""
    if run is None:
        try:
            run = runs.newest_run(task="redshift")
        except UserError:
            return None
    return run / runs.MODEL if run.is_dir() else run


def file_bands(files: Mapping[str, GalaxyFile]) -> tuple[str, ...]:
    """The bands that all files have. Raises UserError where their stamps differ."""
    real = files["real"]
    for file in files.values():
        if file.shape[1:] != real.shape[1:]:
            raise UserError(
                f"{file.path}: image: found stamps of {file.shape[1:]} (bands, rows, columns),"
                f" expected {real.shape[1:]} as in {real.path}"
            )
    if real.shape[1] > len(BANDS):
        raise UserError(
            f"{real.path}: image: found {real.shape[1]} bands, expected at most {len(BANDS)}"
        )
    return BANDS[: real.shape[1]]


def judged_bands(asked: str, bands: Sequence[str], path: Path) -> tuple[str, ...]:
    """The bands of `--band`. Raises UserError where the files do not have them."""
    names = tuple(dict.fromkeys(asked.split(",")))
    for name in names:
        if name not in bands:
            raise UserError(f"--band {asked}: found {name!r}, {path} has {', '.join(bands)}")
    return names


def choose_psf(path: Path | None, bands: Sequence[str]):
    """The PSF of each band: from a file, or the survey's."""
    return read_psf(path, bands) if path else {band: survey_psf(band) for band in bands}


def describe(measurement: Measurement, galaxies: GalaxyFile, estimator: Path | None) -> dict:
    """What determines a catalog, as JSON values."""
    psfs = b"".join(measurement.psfs[band].tobytes() for band in measurement.measured)
    return {
        "fingerprint": galaxies.fingerprint(),
        "galaxies": measurement.count,
        "bands": list(measurement.measured),
        "statmorph": measurement.statmorph,
        "redshift_cnn": estimator and hashlib.sha256(read_bytes(estimator)).hexdigest()[:32],
        "psf": hashlib.sha256(psfs).hexdigest()[:32],
        "galddpm": __version__,
    }


def read_bytes(path: Path) -> bytes:
    """The content of a model file. Raises UserError where there is none."""
    try:
        return path.read_bytes()
    except OSError:
        raise UserError(f"{path}: no such file, expected the model of a redshift CNN") from None


def already_reported(path: Path, recorded: Mapping, overwrite: bool) -> bool:
    """Whether the report of these arguments is there. Raises UserError where another one is."""
    if not os.path.exists(path):
        return False
    try:
        found = json.loads(path.read_text())["arguments"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != recorded and not overwrite:
        raise UserError(f"{path}: exists and was made otherwise; --overwrite replaces it")
    return found == recorded


def measure_all(
    work: Mapping[str, Measurement],
    files: Mapping[str, GalaxyFile],
    recorded: Mapping[str, dict],
    out: Path,
    options,
    estimator: Path | None,
) -> dict[str, Catalog]:
    """The catalog of each side."""
    from galddpm.inference.photoz import (
        Estimator,  # torch is loaded after the arguments were checked
    )

    estimate = Estimator.load(estimator) if estimator else None
    catalogs = {}
    with dask_pool(options.dask) if options.dask else worker_pool(options.jobs) as pool:
        for side, task in work.items():
            with progress(total=task.count, desc=f"measuring {side}", unit="galaxy") as bar:
                catalogs[side] = measure(
                    task,
                    files[side],
                    out / f"catalog_{side}.fits",
                    recorded[side],
                    overwrite=options.overwrite,
                    pool=pool,
                    advance=bar.update,
                    estimate=estimate,
                )
    return catalogs


def write_report(
    catalogs: Mapping[str, Catalog],
    work: Mapping[str, Measurement],
    files: Mapping[str, GalaxyFile],
    recorded: Mapping[str, dict],
    out: Path,
) -> None:
    """Figures, page and, as the sign that all is there, the JSON."""
    # after the measuring, whose processes import this module and need no matplotlib
    from galddpm.evaluation.report.gallery import draw_figures
    from galddpm.evaluation.report.html import page, summary
    from galddpm.evaluation.report.judge import judge
    from galddpm.evaluation.statistics.images import compare_images
    from galddpm.evaluation.statistics.matching import select

    real, generated, reference = (catalogs.get(s) for s in ("real", "generated", "reference"))
    chosen = select(real, generated, reference)
    report = judge(real, generated, reference, chosen, work["real"].measured)
    training = training_file(files["generated"].path)
    report["images"] = compare_images(files["real"], files["generated"], training, chosen)
    paths = {side: str(file.path) for side, file in files.items()}
    report |= {"files": paths, "arguments": recorded, "provenance": runs.provenance()}
    figures = draw_figures(report, real, generated, chosen, work, out)
    write_text(out / "report.html", page(report, figures))
    runs.write_json(out / REPORT, report)
    print(summary(report))
    print(out / "report.html")


def training_file(samples: Path) -> GalaxyFile | None:
    """What the model of a sample file was trained on, where its run and that file still are."""
    with h5py.File(samples) as file:
        run = json.loads(file.attrs.get("provenance", "{}")).get("run")
    try:
        path = Path(runs.read_config(run)["data"]["training"]) if run else None
        return GalaxyFile(path) if path else None
    except (UserError, KeyError, TypeError):
        return None


def _test_file(run: Path) -> Path:
    try:
        return Path(runs.read_config(run)["data"]["testing"])
    except (KeyError, TypeError):
        raise UserError(f"{run / 'config.yaml'}: data.testing: not there; give --real") from None
