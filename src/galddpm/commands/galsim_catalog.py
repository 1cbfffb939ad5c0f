"""`galddpm data galsim`: galaxies as GalSim's RealGalaxyCatalog, to be taken apart and redrawn.

A catalog is three FITS files: the table, an image for each galaxy, and one for each PSF.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table

from galddpm.arrays import Floats
from galddpm.data.galaxiesml import GalaxyFile, shared_bands
from galddpm.data.magnitudes import magnitudes
from galddpm.data.sky_noise import measure_sky_noise
from galddpm.errors import UserError
from galddpm.evaluation.measurement.psf_files import held_psfs, read_psf, survey_psfs
from galddpm.files import written_whole

SKY_STAMPS = 256  # the sky is measured on


def files_of(out: Path) -> list[Path]:
    """The table, the images and the PSFs of a catalog."""
    return [out, *(out.with_name(f"{out.stem}_{name}.fits") for name in ("images", "psfs"))]


def write_catalog(source: Path, out: Path, band: str, psf: Path | None) -> int:
    """Write the files of a catalog of the galaxies of an HDF5 file, the table last; how many these
    are.

    psf: as of `galddpm evaluate`; None: the file's own, or the survey's. Raises UserError for a
    band that the file lacks, and for what are no PSFs.
    """
    galaxies = GalaxyFile(source)
    bands, count = shared_bands([galaxies]), len(galaxies)
    if band not in bands:
        raise UserError(f"--band: found {band!r}, expected one of {', '.join(bands)}")
    own = None if psf else held_psfs(source, bands, count)
    psfs = read_psf(psf, bands, count) if psf else own or survey_psfs(bands)
    stamps = galaxies.images(slice(0, count))[:, bands.index(band)]
    table, images, points = files_of(out)
    _write_units(images, stamps)
    _write_units(points, (psfs.of(band, range(k, k + 1)).squeeze() for k in range(count)))
    with written_whole(table) as temporary:
        columns = _columns(galaxies, stamps, band, images.name, points.name)
        Table(columns).write(temporary, format="fits", overwrite=True)
    return count


def _write_units(path: Path, planes: Iterable[Floats]) -> None:
    """Write a FITS file with an image a plane, from unit 1 on."""
    units = fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(plane) for plane in planes)])
    with written_whole(path) as temporary:
        units.writeto(temporary, overwrite=True)


def _columns(
    galaxies: GalaxyFile, stamps: Floats, band: str, images: str, points: str
) -> dict[str, Any]:
    """What GalSim asks of a catalog (galsim.RealGalaxyCatalog), and the redshifts."""
    count, flux = len(stamps), stamps.sum(axis=(1, 2), dtype=np.float64)
    return {
        "IDENT": galaxies.object_id,
        "REDSHIFT": galaxies.redshift,
        "MAG": magnitudes(flux),
        "BAND": [band] * count,
        "WEIGHT": np.ones(count),
        "GAL_FILENAME": [images] * count,
        "PSF_FILENAME": [points] * count,
        "GAL_HDU": np.arange(1, count + 1),
        "PSF_HDU": np.arange(1, count + 1),
        "PIXEL_SCALE": np.full(count, galaxies.pixel_scale),
        "NOISE_MEAN": np.zeros(count),
        "NOISE_VARIANCE": np.full(count, measure_sky_noise(stamps[:SKY_STAMPS]).sigma ** 2),
        "STAMP_FLUX": flux,
    }
