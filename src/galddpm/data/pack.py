"""A file of the schema from existing FITS cutouts, which a table lists."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.cutouts import Cutout, read_cutout
from galddpm.data.redshifts import as_redshifts
from galddpm.data.survey import ZERO_POINT
from galddpm.data.tables import column, column_name, object_ids, read_table
from galddpm.errors import UserError

CHUNK = 64  # galaxies between two places to stop: some hundred small files
SCALE_TOLERANCE = 0.01  # of the pixel scale within a file: more would show in radii


def pack(
    table: Path,
    out: Path,
    bands: Sequence[str],
    zero_point: float | None,
    overwrite: bool,
    progress: Callable[..., Any],
) -> int | None:
    """Write the galaxies that a table lists; how many, None where `out` was finished before.

    The table has a row a galaxy, with `redshift` or `specz_redshift`, paths of FITS images in one
    column a band or of cubes in `cutout`, relative to the table, and, if it likes, `object_id`,
    `ra` and `dec` [deg]. Fluxes become counts at zero point 27; zero_point: see `read_cutout`. A
    killed call is continued. Raises UserError where a cutout cannot be used, with its row, or
    `out` was made otherwise.
    """
    cutouts = CutoutList.read(table, bands, zero_point)
    first = cutouts.galaxy(0)
    arguments = {
        "packed_from": str(table),
        "fingerprint": cutouts.fingerprint(),
        "bands": list(bands),
        "zero_point": zero_point,
    }
    with ChunkedOutput(out, arguments, len(cutouts), CHUNK, overwrite) as parts:
        if parts.finished:
            return None
        parts.require_space(first.pixels.nbytes)
        for rows in progress(parts.missing(), desc="packing"):
            few = {name: c[rows.start : rows.stop] for name, c in cutouts.columns.items()}
            parts.save(rows, {"image": _images(cutouts, rows, first), **few})
        parts.join(_attributes(cutouts, first))
    return len(cutouts)


@dataclass(frozen=True)
class CutoutList:
    """What a table tells of each galaxy, and where its images are."""

    table: Path
    bands: Sequence[str]
    cubes: bool  # whether a galaxy's bands are in one file
    paths: Array  # (N, C) of text, or (N, 1) for cubes
    columns: dict[str, Array]  # of the schema, (N,) each
    zero_point: float | None  # of all pixels; None: each header's own

    @classmethod
    def read(cls, path: Path, bands: Sequence[str], zero_point: float | None) -> "CutoutList":
        """The list that a table's file holds. Raises UserError where a column is missing or bad."""
        table = read_table(path)
        redshift = column(table, path, ["redshift", "specz_redshift"])
        columns: dict[str, Array] = {
            "specz_redshift": as_redshifts(redshift, f"{path}: redshift"),
            "object_id": object_ids(table, path),
        }
        for name in ("ra", "dec"):
            if column_name(table, [name]):
                columns[name] = _degrees(column(table, path, [name]), f"{path}: {name}")
        cubes = column_name(table, ["cutout"]) is not None
        hint = "; expected paths of images in a column a band, or of cubes in the column cutout"
        names = ["cutout"] if cubes else bands
        paths = [np.ma.filled(column(table, path, [n], hint).astype(str), "") for n in names]
        return cls(path, bands, cubes, np.stack(paths, axis=1), columns, zero_point)

    def __len__(self) -> int:
        return len(self.paths)

    def fingerprint(self) -> str:
        """A hash of the table, and of the size and the time of each file that it names."""
        digest = hashlib.sha256(self.table.read_bytes())
        for file in (self.table.parent / path for path in self.paths.flat):
            if file.is_file():
                found = file.stat()
                digest.update(repr((found.st_size, found.st_mtime_ns)).encode())
        return digest.hexdigest()

    def galaxy(self, row: int) -> Cutout:
        """One galaxy, (C, H, W). Raises UserError, with the row, where it cannot be used."""
        try:
            axes = 3 if self.cubes else 2
            cutouts = [self._cutout(path, axes) for path in self.paths[row]]
            for band, cutout in zip(self.bands, cutouts, strict=False):
                _require_alike(cutout, cutouts[0], f"the {band} band", "the first band")
            pixels = cutouts[0].pixels if self.cubes else np.stack([c.pixels for c in cutouts])
            if len(pixels) != len(self.bands):
                expected = f"{len(self.bands)} ({', '.join(self.bands)})"
                raise UserError(f"found {len(pixels)} planes in the cube, expected {expected}")
        except UserError as error:
            raise UserError(f"{self.table}: row {row}: {error}") from None
        return Cutout(pixels, cutouts[0].pixel_scale)

    def _cutout(self, path: str, axes: int) -> Cutout:
        if not path:
            raise UserError("found no path, expected that of a FITS file")
        return read_cutout(self.table.parent / path, axes, self.zero_point)


def _degrees(values: "np.ma.MaskedArray[Any, Any]", name: str) -> Floats:
    """Coordinates (N,), NaN where there is none. Raises UserError for texts such as 10:00:12.3."""
    try:
        return np.ma.filled(values.astype(np.float64), np.nan)
    except ValueError as error:
        raise UserError(f"{name}: {error}; expected degrees") from None


def _images(cutouts: CutoutList, rows: range, first: Cutout) -> Floats:
    """Galaxies (n, C, H, W), all of one shape and pixel scale. Raises UserError."""
    images = []
    for row in rows:
        galaxy = cutouts.galaxy(row)
        _require_alike(galaxy, first, f"{cutouts.table}: row {row}", "row 0")
        images.append(galaxy.pixels)
    return np.stack(images)


def _require_alike(found: Cutout, first: Cutout, here: str, there: str) -> None:
    """Raise UserError where two cutouts differ in shape or, where both know it, pixel scale."""
    if found.pixels.shape != first.pixels.shape:
        shapes = " x ".join(map(str, found.pixels.shape)), " x ".join(map(str, first.pixels.shape))
        raise UserError(f"{here}: found {shapes[0]} pixels, expected {shapes[1]} as in {there}")
    scales = found.pixel_scale, first.pixel_scale
    if scales[0] and scales[1] and abs(scales[0] / scales[1] - 1) > SCALE_TOLERANCE:
        raise UserError(
            f"{here}: found {scales[0]:.4g} arcsec in a pixel, expected {scales[1]:.4g} as in"
            f" {there}"
        )


def _attributes(cutouts: CutoutList, first: Cutout) -> dict[str, Any]:
    scale = {"pixel_scale": first.pixel_scale} if first.pixel_scale else {}
    return {
        "description": f"galaxies packed from {cutouts.table.name}",
        "bands": ",".join(cutouts.bands),
        "zero_point": ZERO_POINT,
        **scale,
    }
