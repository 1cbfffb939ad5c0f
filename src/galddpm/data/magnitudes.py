"""Flux in counts as magnitudes."""

import numpy as np
from numpy.typing import ArrayLike

from galddpm.arrays import Floats
from galddpm.data.survey import ZERO_POINT


def magnitudes(flux: ArrayLike) -> Floats:
    """AB magnitudes, 27 - 2.5 log10(flux), of fluxes of any shape [count at zero point 27].

    >>> galddpm.magnitudes([1.0, 100.0, 0.0])
    array([27., 22., nan])

    A flux that is not positive has no magnitude: NaN. The flux of an image is the sum of its
    pixels, image.sum(axis=(-2, -1)), which takes in the neighbours of the galaxy and the sky's
    noise; a Kron flux of the galaxy alone is in the catalogs of the judge.
    """
    values = np.asarray(flux, dtype=np.float64)
    logarithm = np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)
    return ZERO_POINT - 2.5 * logarithm
