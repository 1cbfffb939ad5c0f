"""Noise of a coadd: of sky and photons, correlated as resampling with Lanczos-3 leaves it.

The survey's exposures are resampled with a Lanczos kernel of order 3, each at its own shift by a
part of a pixel, before they are added. White noise comes out of that with the kernel's own
autocorrelation: .11, -.08, .03 along an axis at one, two and three pixels, and the products of
these off the axes. That, with the PSF's autocorrelation for sources below the limit and a constant,
is what source-free pixels of real scenes show; notebooks/mock.ipynb fits it.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.survey import BANDS, ELECTRONS_PER_COUNT, SKY_SIGMA

ORDER = 3  # of the Lanczos kernel
MARGIN = 8  # [pix] that keep the periodic filter from joining opposite edges


def add_noise(light: Floats, rng: Generator) -> Floats:
    """Light (5, H, W) [count] with sky and photon noise, float32 [count]."""
    gain, sky = (
        np.array([numbers[band] for band in BANDS], np.float32)[:, None, None]
        for numbers in (ELECTRONS_PER_COUNT, SKY_SIGMA)
    )
    return light + correlated(light.shape, rng) * np.sqrt(sky**2 + np.maximum(light, 0) / gain)


def correlated(shape: tuple[int, ...], rng: Generator) -> Floats:
    """Noise (..., H, W) of unit variance, float32."""
    *others, height, width = shape
    rows, columns = (scipy.fft.next_fast_len(side + MARGIN, real=True) for side in (height, width))
    white = rng.standard_normal((*others, rows, columns), dtype=np.float32)
    along_y = np.sqrt(power(np.fft.fftfreq(rows))).astype(np.float32)
    along_x = np.sqrt(power(np.fft.rfftfreq(columns))).astype(np.float32)
    waves = scipy.fft.rfft2(white) * (along_y[:, None] * along_x)
    pixels: Floats = scipy.fft.irfft2(waves, s=(rows, columns))[..., :height, :width]
    return pixels


def power(frequency: Floats) -> Floats:
    """Power along an axis at frequencies [cycles/pix], of mean 1."""
    lags = np.arange(1, 2 * ORDER)
    waves = np.cos(2 * np.pi * frequency[:, None] * lags)
    spectrum: Floats = np.maximum(1 + 2 * waves @ autocorrelation()[1:], 0)
    return spectrum


@lru_cache(maxsize=1)
def autocorrelation() -> Floats:
    """Correlation along an axis at 0 to 5 pixels, from the kernel at all shifts alike."""
    x = np.linspace(-2 * ORDER, 2 * ORDER, 4 * ORDER * 1000 + 1)
    products = np.array([(lanczos(x) * lanczos(x + lag)).sum() for lag in range(2 * ORDER)])
    along: Floats = products / products[0]
    return along


def lanczos(x: Floats) -> Floats:
    return np.where(np.abs(x) < ORDER, np.sinc(x) * np.sinc(x / ORDER), 0.0)
