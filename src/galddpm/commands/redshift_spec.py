"""`--redshifts SPEC`: a list, a range, or the redshifts of a file."""

import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.commands.shell import count
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.hdf5 import SUFFIXES, open_hdf5
from galddpm.data.redshifts import as_redshifts
from galddpm.data.tables import (
    as_numbers,
    column,
    column_name,
    is_table,
    object_ids,
    read_table,
)
from galddpm.errors import UserError

COLUMNS = ("redshift", "specz_redshift", "z")  # of a table, the first of them that it has
SPEC = (
    "a list 0.1,0.5,1.2 or 0.1 0.5 1.2, a range with a count 0.1:3.0:30, an HDF5 file, or a CSV,"
    f" ECSV or FITS table with a column {', '.join(COLUMNS)}, or another: FILE:COLUMN"
)
CATALOG = (
    "an HDF5 file or a table like these with more columns: each row's galaxy gets the magnitudes"
    " g_cmodel_mag to y_cmodel_mag and the size i_half_light_radius [pixel] that are asked there,"
    " as many of them as there are, and what else the model was trained with (conditions.columns)"
)


def read_spec(spec: str) -> tuple[Floats, Ints]:
    """(redshifts (N,) float64, object ids (N,) int64) of a SPEC; ids are row numbers unless a file
    has its own. Raises UserError."""
    if _is_file(spec):
        return _from_table(Path(spec), COLUMNS) if is_table(spec) else _from_hdf5(spec)
    path, _, name = spec.rpartition(":")
    if is_table(path):
        return _from_table(Path(path), [name])
    if path.endswith(SUFFIXES):
        raise UserError(f"{path}: of an HDF5 file specz_redshift is used, found :{name}")
    redshift = _range(spec) if ":" in spec else np.array(_numbers(spec, spec.split(",")))
    return as_redshifts(redshift, f"--redshifts {spec}"), np.arange(len(redshift), dtype=np.int64)


def catalog_columns(spec: str, names: Sequence[str]) -> dict[str, Floats]:
    """Those of the columns (N,) that the file of a SPEC has, NaN where a value is missing. Raises
    UserError."""
    table_of_column = spec.rpartition(":")[0]  # of FILE:COLUMN
    path = table_of_column if is_table(table_of_column) else spec
    if not is_table(path):
        galaxies = GalaxyFile(path)
        with open_hdf5(galaxies.path) as file:
            held = [name for name in names if name in file]
        return dict(zip(held, galaxies.numbers(held).T.astype(np.float64), strict=True))
    table = read_table(Path(path))
    held = [name for name in names if column_name(table, [name])]
    return {name: as_numbers(column(table, Path(path), [name]), f"{path}: {name}") for name in held}


def _is_file(spec: str) -> bool:
    return spec.endswith(SUFFIXES) or is_table(spec) or os.path.isfile(spec)


def _from_hdf5(path: str) -> tuple[Floats, Ints]:
    galaxies = GalaxyFile(path)
    return galaxies.redshift, galaxies.object_id


def _from_table(path: Path, names: Sequence[str]) -> tuple[Floats, Ints]:
    table = read_table(path)
    values = column(table, path, names, "; FILE:COLUMN names another")
    return as_redshifts(values, f"{path}: {' or '.join(names)}"), object_ids(table, path)


def _range(spec: str) -> Floats:
    fields = spec.split(":")
    try:
        start, stop, text = fields
        number = count(text)
    except (ValueError, ArgumentTypeError):
        raise UserError(
            f"--redshifts {spec}: expected start:stop:count, such as 0.1:3.0:30"
        ) from None
    low, high = _numbers(spec, (start, stop))
    return np.linspace(low, high, number)


def _numbers(spec: str, fields: Sequence[str]) -> list[float]:
    try:
        return [float(field) for field in fields]
    except ValueError:
        raise UserError(
            f"--redshifts {spec}: expected a list 0.1,0.5, a range 0.1:3.0:30 or a file"
        ) from None
