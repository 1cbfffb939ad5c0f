"""Catalogs on disk: FITS tables with units, one extension a band."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table

from galddpm.arrays import Array, Floats, Ints
from galddpm.evaluation.measurement.stamp import FLAGS, NUMBERS
from galddpm.files import written_whole

ARGUMENTS = "ARGUMENT"  # header key: what determined the catalog, as JSON
BRIGHTNESS = "BRIGHTNESS"  # extension: mean asinh(counts) and aperture flux in every band
FEATURES = "FEATURES"  # extension: image (N, F) of what the redshift CNN sees


Tables = dict[str, dict[str, Array]]  # table: column: (N,)
LIGHT = ("asinh", "aperture")  # what `BRIGHTNESS` holds of each band


@dataclass(frozen=True)
class Catalog:
    """Measurements of N galaxies."""

    redshift: Floats  # (N,)
    object_id: Ints  # (N,) int64
    bands: dict[str, dict[str, Array]]  # band: column: (N,)
    brightness: dict[str, Floats]  # band: (N,) mean over a stamp's pixels of asinh(counts)
    aperture: dict[str, Floats]  # band: (N,) flux in the leading band's Kron aperture [count]
    features: Floats | None = None  # (N, F) of the redshift CNN

    def __len__(self) -> int:
        return len(self.redshift)


def write_catalog(
    path: Path,
    tables: Tables,
    identity: Mapping[str, Array],
    arguments: Mapping[str, Any],
    features: Floats | None = None,
) -> None:
    """Write a catalog whole or not at all.

    tables: of each measured band, the leading one first, and `BRIGHTNESS`; identity: row, object_id
    and redshift, which every table repeats; features: (N, F) of the redshift CNN.
    """
    primary = fits.PrimaryHDU()
    primary.header[ARGUMENTS] = json.dumps(arguments, sort_keys=True)
    units = [primary]
    for name, columns in tables.items():
        table = Table({**identity, **columns})
        if name != BRIGHTNESS:
            _describe(table)
        units.append(fits.BinTableHDU(table, name=name))
    if features is not None:
        units.append(fits.ImageHDU(features.astype(np.float32), name=FEATURES))
    with written_whole(path) as temporary:
        fits.HDUList(units).writeto(temporary, overwrite=True)


def read_catalog(path: Path) -> Catalog:
    """Read what `write_catalog` wrote."""
    with fits.open(path, memmap=False) as units:
        tables = {unit.name: _native(unit.data) for unit in units[1:] if not unit.is_image}
        features = np.array(units[FEATURES].data, dtype=float) if FEATURES in units else None
    light = tables.pop(BRIGHTNESS)
    by_kind = [
        {
            name.removeprefix(f"{kind}_"): light[name]
            for name in light
            if name.startswith(f"{kind}_")
        }
        for kind in LIGHT
    ]
    bands = {name.lower(): table for name, table in tables.items()}
    return Catalog(light["redshift"], light["object_id"], bands, by_kind[0], by_kind[1], features)


def recorded_arguments(path: Path) -> dict[str, Any] | None:
    """What determined an existing catalog; None where there is none or it is no catalog."""
    try:
        arguments: dict[str, Any] = json.loads(fits.getheader(path)[ARGUMENTS])
    except (OSError, KeyError, ValueError):
        return None
    return arguments


def _describe(table: Table) -> None:
    """Give the columns of a band their units and descriptions."""
    for name, (unit, description) in NUMBERS.items():
        table[name].unit, table[name].description = unit or None, description
    for name, description in FLAGS.items():
        table[name].description = description


def _native(data: fits.FITS_rec) -> dict[str, Array]:
    """Columns in this machine's byte order, which other libraries insist on."""
    columns = {name: np.array(data[name]) for name in data.names}
    return {name: array.astype(array.dtype.newbyteorder("=")) for name, array in columns.items()}
