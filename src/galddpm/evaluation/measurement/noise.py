"""How the noise of neighbouring pixels hangs together, and what that does to the error of a sum.

Resampling to the coadd's pixels leaves neighbours alike: an error that takes them to be independent
is too small, by 1.4 where four neighbours share a fifth of their noise each.
"""

import numpy as np
import scipy.fft
from scipy import ndimage

from galddpm.arrays import Bools, Floats

LAG = 3  # [pix] beyond which noise is taken to be independent
LEAST = 0.1
FAR = (5, 8)  # [pix] least and largest lag at which only light correlates


def autocorrelation(image: Floats, free: Bools) -> Floats:
    """Correlation coefficients of sky pixels at lags from -`LAG` to `LAG`, (7, 7) with 1 in the
    middle; those of white noise where no pixel is free.

    What pixels FAR apart share is light, such as the wings of a galaxy, and is taken away.

    image: (H, W) [count, sky-subtracted]; free: (H, W), the pixels without a source.
    """
    lags = np.arange(-FAR[1], FAR[1] + 1)
    distance = np.maximum(np.abs(lags)[:, None], np.abs(lags))
    near = slice(FAR[1] - LAG, FAR[1] + LAG + 1)
    sky = np.where(free, image, 0.0)
    if not sky.any():
        white: Floats = (distance[near, near] == 0).astype(float)
        return white
    shape = [scipy.fft.next_fast_len(length + FAR[1], real=True) for length in image.shape]
    power = [np.abs(scipy.fft.rfft2(x, shape)) ** 2 for x in (sky, free.astype(float))]
    sums, pairs = (scipy.fft.irfft2(x, shape)[np.ix_(lags, lags)] for x in power)
    covariance = np.where(pairs > 0.5, sums / np.maximum(pairs, 1), 0.0)
    far = distance >= FAR[0]
    light = max((covariance * pairs)[far].sum() / max(pairs[far].sum(), 1), 0.0)
    noise = covariance[near, near] - min(light, 0.5 * covariance[FAR[1], FAR[1]])
    coefficients: Floats = noise / noise[LAG, LAG]
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
    """Variance of the sum over pixels of weight times noise of unit rms; weights: (H, W).

    At least LEAST of what white noise has: a correlation measured on few pixels may say less.
    """
    spread = ndimage.convolve(weights, correlation, mode="constant")
    return float(max((weights * spread).sum(), LEAST * (weights**2).sum()))
