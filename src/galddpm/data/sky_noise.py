"""The sky's noise, measured where stamps are dark: its spread and how its pixels hang together.

Resampling correlates the noise of pixels next to each other, diagonal ones included. Sources below
the limit correlate pixels too, as far as the PSF reaches; they are light, and taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from scipy.ndimage import uniform_filter

from galddpm.arrays import Array, Floats

REACH = 4  # [pix] the noise correlates so far along each axis
BEYOND = 9  # [pix] to which the sources below the limit are followed
DARK = 0.4  # of a stamp that is taken for sky: its darkest places
EMPTIEST = 0.3  # of the stamps, that the correlation is measured on
PLACE = 21  # [pix] side of the square whose mean tells whether a place is dark
FARTHEST = 4.0  # [bend] from the sky's level at which outliers are cut off
SOURCE_WIDTH = 2.7  # [pix] rms of the autocorrelation of a PSF of 4.5 pixels
LEAST = 0.1  # variance of (1, -2, 1) on noise of unit variance; less is light without noise
MAD_TO_SIGMA = 1.4826  # of a normal distribution

Correlation = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SkyNoise:
    """sigma: standard deviation of a pixel [count]. correlation: (5, 9) with pixels 0 to 4 rows
    below and -4 to 4 columns to the right; 1 at (0, 4)."""

    sigma: float
    correlation: Correlation


WHITE: Correlation = tuple(
    tuple(float((row, column) == (0, REACH)) for column in range(2 * REACH + 1))
    for row in range(REACH + 1)
)


def measure_sky(flux: Floats) -> tuple[Floats, Correlation]:
    """Standard deviations (C,) of a sky pixel in each band of stamps (n, C, H, W) [count], and the
    correlation of its pixels, which all bands have alike, as one resampling made them."""
    bands = range(flux.shape[1])
    bends = [_bend(flux[:, band]) for band in bands]
    found = [_correlation(flux[:, k], bend) for k, bend in zip(bands, bends, strict=True)]
    correlation = np.mean(found, axis=0)
    return np.array([_sigma(bend, correlation) for bend in bends]), _as_lists(correlation)


def measure_sky_noise(flux: Floats) -> SkyNoise:
    """Of stamps (n, H, W) of one band [count]; sigma is 0 for stamps without noise."""
    sigmas, correlation = measure_sky(flux[:, None])
    return SkyNoise(float(sigmas[0]), correlation)


def _correlation(flux: Floats, bend: float) -> Floats:
    if bend == 0:
        return np.array(WHITE)
    return _without_sources(*_covariance(flux / np.float32(bend)))


def _sigma(bend: float, correlation: Floats) -> float:
    """Standard deviation of noise whose sum (1, -2, 1) along rows has that of `bend`."""
    next_to, next_but_one = correlation[0, REACH + 1], correlation[0, REACH + 2]
    return float(bend / np.sqrt(max(6 - 8 * next_to + 2 * next_but_one, LEAST)))


def _as_lists(correlation: Floats) -> Correlation:
    return tuple(tuple(row) for row in correlation.tolist())


def _bend(flux: Floats) -> float:
    """Robust standard deviation of the weighted sum (1, -2, 1) along rows, where stamps are dark.

    A slope of light does not change it; but galaxies that fill their stamps leave no place without
    the noise of their own light. So it is the median over the darker half of the stamps.
    """
    left, middle, right = flux[:, :, :-2], flux[:, :, 1:-1], flux[:, :, 2:]
    known = (left != 0) & (middle != 0) & (right != 0)  # exact zeros are padding, or no data
    light = np.where(known, left + middle + right, np.inf)
    spreads, levels = [], []
    for stamp, seen in zip(left - 2 * middle + right, light, strict=True):
        if np.isfinite(seen).any():
            dark = seen <= _lower(seen[np.isfinite(seen)], DARK)
            spreads.append(np.median(np.abs(stamp[dark])))
            levels.append(np.median(seen[dark]))
    if not spreads:
        return 0.0
    darker = np.array(levels) <= np.median(levels)
    return float(MAD_TO_SIGMA * np.median(np.array(spreads)[darker]))


def _covariance(flux: Floats) -> tuple[Floats, Floats]:
    """Covariance (19, 19) of dark places at -9 to 9 pixels along each axis, and its weights.

    Only the EMPTIEST of the stamps count, so that the outskirts of large galaxies do not.
    """
    size = [scipy.fft.next_fast_len(side + BEYOND, real=True) for side in flux.shape[1:]]
    products, pairs = np.zeros(size), np.zeros(size)
    for stamp, dark in _emptiest(flux):
        sky = np.where(dark, np.clip(stamp - stamp[dark].mean(), -FARTHEST, FARTHEST), 0)
        products += _lagged(sky, size)
        pairs += _lagged(dark.astype(np.float32), size)
    lags = np.arange(-BEYOND, BEYOND + 1)
    near = np.ix_(lags, lags)
    weights = np.maximum(pairs[near], 0)  # rounding can leave less
    return products[near] / np.maximum(weights, 1), weights


def _emptiest(flux: Floats) -> list[tuple[Floats, Array]]:
    """Stamps and their dark places, of the stamps whose dark places vary least."""
    places = [_dark(stamp) for stamp in flux]
    spreads = np.array([
        _lower(stamp[dark], 0.84) - _lower(stamp[dark], 0.16) if dark.any() else 0.0
        for stamp, dark in zip(flux, places, strict=True)
    ])  # fmt: skip
    known = spreads > 0
    least = known & (spreads <= _lower(spreads[known], EMPTIEST))
    return [(flux[k], places[k]) for k in np.flatnonzero(least)]


def _dark(stamp: Floats) -> Array:
    """The places of a stamp (H, W) that are not light, padding or missing data."""
    dark: Array = stamp != 0
    if dark.any():
        mean = uniform_filter(stamp, PLACE)
        dark &= mean <= _lower(mean[dark], DARK)
    return dark


def _lower(values: Floats, share: float) -> Any:
    """The value that this share of the others do not exceed: a quantile without interpolation,
    which takes a tenth of NumPy's time on a stamp."""
    rank = int(share * (len(values) - 1))
    return np.partition(values, rank)[rank]


def _lagged(image: Floats, size: Sequence[int]) -> Floats:
    """Sum of products of pixels against their distance along each axis."""
    power = np.abs(scipy.fft.rfft2(image, size)) ** 2
    products: Floats = scipy.fft.irfft2(power, size)
    return products


def _without_sources(covariance: Floats, weights: Floats) -> Floats:
    """The noise's correlation (5, 9): what is left of a covariance (19, 19) without its sources.

    Beyond the noise's reach there are only sources, as a Gaussian of the PSF's autocorrelation, and
    a constant, of places brighter or darker as a whole. Both are fitted there and taken away.
    """
    lags = np.arange(-BEYOND, BEYOND + 1)
    square = lags[:, None] ** 2 + lags**2
    source = np.exp(-square / (2 * SOURCE_WIDTH**2))
    far = square > (REACH - 0.5) ** 2
    terms = np.stack([source, np.ones_like(source)])
    root = np.sqrt(weights[far])
    amounts, *_ = np.linalg.lstsq((terms[:, far] * root).T, covariance[far] * root, rcond=None)
    noise = covariance - amounts[0].clip(0) * source - amounts[1]
    noise = (noise + noise[::-1, ::-1]) / 2
    if noise[BEYOND, BEYOND] <= 0:  # too few dark pixels to tell
        return np.array(WHITE)
    middle = slice(BEYOND - REACH, BEYOND + REACH + 1)
    near: Floats = noise[BEYOND : BEYOND + REACH + 1, middle] / noise[BEYOND, BEYOND]
    return near
