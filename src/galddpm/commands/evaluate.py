"""`python scripts/evaluate.py`: how far are generated galaxies from real ones?"""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import h5py

from galddpm import runs
from galddpm.commands.shell import Parser, cores, count, progress, whole
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import UserError


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    real, generated, out = find_files(options.real, options.generated, options.out)
    training = training_file(generated)
    # a wrong path is named before anything else is looked for
    opened = GalaxyFile(real), GalaxyFile(generated)
    reference = GalaxyFile(options.reference) if options.reference else None
    cnn = find_redshift_cnn(options.redshift_cnn)

    from galddpm.evaluation.pipeline import evaluate  # torch is loaded after the arguments
    from galddpm.inference.photoz import Estimator

    evaluate(
        *opened,
        out,
        reference=reference,
        training=training,
        estimate=Estimator.load(cnn) if cnn else None,
        bands=options.band.split(","),
        limit=options.limit,
        statmorph=options.statmorph,
        psf=options.psf,
        jobs=options.jobs,
        dask=options.dask,
        overwrite=options.overwrite,
        progress=progress,
        say=print,
    )


def parse(arguments: Sequence[str] | None) -> Namespace:
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
    add(
        "--psf",
        type=Path,
        metavar="FILE",
        help="FITS image or cube; default: the file's, or the survey's",
    )
    add("--jobs", type=count, default=cores(), metavar="J", help="default: all cores")
    add("--dask", metavar="ADDRESS", help="measure on this scheduler's cluster instead of --jobs")
    add("--overwrite", action="store_true")
    return parser.parse_args(arguments)


def find_files(
    real: Path | None, generated: Path | None, out: Path | None
) -> tuple[Path, Path, Path]:
    """The real file, the generated one, and the folder of the report.

    What is not given comes from the newest run. The report of a file that was given stands beside
    it, because it may belong to another run.
    """
    if real is None or generated is None:
        run = runs.newest_run()
        out = out or (generated.parent if generated else run) / "report"
        generated = generated or runs.newest_samples(run)
        real = real or _test_file(run)
    return real, generated, out or generated.parent / "report"


def find_redshift_cnn(run: Path | None) -> Path | None:
    """The run or model file of the redshift CNN; None where none is given and none was trained."""
    if run is not None:
        return run
    try:
        return runs.newest_run(task="redshift")
    except UserError:
        return None


def training_file(samples: Path) -> Path | None:
    """What the model of a sample file was trained on, where its run and that file still are."""
    try:
        with h5py.File(samples) as file:
            run = json.loads(file.attrs.get("provenance", "{}")).get("run")
        path = Path(runs.read_config(run)["data"]["training"]) if run else None
    except (OSError, UserError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return path if path and path.is_file() else None


def _test_file(run: Path) -> Path:
    try:
        return Path(runs.read_config(run)["data"]["testing"])
    except (KeyError, TypeError):
        raise UserError(f"{run / 'config.yaml'}: data.testing: not there; give --real") from None
