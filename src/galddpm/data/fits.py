"""Export of a file of the schema as FITS, for the tools that astronomers have at hand."""

from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits

from galddpm.arrays import Array
from galddpm.data.galaxiesml import GalaxyFile, shared_bands
from galddpm.data.hdf5 import open_hdf5
from galddpm.data.survey import ZERO_POINT
from galddpm.errors import UserError
from galddpm.files import written_whole

SUFFIXES = (".fits", ".fit")
# columns kept where they are held, and their units
TABLE = {
    "specz_redshift": "",
    "object_id": "",
    "seed": "",
    "noise_id": "",
    "ra": "deg",
    "dec": "deg",
}
# attributes kept, each whole in one keyword of the table
TEXTS = {
    "provenance": "PROVENAN",
    "arguments": "ARGUMENT",
    "citation": "CITATION",
    "description": "DESCRIPT",
}


def write_fits(source: Path, out: Path) -> int:
    """Write IMAGE, a cube (galaxy, band, y, x) [count], and the table GALAXIES; the galaxy count.

    The stamps' coordinates are offsets from their centre [arcsec]. Texts such as provenance and
    citation are keywords of the table, which `astropy.table.Table.read` gives as its `meta`: of two
    tables in a file it would warn. Raises UserError where the source is unusable, or `out` is
    not named as FITS.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(f"{out}: found the suffix {out.suffix!r}, expected {' or '.join(SUFFIXES)}")
    galaxies = GalaxyFile(source)
    with open_hdf5(galaxies.path) as file:
        image = fits.ImageHDU(file["image"][:].astype(np.float32, copy=False), name="IMAGE")
        _describe(image.header, file, galaxies)
        columns = [_fits_column(name, file[name][:]) for name in TABLE if name in file]
        table = fits.BinTableHDU.from_columns(columns, name="GALAXIES")
        for name, keyword in TEXTS.items():
            if name in file.attrs:
                table.header[keyword] = _plain(file.attrs[name])
    with written_whole(out) as temporary:
        fits.HDUList([fits.PrimaryHDU(), image, table]).writeto(temporary, overwrite=True)
    return len(galaxies)


def _describe(header: fits.Header, file: h5py.File, galaxies: GalaxyFile) -> None:
    """Units and coordinates.

    Offsets on linear axes, not a projection: a generated galaxy is nowhere on the sky, and one that
    is placed at (0, 0) would be matched with what lies there. Where galaxies have a place, it is in
    the columns ra and dec of the table, one each, which no header of a cube could hold.
    """
    *_, rows, columns = galaxies.shape
    header["TITLE"] = _plain(file.attrs.get("title", "galaxies"))
    header["BUNIT"] = ("count", "at the zero point MAGZERO")
    header["MAGZERO"] = (float(file.attrs.get("zero_point", ZERO_POINT)), "AB magnitude of a count")
    header["BANDS"] = (_plain(",".join(shared_bands([galaxies]))), "order of the third axis")
    for axis, side in ((1, columns), (2, rows)):
        _set_axis(header, axis, "LINEAR", (side + 1) / 2, 0.0, galaxies.pixel_scale)
        header[f"CUNIT{axis}"] = "arcsec"
    _set_axis(header, 3, "BAND", 1.0, 1.0, 1.0)
    _set_axis(header, 4, "ROW", 1.0, 0.0, 1.0)  # of the table and of the source, from 0


def _plain(text: object) -> str:
    """What a card can hold: ASCII in one line."""
    return " ".join(str(text).encode("ascii", "replace").decode().split())


def _set_axis(
    header: fits.Header, axis: int, name: str, pixel: float, value: float, step: float
) -> None:
    """A linear axis: `value` at the middle of `pixel`, which counts from 1."""
    keys = {"CTYPE": name, "CRPIX": pixel, "CRVAL": value, "CDELT": step}
    header.update({f"{key}{axis}": entry for key, entry in keys.items()})


def _fits_column(name: str, values: Array) -> fits.Column:
    if values.dtype.kind not in "iuf":
        raise UserError(f"{name}: found {values.dtype}, expected numbers")
    whole = values.dtype.kind in "iu"
    array = values.astype(np.int64 if whole else np.float64)
    unit = TABLE[name] or None
    return fits.Column(name=name, format="K" if whole else "D", array=array, unit=unit)
