"""`galddpm evaluate`: how far are generated galaxies from real ones?"""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import h5py

from galddpm import runs
from galddpm.commands.shell import (
    DEFAULT,
    Parser,
    add_device,
    add_overwrite,
    cores,
    count,
    progress,
    say,
    tell,
    whole,
)
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import UserError
from galddpm.inference.hub import is_on_hub


def main(arguments: Sequence[str] | None = None, prog: str = "evaluate.py") -> None:
    options = parse(arguments, prog)
    # a wrong path is named before anything is looked for in place of those that are not given
    _refuse_missing(options.run, options.psf)
    if options.redshift_cnn and not is_on_hub(options.redshift_cnn):
        runs.refuse_unknown(options.redshift_cnn)
    real, generated, reference = map(_opened, (options.real, options.generated, options.reference))
    run = known_run(options.run, generated)
    if real is None or generated is None:
        run = run or newest_run(generated)
        generated = generated or GalaxyFile(runs.newest_samples(run))
        real = real or GalaxyFile(_test_file(run))

    from galddpm.devices import device_title, select_device  # torch comes after the arguments
    from galddpm.evaluation.pipeline import evaluate
    from galddpm.evaluation.statistics.distributions import LEAST
    from galddpm.inference.photoz import Estimator

    device = select_device(options.device)
    cnn = choose_redshift_cnn(options.redshift_cnn, run, real)
    judged_by = (
        f"redshift CNN {runs.called(cnn)}, {device_title(device)}" if cnn else "no redshift CNN"
    )
    from_run = f"run {run}, " if run else ""
    tell(f"{from_run}generated {generated.path}, real {real.path}, {judged_by}")
    count = min(len(real), len(generated), options.limit or len(real))
    if count < LEAST:
        tell(f"{count} galaxies a side are measured; a distance needs {LEAST}, good ones 1,000")
    evaluate(
        real,
        generated,
        options.out or default_out(generated.path),
        reference=reference,
        training=training_file(generated.path),
        estimate=Estimator.load(cnn, device) if cnn else None,
        bands=options.band.split(","),
        limit=options.limit,
        statmorph=options.statmorph,
        psf=options.psf,
        jobs=options.jobs,
        dask=options.dask,
        overwrite=options.overwrite,
        progress=progress,
        say=say,
    )


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Measure generated and real galaxies, compare them, and write a report.",
        examples=(
            "galddpm evaluate",
            "galddpm evaluate --real test.hdf5 --generated samples.hdf5 --out report",
            "galddpm evaluate --band i,g --limit 1000 --statmorph 300 --jobs 4",
        ),
    )
    add_files(parser)
    add_measuring(parser)
    add_overwrite(parser)
    add_device(parser)
    return parser.parse_args(arguments)


def add_files(parser: Parser) -> None:
    """What is compared, and where the report goes."""
    add = parser.add_argument
    from_where = "default: that of --generated, or the newest"
    add("--run", "--run-dir", dest="run", type=Path, metavar="DIR", help=from_where)
    add("--real", type=Path, metavar="FILE", help="default: the test file of the run's config")
    add("--generated", type=Path, metavar="FILE", help="default: the newest samples of the run")
    add("--out", type=Path, metavar="DIR", help="default: NAME-report beside the samples NAME")
    floor = "a second real set, for the floor; default: --real is split"
    add("--reference", type=Path, metavar="FILE", help=floor)
    add_redshift_cnn(parser)


def add_redshift_cnn(parser: Parser) -> None:
    cnn = "run or model; default: the newest redshift run, for mock galaxies else that of galddpm"
    parser.add_argument("--redshift-cnn", metavar="RUN", help=cnn)


def add_measuring(parser: Parser) -> None:
    """What is measured, on how many galaxies, and by whom."""
    add = parser.add_argument
    bands = f"where sources are looked for; the first one leads; {DEFAULT}"
    add("--band", default="i", metavar="BAND[,BAND...]", help=bands)
    limit = "galaxies a side, from the first row on; default: all"
    add("--limit", type=count, metavar="N", help=limit)
    statmorph = f"galaxies a side for statmorph's statistics; {DEFAULT}"
    add("--statmorph", type=whole, default=1000, metavar="N", help=statmorph)
    psf = "FITS image, or cube with a plane a band; default: the file's, or the survey's"
    add("--psf", type=Path, metavar="FILE", help=psf)
    jobs = "processes; default: all cores, here %(default)s"
    add("--jobs", type=count, default=cores(), metavar="J", help=jobs)
    add("--dask", metavar="ADDRESS", help="measure on this scheduler's cluster instead of --jobs")


def known_run(run: Path | None, generated: GalaxyFile | None) -> Path | None:
    """The run that was named, else that which made the samples, as far as it is known. Raises
    UserError where the one named is none."""
    if run:
        runs.read_config(run)
        return run
    return None if generated is None else made_by(generated.path)


def newest_run(generated: GalaxyFile | None) -> Path:
    """The newest run. Raises UserError without one, and says what else would do."""
    try:
        return runs.newest_run(say=tell)
    except UserError:
        if generated is None:
            raise
        raise UserError(
            f"{generated.path}: made by no run that is here; --real FILE says what it is to be"
            " compared with"
        ) from None


def default_out(generated: Path) -> Path:
    """Beside the samples and named after them: a run may have many, each with its report."""
    return generated.with_name(f"{generated.stem}-report")


def choose_redshift_cnn(
    asked: str | Path | None, run: Path | None, galaxies: GalaxyFile
) -> str | Path | None:
    """What is asked for; else the newest beside a run that knows such stamps; else what comes with
    galddpm for such galaxies, if any. Raises UserError where it is asked for one of other stamps.
    """
    from galddpm.inference.model_file import ModelFile, shipped_for  # after the arguments

    found = asked or find_redshift_cnn(run)
    if found:
        known = ModelFile.read(found, "redshift").stamp
        if known == galaxies.shape[1:]:
            return found
        other = f"{runs.called(found)} knows galaxies of {known}"
        if asked:
            raise UserError(
                f"{galaxies.path}: image: found galaxies of {galaxies.shape[1:]}, {other}"
            )
        tell(f"redshift CNN {other}, and is passed over")
    return shipped_for("redshift", galaxies)


def find_redshift_cnn(run: Path | None) -> Path | None:
    """The newest redshift CNN beside a run, or under runs/; None where none was trained."""
    try:
        return runs.newest_run(run.parent if run else "runs", "redshift", say=tell)
    except UserError:
        return None


def made_by(samples: Path) -> Path | None:
    """The run that a sample file says it is of, where that still is."""
    try:
        with h5py.File(samples) as file:
            run = json.loads(file.attrs.get("provenance", "{}")).get("run")
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return Path(run) if run and (Path(run) / "config.yaml").exists() else None


def training_file(samples: Path) -> Path | None:
    """What the model of a sample file was trained on, where its run and that file still are."""
    try:
        run = made_by(samples)
        path = Path(runs.read_config(run)["data"]["training"]) if run else None
    except (UserError, KeyError, TypeError):
        return None
    return path if path and path.is_file() else None


def _test_file(run: Path) -> Path:
    try:
        return Path(runs.read_config(run)["data"]["testing"])
    except (KeyError, TypeError):
        raise UserError(f"{run / 'config.yaml'}: data.testing: not there; give --real") from None


def _opened(path: Path | None) -> GalaxyFile | None:
    return GalaxyFile(path) if path else None


def _refuse_missing(*paths: Path | None) -> None:
    for path in paths:
        if path and not path.exists():
            raise UserError(f"{path}: no such file or folder")
