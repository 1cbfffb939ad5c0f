"""The point-spread function that the Sersic models are convolved with: one for both sides."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from galddpm.arrays import Floats
from galddpm.data.survey import MOFFAT_BETA, PIXEL_SCALE, SEEING
from galddpm.errors import UserError

RADIUS = 5.0  # [FWHM] out to which the profile is kept: 99.9 % of the light lies inside
SUBPIXELS = 6  # Gauss-Legendre points a side of a pixel


def moffat_psf(fwhm: float, beta: float = MOFFAT_BETA) -> Floats:
    """A circular Moffat (1969) profile integrated over pixels, of odd size and unit sum.

    I(r) = (1 + (r/alpha)^2)^-beta with alpha = FWHM / (2 sqrt(2^(1/beta) - 1)); fwhm in [pix].
    """
    half = int(np.ceil(RADIUS * fwhm))
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    points, weights = np.polynomial.legendre.leggauss(SUBPIXELS)
    position = np.arange(-half, half + 1)[:, None] + points / 2
    square = (position**2).ravel()
    profile = (1 + (square[:, None] + square) / alpha**2) ** -beta
    size = 2 * half + 1
    cells = profile.reshape(size, SUBPIXELS, size, SUBPIXELS)
    psf = np.einsum("yaxb,a,b->yx", cells, weights, weights)
    unit: Floats = psf / psf.sum()
    return unit


def survey_psf(band: str) -> Floats:
    """The default PSF: a Moffat profile with the survey's seeing in that band."""
    return moffat_psf(SEEING[band] / PIXEL_SCALE)


def read_psf(path: str | Path, bands: Sequence[str]) -> dict[str, Floats]:
    """The PSF of each band from a FITS image, or from a cube with one plane a band, of unit sum.

    Raises UserError where the file cannot be read or what it holds is no PSF.
    """
    data = _read_image(Path(path))
    if data.ndim not in (2, 3):
        raise UserError(f"{path}: found {data.ndim} axes, expected an image or a cube")
    if data.ndim == 3 and len(data) != len(bands):
        raise UserError(f"{path}: found {len(data)} planes, expected one a band ({len(bands)})")
    if data.shape[-1] % 2 == 0 or data.shape[-2] % 2 == 0:
        size = "{} x {}".format(*data.shape[-2:])
        raise UserError(f"{path}: found {size} pixels, expected an odd size, centred on a pixel")
    planes: Sequence[Floats] | Floats = data if data.ndim == 3 else [data] * len(bands)
    for band, plane in zip(bands, planes, strict=True):
        if not np.isfinite(plane).all() or plane.sum() <= 0:
            raise UserError(f"{path}: band {band}: expected finite pixels of a positive sum")
    return {band: plane / plane.sum() for band, plane in zip(bands, planes, strict=True)}


def _read_image(path: Path) -> Floats:
    """The first image of a FITS file as float64."""
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a FITS image of the PSF")
    try:
        with fits.open(path, memmap=False) as units:
            for unit in units:
                if unit.is_image and unit.data is not None:
                    return np.asarray(unit.data, dtype=np.float64)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as FITS ({error})") from None
    raise UserError(f"{path}: holds no image, expected a FITS image of the PSF")
