"""The survey's point-spread function, which the Sersic models are convolved with by default."""

import numpy as np
from scipy import ndimage

from galddpm.arrays import Floats
from galddpm.data.survey import PIXEL_SCALE, SEEING, WING_BETA

RADIUS = 5.0  # [FWHM] out to which the profile is kept, as far as the survey's own models reach
SUBPIXELS = 6  # Gauss-Legendre points a side of a pixel


def moffat_psf(fwhm: float, beta: float) -> Floats:
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
    """The default PSF: a Moffat profile with the survey's seeing and wings in that band."""
    return moffat_psf(SEEING[band] / PIXEL_SCALE, WING_BETA[band])


def widened(psf: Floats, factor: float) -> Floats:
    """A PSF (k, l) stretched by `factor` around its middle, of unit sum."""
    middle = (np.array(psf.shape) - 1) / 2
    wide = ndimage.affine_transform(psf, np.full(2, 1 / factor), middle * (1 - 1 / factor))
    unit: Floats = wide / wide.sum()
    return unit
