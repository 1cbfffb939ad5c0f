"""The point spread functions of a stamp: seeing and shear vary, wings are those of real ones."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.random import Generator

from galddpm.arrays import Array, Floats
from galddpm.data.survey import BANDS, PIXEL_SCALE, SEEING, WING_BETA
from galddpm.mock.profiles import psf_wave

SEEING_SCATTER = 0.10  # of the logarithm, half of its variance common to the bands of a galaxy
SHEAR = 0.01  # scatter of each component of the PSF's ellipticity
SIDE = 31  # [pix] of the planes stored with a galaxy
CANVAS = 64  # [pix] that they are cut from


@dataclass(frozen=True)
class Psfs:
    """Moffat profiles of WING_BETA, one a band."""

    fwhm: Floats  # (5,) [pix]
    shear: Floats  # (5, 2)

    def waves(self, canvas: int) -> Array:
        """Transforms (5, canvas, canvas // 2 + 1) of PSF and pixel, float32."""
        bands = zip(BANDS, self.fwhm, self.shear, strict=True)
        return np.stack([psf_wave(WING_BETA[band], f, shear, canvas) for band, f, shear in bands])

    def planes(self) -> Floats:
        """(5, 31, 31) float32 of unit sum, of a point in the middle of the middle pixel."""
        pixels = scipy.fft.irfft2(self.waves(CANVAS), s=(CANVAS, CANVAS))
        half = SIDE // 2
        planes = np.roll(pixels, (half, half), axis=(1, 2))[:, :SIDE, :SIDE]
        unit: Floats = (planes / planes.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
        return unit


def draw_psfs(rng: Generator) -> Psfs:
    """The PSFs of a galaxy's bands, whose median seeing is the survey's."""
    common, each = rng.normal(0, 1), rng.normal(0, 1, len(BANDS))
    scatter = SEEING_SCATTER / np.sqrt(2) * (common + each)
    seeing = np.array([SEEING[band] for band in BANDS]) / PIXEL_SCALE
    return Psfs(seeing * np.exp(scatter), rng.normal(0, SHEAR, (len(BANDS), 2)))
