"""Tables of galaxies, one row each, as astronomers keep them: CSV, ECSV, FITS."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import as_object_ids
from galddpm.errors import UserError

if TYPE_CHECKING:
    from astropy.table import Table

FORMATS = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".fits": "fits", ".fit": "fits"}


def is_table(path: str | Path) -> bool:
    """Whether a file's name says that it is one of these tables."""
    return Path(path).suffix.lower() in FORMATS


def read_table(path: Path) -> "Table":
    """The table of a file, of several in a FITS file the first. Raises UserError."""
    from astropy.table import Table
    from astropy.utils.exceptions import AstropyWarning

    if not is_table(path):
        raise UserError(f"{path}: found the suffix {path.suffix!r}, expected {', '.join(FORMATS)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a table")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # of units and of further tables
            table = Table.read(path, format=FORMATS[path.suffix.lower()])
    except Exception as error:  # whatever stopped any of the three readers
        raise UserError(f"{path}: not readable as a table ({str(error).strip()})") from None
    if not len(table):
        raise UserError(f"{path}: found no rows, expected one a galaxy")
    table.convert_bytestring_to_unicode()
    return table


def column_name(table: "Table", names: Sequence[str]) -> str | None:
    """The column that is called by the first of `names` that there is, in either case of letters;
    None without one."""
    held = {name.lower(): name for name in reversed(table.colnames)}
    return next((held[name.lower()] for name in names if name.lower() in held), None)


def column(
    table: "Table", path: Path, names: Sequence[str], hint: str = ""
) -> "np.ma.MaskedArray[Any, Any]":
    """The values (N,) of that column, masked where the table is. Raises UserError without one."""
    name = column_name(table, names)
    if name is None:
        raise UserError(
            f"{path}: no column {' or '.join(names)}, found {', '.join(table.colnames)}{hint}"
        )
    return np.ma.asarray(table[name])


def as_numbers(values: "np.ma.MaskedArray[Any, Any]", name: str) -> Floats:
    """Values (N,) float64, NaN where they are masked. Raises UserError for anything but numbers."""
    if values.dtype.kind not in "fiu" or values.ndim != 1:
        raise UserError(f"{name}: found {values.dtype}, expected a number a row")
    return np.ma.filled(values.astype(np.float64), np.nan)


def object_ids(table: "Table", path: Path) -> Ints:
    """The column object_id (N,) int64, or the row numbers. Raises UserError where a number is
    missing or not whole."""
    if column_name(table, ["object_id"]) is None:
        return np.arange(len(table), dtype=np.int64)
    ids = column(table, path, ["object_id"])
    if ids.dtype.kind not in "fiub" or ids.ndim != 1 or np.ma.is_masked(ids):
        raise UserError(f"{path}: object_id: found gaps or text, expected a whole number a row")
    return as_object_ids(np.asarray(ids), path)
