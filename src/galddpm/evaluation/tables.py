"""Catalogues on disk: FITS tables with units, one extension a band."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from galddpm.evaluation.measurement import FLAGS, NUMBERS, STATUS

ARGUMENTS = "ARGUMENT"  # header key: what determined the catalogue, as JSON
BRIGHTNESS = "BRIGHTNESS"  # extension: mean asinh(counts) of each stamp in every band


@dataclass(frozen=True)
class Catalog:
    """Measurements of N galaxies."""

    redshift: np.ndarray  # (N,)
    object_id: np.ndarray  # (N,) int64
    bands: dict[str, dict[str, np.ndarray]]  # band: column: (N,)
    brightness: dict[str, np.ndarray]  # band: (N,) mean over a stamp's pixels of asinh(counts)

    def __len__(self) -> int:
        return len(self.redshift)


def write_catalog(
    path: Path,
    columns: Mapping[str, np.ndarray],
    identity: Mapping[str, np.ndarray],
    arguments: Mapping,
    *,
    measured: Sequence[str],
    bands: Sequence[str],
) -> None:
    """Write a catalogue whole or not at all.

    columns: named BAND:COLUMN for the measured bands, and BAND:asinh for all bands; identity: row,
    object_id and redshift, which every table repeats.
    """
    primary = fits.PrimaryHDU()
    primary.header[ARGUMENTS] = json.dumps(arguments, sort_keys=True)
    units = [primary]
    for band in measured:
        units.append(fits.BinTableHDU(_band_table(columns, identity, band), name=band))
    means = {f"asinh_{band}": columns[f"{band}:asinh"] for band in bands}
    units.append(fits.BinTableHDU(Table({**identity, **means}), name=BRIGHTNESS))
    temporary = path.with_name(path.name + ".tmp")
    fits.HDUList(units).writeto(temporary, overwrite=True)
    os.replace(temporary, path)


def read_catalog(path: Path) -> Catalog:
    """Read what `write_catalog` wrote."""
    with fits.open(path, memmap=False) as units:
        tables = {unit.name: _native(unit.data) for unit in units[1:]}
    means = tables.pop(BRIGHTNESS)
    return Catalog(
        redshift=means["redshift"],
        object_id=means["object_id"],
        bands={name.lower(): table for name, table in tables.items()},
        brightness={name[6:]: mean for name, mean in means.items() if name.startswith("asinh_")},
    )


def recorded_arguments(path: Path) -> dict | None:
    """What determined an existing catalogue; None where there is none or it is no catalogue."""
    try:
        return json.loads(fits.getheader(path)[ARGUMENTS])
    except (OSError, KeyError, ValueError):
        return None


def _band_table(
    columns: Mapping[str, np.ndarray], identity: Mapping[str, np.ndarray], band: str
) -> Table:
    """The table of one band, with units and descriptions."""
    names = (STATUS, *FLAGS, *NUMBERS)
    table = Table({**identity, **{name: columns[f"{band}:{name}"] for name in names}})
    for name, (unit, description) in NUMBERS.items():
        table[name].unit, table[name].description = unit or None, description
    for name, description in FLAGS.items():
        table[name].description = description
    return table


def _native(data: fits.FITS_rec) -> dict[str, np.ndarray]:
    """Columns in this machine's byte order, which other libraries insist on."""
    columns = {name: np.array(data[name]) for name in data.names}
    return {name: array.astype(array.dtype.newbyteorder("=")) for name, array in columns.items()}
