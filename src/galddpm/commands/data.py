"""`galddpm data mock|download|check|subset|pack|fits|galsim|picture`: files of the schema."""

import json
import math
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

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
from galddpm.data.chunked_output import recorded_arguments
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.hdf5 import require_hdf5_name
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from galddpm.files import refuse_own_input
from galddpm.locks import locked

SPLITS = ("training", "validation", "testing")
LISTED = (
    "CSV, ECSV or FITS, a row a galaxy: redshift, and a column for each band, g, r, ..., with paths"
    " of images, relative to the table, or a column cutout with those of cubes; object_id, ra and"
    " dec are kept"
)


class Actions(Protocol):
    """What argparse gives to add commands to, whose own type is private."""

    def add_parser(self, name: str, **more: Any) -> Parser:
        """The parser of one command more."""


def main(arguments: Sequence[str] | None = None, prog: str = "data.py") -> None:
    options = parse(arguments, prog)
    options.run(options)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Make, fetch, examine and cut files of the GalaxiesML schema.",
        examples=(
            "galddpm data mock",
            "galddpm data check data/mock/5x64x64_testing_with_morphology.hdf5",
            "galddpm data subset --help",
        ),
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    files = add_mock, add_download, add_check, add_subset, add_pack
    for add in (*files, add_fits, add_galsim, add_picture):
        add(actions)
    return parser.parse_args(arguments)


def add_mock(actions: Actions) -> None:
    action = add_action(
        actions,
        mock,
        "make mock galaxies with known truth",
        "galddpm data mock",
        "galddpm data mock --out data/large --training 50000 --jobs 8",
    )
    action.add_argument("--out", default="data/mock", metavar="DIR", help=f"folder; {DEFAULT}")
    for split, number in zip(SPLITS, (2000, 200, 300), strict=True):
        meant = f"galaxies; {DEFAULT}"
        action.add_argument(f"--{split}", type=count, default=number, metavar="N", help=meant)
    add_seed(action)
    jobs = f"processes, of which two make 30 to 75 galaxies a second; {DEFAULT}"
    action.add_argument("--jobs", type=count, default=cores(), metavar="J", help=jobs)
    pixels = f"a side of a stamp: 64 or 127; {DEFAULT}"
    action.add_argument("--pixels", type=count, default=64, metavar="N", help=pixels)
    action.add_argument(
        "--light", action="store_true", help="images without noise in the truth file too"
    )
    action.add_argument(
        "--no-defects",
        dest="defects",
        action="store_false",
        help="no saturated stars, gaps in the coverage, bad pixels and over-subtracted haloes",
    )
    add_overwrite(action)


def add_download(actions: Actions) -> None:
    action = add_action(
        actions,
        download,
        "fetch GalaxiesML from Zenodo: 24 GB with 64 pixels a side",
        "galddpm data download",
        "galddpm data download --split testing --out data/galaxiesml",
        "galddpm data download --print-urls",
    )
    action.add_argument(
        "--out", default="data/galaxiesml", metavar="DIR", help=f"folder; {DEFAULT}"
    )
    size = f"pixels a side; {DEFAULT}"
    action.add_argument("--size", choices=["64", "127"], default="64", help=size)
    action.add_argument("--split", default=",".join(SPLITS), metavar="A[,B...]", help=DEFAULT)
    action.add_argument("--record", default="11117528", metavar="ID", help=f"of Zenodo; {DEFAULT}")
    action.add_argument("--print-urls", action="store_true", help="fetch nothing, list addresses")
    add_overwrite(action)


def add_check(actions: Actions) -> None:
    action = add_action(
        actions,
        check,
        "say what is in a file, and whether it can be used",
        "galddpm data check data/mock/5x64x64_testing_with_morphology.hdf5",
    )
    action.add_argument("file", help="HDF5 file of the GalaxiesML schema")


def add_subset(actions: Actions) -> None:
    action = add_action(
        actions,
        subset,
        "cut a range of redshifts, a half, or fewer galaxies of the same distribution",
        "galddpm data subset whole.hdf5 part.hdf5 --count 20000",
        "galddpm data subset whole.hdf5 near.hdf5 --redshifts 0:0.5",
        "galddpm data subset whole.hdf5 first.hdf5 --half 1",
    )
    action.add_argument("source", help="HDF5 file of the GalaxiesML schema")
    action.add_argument("out", help="HDF5 file to write")
    meant = "from LOW to below HIGH; default: all"
    action.add_argument("--redshifts", type=span, metavar="LOW:HIGH", help=meant)
    meant = "one or the other of every two neighbours in redshift; default: both"
    action.add_argument("--half", type=int, choices=(1, 2), help=meant)
    meant = "galaxies; default: all of these"
    action.add_argument("--count", type=count, metavar="N", help=meant)
    add_seed(action)
    add_overwrite(action)


def add_pack(actions: Actions) -> None:
    action = add_action(
        actions,
        pack,
        "make a file of existing FITS cutouts, which a table lists",
        "galddpm data pack cutouts.csv mine.hdf5",
        "galddpm data pack cutouts.fits mine.hdf5 --bands g,r,i --zero-point 31.4",
    )
    action.add_argument("table", help=LISTED)
    action.add_argument("out", metavar="OUT.hdf5", help="HDF5 file to write")
    bands = f"columns of images or planes of a cube, in order; {DEFAULT}"
    action.add_argument("--bands", default=",".join(BANDS), metavar="A[,B...]", help=bands)
    action.add_argument(
        "--zero-point",
        type=magnitude,
        metavar="MAG",
        help="AB magnitude of one unit of the pixels; default: MAGZERO or FLUXMAG0 of each header",
    )
    add_overwrite(action)


def add_fits(actions: Actions) -> None:
    action = add_action(
        actions,
        fits,
        "export a file, such as samples, as FITS",
        "galddpm data fits samples.hdf5",
        "galddpm data fits samples.hdf5 --out stamps.fits --overwrite",
    )
    action.add_argument("source", help="HDF5 file of the GalaxiesML schema")
    action.add_argument("--out", metavar="FILE.fits", help="default: beside the source")
    add_overwrite(action)


def add_galsim(actions: Actions) -> None:
    action = add_action(
        actions,
        galsim,
        "export a file, such as samples, as GalSim's RealGalaxyCatalog",
        "galddpm data galsim samples.hdf5",
        "galddpm data galsim samples.hdf5 --band g --out catalog.fits",
    )
    action.add_argument("source", help="HDF5 file of the GalaxiesML schema")
    action.add_argument("--band", default="i", metavar="BAND", help=DEFAULT)
    psf = "FITS image, or cube with a plane a band; default: the file's, or the survey's"
    action.add_argument("--psf", type=Path, metavar="FILE", help=psf)
    out = "the table, beside which images and PSFs go; default: SOURCE_galsim.fits"
    action.add_argument("--out", metavar="FILE.fits", help=out)
    add_overwrite(action)


def add_picture(actions: Actions) -> None:
    action = add_action(
        actions,
        picture,
        "show galaxies in colour, of one file or of several at the same redshifts, as PNG",
        "galddpm data picture galaxies.hdf5",
        "galddpm data picture real.hdf5 galaxies.hdf5 --count 10 --out beside.png",
    )
    action.add_argument("sources", nargs="+", metavar="FILE", help="HDF5 of the GalaxiesML schema")
    meant = f"galaxies of each file, evenly spread in redshift; {DEFAULT}"
    action.add_argument("--count", type=count, default=40, metavar="N", help=meant)
    action.add_argument("--out", metavar="FILE.png", help="default: beside the first file")
    add_overwrite(action)


def mock(options: Namespace) -> None:
    from galddpm.mock import MockSettings, make_mock

    counts = {split: getattr(options, split) for split in SPLITS}
    folder = Path(options.out)
    tell(f"{sum(counts.values()):,} mock galaxies, seed {options.seed}, into {folder}")
    settings = MockSettings(options.seed, options.pixels, options.defects, options.light)
    for path in make_mock(folder, counts, settings, options.jobs, options.overwrite, progress):
        print(path)


def download(options: Namespace) -> None:
    from galddpm.data import download as zenodo

    splits = options.split.split(",")
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise UserError(f"--split: found {unknown.pop()!r}, expected some of {', '.join(SPLITS)}")
    size = options.size
    wanted = [f"5x{size}x{size}_{split}_with_morphology.hdf5" for split in splits]
    held = {remote.name: remote for remote in zenodo.list_files(options.record)}
    missing = [name for name in wanted if name not in held]
    if missing:
        raise UserError(f"--record {options.record}: no {missing[0]}, it holds {', '.join(held)}")
    tell(f"{size} pixels, {', '.join(splits)}, Zenodo record {options.record}, into {options.out}")
    for name in wanted:
        path = Path(options.out) / name
        if options.print_urls:
            print(held[name].url)
        elif zenodo.download(held[name], Path(options.out), progress, options.overwrite):
            print(f"{path}: downloaded and checked")
        else:
            print(f"{path}: finished, nothing to do")


def check(options: Namespace) -> None:
    from galddpm.data.check import explain

    for line in explain(Path(options.file), progress):
        print(line)
    print("can be used")


def subset(options: Namespace) -> None:
    from galddpm.data.subset import write_subset

    source, out = Path(options.source), Path(options.out)
    require_hdf5_name(out)
    arguments = {
        "subset_of": str(source),
        "fingerprint": GalaxyFile(source).fingerprint(),
        "redshifts": options.redshifts,
        "half": options.half,
        "count": options.count,
        "seed": options.seed,
    }
    tell(f"{source}, seed {options.seed}, into {out}")
    if out.exists() and recorded_arguments(out) == arguments:
        print(f"{out}: finished, nothing to do")
        return
    refuse_own_input(out, source)
    _refuse_existing(out, options.overwrite)
    text = json.dumps(arguments, sort_keys=True)
    chosen = (options.redshifts, options.half, options.count, options.seed)
    with locked(out):
        print(f"{out}: {write_subset(source, out, *chosen, text, progress):,} galaxies")


def pack(options: Namespace) -> None:
    from galddpm.data.pack import pack as write

    table, out, bands = Path(options.table), Path(options.out), options.bands.split(",")
    require_hdf5_name(out)
    refuse_own_input(out, table)
    count = write(table, out, bands, options.zero_point, options.overwrite, progress)
    print(f"{out}: finished, nothing to do" if count is None else f"{out}: {count:,} galaxies")


def fits(options: Namespace) -> None:
    from galddpm.data.fits import write_fits

    source = Path(options.source)
    out = Path(options.out) if options.out else source.with_suffix(".fits")
    refuse_own_input(out, source)
    _refuse_existing(out, options.overwrite)
    with locked(out):
        print(f"{out}: {write_fits(source, out):,} galaxies")


def galsim(options: Namespace) -> None:
    from galddpm.commands.galsim_catalog import files_of, write_catalog

    source = Path(options.source)
    out = Path(options.out) if options.out else source.with_name(f"{source.stem}_galsim.fits")
    for path in files_of(out):
        refuse_own_input(path, source)
        _refuse_existing(path, options.overwrite)
    with locked(out):
        print(f"{out}: {write_catalog(source, out, options.band, options.psf):,} galaxies")


def picture(options: Namespace) -> None:
    from galddpm.commands.picture import draw_picture

    sources = [Path(source) for source in options.sources]
    out = Path(options.out) if options.out else sources[0].with_suffix(".png")
    for source in sources:
        refuse_own_input(out, source)
    _refuse_existing(out, options.overwrite)
    with locked(out):
        print(f"{out}: {draw_picture(sources, options.count, out):,} galaxies of each file")


def span(text: str) -> list[float]:
    """The type of an argument LOW:HIGH."""
    try:
        low, high = map(float, text.split(":"))
        if low < high:
            return [low, high]
    except ValueError:
        pass
    raise ArgumentTypeError(f"found {text!r}, expected LOW:HIGH, such as 0.4:0.5")


def magnitude(text: str) -> float:
    """The type of an argument that must be a finite number."""
    try:
        value = float(text)
        if math.isfinite(value):
            return value
    except ValueError:
        pass
    raise ArgumentTypeError(f"found {text!r}, expected a finite number")


def _refuse_existing(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise UserError(f"{out}: exists and was made otherwise; --overwrite replaces it")


def add_action(
    actions: Actions, run: Callable[[Namespace], None], description: str, *examples: str
) -> Parser:
    """What `data NAME` is, with the function of that name to run."""
    sentence = f"{description[0].upper()}{description[1:]}."
    action = actions.add_parser(
        run.__name__, help=description, description=sentence, examples=examples
    )
    action.set_defaults(run=run)
    return action
