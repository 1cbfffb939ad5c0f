"""The noise of the light itself, measured where stamps are bright and smooth.

The variance of a pixel is that of the sky plus so much for each count of light. A mixed second
difference, (1, -2, 1) along rows and along columns, takes away what light varies slowly by; what is
left of it on smooth light is noise, and by how much it exceeds that of the sky tells the photons.
"""

import numpy as np
from scipy.ndimage import uniform_filter

from galddpm.arrays import Array, Floats

# light that is looked at [sky sigma]: below, the sky's noise hides that of the photons, above, the
# light's own structure adds to it
BRIGHT = (40.0, 250.0)
SMOOTH = 0.01  # by how much the means of 3 x 3 and of 7 x 7 pixels may differ, as a share
DARK = 1.0  # [sky sigma] light below which a place is sky
FEWEST = 500  # pixels that the noise of photons can be told from


def measure_photon_noise(flux: Floats, sky_sigma: float) -> float:
    """Variance for each count of light [count], of stamps (n, H, W) of one band [count].

    That is 1 / gain for a gain in electrons in a count. 0 where too little light is bright and
    smooth, or where it is not noisier than the sky.
    """
    light, squares, smooth = _places(flux)
    bright = smooth & (light > BRIGHT[0] * sky_sigma) & (light < BRIGHT[1] * sky_sigma)
    dark = np.abs(light) < DARK * sky_sigma
    if bright.sum() < FEWEST or dark.sum() < FEWEST:
        return 0.0
    ratio = squares[bright] / np.median(squares[dark])  # of median 1 were there sky alone
    excess = light[bright] / sky_sigma**2
    low, high = 0.0, float(np.median(ratio / excess))  # between which the solution lies
    for _ in range(40):
        middle = (low + high) / 2
        above = np.median(ratio / (1 + middle * excess)) > 1
        low, high = (middle, high) if above else (low, middle)
    return low


def _places(flux: Floats) -> tuple[Floats, Floats, Array]:
    """Light, squared differences, and whether the light is smooth, of each pixel with data in all
    7 x 7 around it."""
    rows = flux[:, :, 2:] - 2 * flux[:, :, 1:-1] + flux[:, :, :-2]
    mixed = rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2]
    mean, wider = (_mean_over(flux, width) for width in (3, 7))
    known = _mean_over((flux == 0).astype(np.float32), 7) < 1e-3
    smooth = np.abs(wider - mean) < SMOOTH * np.abs(mean)
    return mean[known], mixed[known] ** 2, smooth[known]


def _mean_over(flux: Floats, width: int) -> Floats:
    """Means over squares around each pixel of stamps, those on the edge left out."""
    means: Floats = uniform_filter(flux, (0, width, width))[:, 1:-1, 1:-1]
    return means
