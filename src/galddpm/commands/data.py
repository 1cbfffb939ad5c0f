"""`python scripts/data.py mock|download|check|subset|pack|fits`: files of the GalaxiesML schema."""

import json
import math
from argparse import Namespace, _SubParsersAction
from collections.abc import Callable, Sequence
from pathlib import Path

from galddpm.commands.shell import Parser, cores, count, progress, tell, whole
from galddpm.data.chunked_output import recorded_arguments
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


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    options.run(options)


def parse(arguments: Sequence[str] | None) -> Namespace:
    parser = Parser(description="Make, fetch, examine and cut files of the GalaxiesML schema.")
    actions = parser.add_subparsers(required=True, metavar="mock|download|check|subset|pack|fits")
    add = _adder(actions)

    action = add("mock", mock, "make mock galaxies with known truth")
    action.add_argument("--out", default="data/mock", metavar="DIR")
    for split, default in zip(SPLITS, (4000, 200, 1000), strict=True):
        action.add_argument(f"--{split}", type=count, default=default, metavar="N")
    action.add_argument("--seed", type=whole, default=0, metavar="S")
    action.add_argument("--jobs", type=count, default=cores(), metavar="J")

    action = add("download", download, "fetch GalaxiesML from Zenodo, 24 GB for 64 pixels")
    action.add_argument("--out", default="data/galaxiesml", metavar="DIR")
    action.add_argument("--size", choices=["64", "127"], default="64", help="pixels on a side")
    action.add_argument("--split", default=",".join(SPLITS), metavar="A[,B...]")
    action.add_argument("--record", default="11117528", metavar="ID", help="of Zenodo")
    action.add_argument("--print-urls", action="store_true", help="fetch nothing, list addresses")

    action = add("check", check, "say what is in a file, and whether it can be used", False)
    action.add_argument("file")

    action = add("subset", subset, "cut a range of redshifts, or fewer of the same distribution")
    action.add_argument("source")
    action.add_argument("out")
    action.add_argument("--redshifts", type=span, metavar="LOW:HIGH", help="default: all")
    action.add_argument("--count", type=count, metavar="N", help="default: all in the range")
    action.add_argument("--seed", type=whole, default=0, metavar="S")

    action = add("pack", pack, "make a file of existing FITS cutouts, which a table lists")
    action.add_argument("table", help=LISTED)
    action.add_argument("out", metavar="OUT.hdf5")
    bands = ",".join(BANDS)
    action.add_argument(
        "--bands",
        default=bands,
        metavar="A[,B...]",
        help=f"columns of images or planes of a cube, in order; default: {bands}",
    )
    action.add_argument(
        "--zero-point",
        type=magnitude,
        metavar="MAG",
        help="AB magnitude of one unit of the pixels; default: MAGZERO or FLUXMAG0 of each header",
    )

    action = add("fits", fits, "export a file, such as samples, as FITS")
    action.add_argument("source")
    action.add_argument("--out", metavar="FILE.fits", help="default: beside the source")
    return parser.parse_args(arguments)


def mock(options: Namespace) -> None:
    from galddpm.mock import make_mock

    counts = {split: getattr(options, split) for split in SPLITS}
    folder = Path(options.out)
    tell(f"{sum(counts.values()):,} mock galaxies, seed {options.seed}, into {folder}")
    for path in make_mock(folder, counts, options.seed, options.jobs, options.overwrite, progress):
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

    print("\n".join(explain(Path(options.file), progress)))
    print("can be used")


def subset(options: Namespace) -> None:
    from galddpm.data.subset import write_subset

    source, out = Path(options.source), Path(options.out)
    require_hdf5_name(out)
    arguments = {
        "subset_of": str(source),
        "bytes": source.stat().st_size if source.is_file() else None,
        "redshifts": options.redshifts,
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
    chosen = (options.redshifts, options.count, options.seed)
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


def span(text: str) -> list[float]:
    """The type of an argument LOW:HIGH."""
    low, high = map(float, text.split(":"))
    if not low < high:
        raise ValueError
    return [low, high]


def magnitude(text: str) -> float:
    """The type of an argument that must be a finite number."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _refuse_existing(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise UserError(f"{out}: exists and was made otherwise; --overwrite replaces it")


def _adder(actions: "_SubParsersAction[Parser]") -> Callable[..., Parser]:
    def add(
        name: str, run: Callable[[Namespace], None], description: str, writes: bool = True
    ) -> Parser:
        action = actions.add_parser(name, help=description, description=description)
        action.set_defaults(run=run)
        if writes:
            action.add_argument("--overwrite", action="store_true")
        return action

    return add
