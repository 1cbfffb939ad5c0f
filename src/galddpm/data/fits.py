"""Export of a file of the schema as FITS, for the tools that astronomers have at hand."""

from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits

from galddpm.arrays import Array
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.hdf5 import open_hdf5
from galddpm.data.survey import BANDS, ZERO_POINT
from galddpm.files import written_whole

TABLE = ("specz_redshift", "object_id", "seed", "noise_id")  # columns kept where they are held


def write_fits(source: Path, out: Path) -> int:
    """Write IMAGE, a cube (galaxy, band, y, x) [count], and the table GALAXIES; the galaxy count.

    Text attributes of the source, such as provenance and citation, become HISTORY of the primary
    header. Raises UserError where the source is unusable.
    """
    galaxies = GalaxyFile(source)
    with open_hdf5(galaxies.path) as file:
        columns = {name: file[name][:] for name in TABLE if name in file}
        primary = fits.PrimaryHDU()
        for name, text in file.attrs.items():
            primary.header.add_history(f"{name}: {text}".encode("ascii", "replace").decode())
        image = fits.ImageHDU(file["image"][:].astype(np.float32, copy=False), name="IMAGE")
        bands = _bands(file, galaxies.shape[1])
    image.header["BUNIT"] = ("count", "at the zero point MAGZERO")
    image.header["MAGZERO"] = (ZERO_POINT, "AB magnitude of one count")
    image.header["BANDS"] = (bands, "order of the third axis")
    table = fits.BinTableHDU.from_columns(
        [_fits_column(name, values) for name, values in columns.items()], name="GALAXIES"
    )
    with written_whole(out) as temporary:
        fits.HDUList([primary, image, table]).writeto(temporary, overwrite=True)
    return len(galaxies)


def _bands(file: h5py.File, count: int) -> str:
    return str(file.attrs.get("bands") or ",".join(BANDS[:count]))


def _fits_column(name: str, values: Array) -> fits.Column:
    whole = values.dtype.kind in "iu"
    array = values.astype(np.int64 if whole else np.float64)
    return fits.Column(name=name, format="K" if whole else "D", array=array)
