"""`galddpm survey NZ --area DEG2`: the catalog of a survey, for `galddpm sample` to draw."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galddpm.arrays import Floats
from galddpm.commands.shell import Parser, add_overwrite, add_seed, say
from galddpm.data.survey_catalog import (
    DENSITIES,
    REDSHIFTS,
    draw_places,
    draw_redshifts,
    expected_number,
    read_density,
)
from galddpm.data.tables import FORMATS, is_table
from galddpm.errors import UserError
from galddpm.files import refuse_existing, refuse_own_input, written_whole
from galddpm.locks import locked


def main(arguments: Sequence[str] | None = None, prog: str = "survey.py") -> None:
    options = parse(arguments, prog)
    out = Path(options.out)
    if not is_table(out):
        raise UserError(f"--out: found {out}, expected a name that ends in {', '.join(FORMATS)}")
    refuse_own_input(out, options.density)
    refuse_existing(out, options.overwrite)
    density = read_density(Path(options.density))
    number = expected_number(*density, options.area)
    rng = np.random.default_rng(options.seed)
    count = int(rng.poisson(number))
    if not count:
        raise UserError(f"--area: found no galaxy in {options.area:g} square degrees")
    redshift = draw_redshifts(*density, count, rng)
    with locked(out):
        write_catalog(out, redshift, *draw_places(count, options.area, options.centre, rng))
    say(f"{out}: {count:,} galaxies; galddpm sample --redshifts {out} draws them")


def write_catalog(out: Path, redshift: Floats, ra: Floats, dec: Floats) -> None:
    from astropy import units
    from astropy.table import QTable

    ids = np.arange(len(redshift))
    table = QTable({"object_id": ids, "ra": ra * units.deg, "dec": dec * units.deg})
    table["redshift"] = redshift
    with written_whole(out) as temporary:
        table.write(temporary, format=FORMATS[out.suffix.lower()], overwrite=True)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Draw the catalog of a survey: object_id, ra, dec [deg] and redshift, a Poisson"
        " number of galaxies in its area. Magnitudes and sizes are what the model knows of galaxies"
        " at each redshift, unless columns for them are added to the catalog (galddpm sample"
        " --catalog); a depth is a share of the noise (galddpm sample --noise).",
        examples=(
            "galddpm survey nz.csv --area 0.05 --out survey.csv",
            "galddpm survey nz.ecsv --area 0.2 --centre 34.5 -5 --seed 3 --out deep.fits",
        ),
    )
    parser.add_argument(
        "density",
        metavar="NZ",
        help=f"table of galaxies by square degree and unit redshift: columns {REDSHIFTS[0]} (or"
        f" {REDSHIFTS[1]}) and {DENSITIES[0]} (or {', '.join(DENSITIES[1:])})",
    )
    parser.add_argument("--area", type=float, required=True, metavar="DEG2", help="square degrees")
    parser.add_argument(
        "--centre",
        type=float,
        nargs=2,
        default=(150.0, 2.2),
        metavar=("RA", "DEC"),
        help="of the field [deg]; default: 150 2.2",
    )
    out = "CSV, ECSV or FITS; default: survey.csv"
    parser.add_argument("--out", default="survey.csv", metavar="FILE", help=out)
    add_seed(parser)
    add_overwrite(parser)
    return parser.parse_args(arguments)
