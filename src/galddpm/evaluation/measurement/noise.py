"""How the noise of neighbouring pixels hangs together, and what that does to the error of a sum.

Resampling to the coadd's pixels leaves neighbours alike: an error that takes them to be independent
is too small, by 1.4 where four neighbours share a fifth of their noise each.
"""

import numpy as np
import scipy.fft
from scipy import ndimage

from galddpm.arrays import Bools, Floats

LAG = 2  # [pix] beyond which noise is taken to be independent


def autocorrelation(image: Floats, free: Bools) -> Floats:
    """Correlation coefficients of sky pixels at lags from -`LAG` to `LAG`, (5, 5) with 1 in the
    middle; those of white noise where no pixel is free.

    image: (H, W) [count, sky-subtracted]; free: (H, W), the pixels without a source.
    """
    side = 2 * LAG + 1
    white = np.zeros((side, side))
    white[LAG, LAG] = 1
    sky = np.where(free, image, 0.0)
    if not sky.any():
        return white
    shape = [scipy.fft.next_fast_len(length + LAG, real=True) for length in image.shape]
    power = [np.abs(scipy.fft.rfft2(x, shape)) ** 2 for x in (sky, free.astype(float))]
    sums, pairs = (
        np.roll(scipy.fft.irfft2(x, shape), (LAG, LAG), (0, 1))[:side, :side] for x in power
    )
    covariance = np.where(pairs > 0.5, sums / np.maximum(pairs, 1), 0.0)
    coefficients: Floats = covariance / covariance[LAG, LAG]
    return coefficients


def neighbour_correlation(correlation: Floats) -> float:
    """Mean coefficient of pixels that share a side."""
    return float((correlation[LAG, LAG + 1] + correlation[LAG + 1, LAG]) / 2)


def level_variance(correlation: Floats, pixels: int) -> float:
    """Variance of the median of that many pixels with noise of unit rms.

    A median follows the signs of the noise, and those of normal numbers with coefficient r have the
    covariance arcsin(r), up to a factor; white noise has pi / 2 pixels^-1.
    """
    return float(max(np.arcsin(np.clip(correlation, -1, 1)).sum(), 0.0) / max(pixels, 1))


def variance_of_sum(weights: Floats, correlation: Floats) -> float:
    """Variance of the sum over pixels of weight times noise of unit rms; weights: (H, W)."""
    spread = ndimage.convolve(weights, correlation, mode="constant")
    return float(max((weights * spread).sum(), 0.0))
