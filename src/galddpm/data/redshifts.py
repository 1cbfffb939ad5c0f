"""Redshifts as they are given: one, a list, a column of a table."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from galddpm.arrays import Floats
from galddpm.errors import UserError

LARGEST = 1100.0  # of the last scattering: no galaxy's light comes from beyond


def as_redshifts(values: ArrayLike, name: str = "redshift") -> Floats:
    """Redshifts (n,) float64; a single number becomes one redshift.

    name: what messages call them. Raises UserError where there are none, they are no row of
    numbers, or one is masked, negative, not finite, or beyond LARGEST.
    """
    try:
        array: Any = np.ma.atleast_1d(np.ma.asarray(values))  # numpy alone forgets masks
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: no row of numbers ({error})") from None
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        found = "text" if array.dtype.kind in "SU" else array.dtype
        raise UserError(
            f"{name}: found {found} of shape {array.shape}, expected numbers of shape (n,)"
        )
    if not len(array):
        raise UserError(f"{name}: found none, expected at least one")
    redshift: Floats = array.astype(np.float64).filled(np.nan)
    bad = np.flatnonzero(~((redshift >= 0) & (redshift <= LARGEST)))
    if len(bad):
        raise UserError(
            f"{name}: found {redshift[bad[0]]:g} in row {bad[0]}, expected finite numbers from 0 to"
            f" {LARGEST:g}"
        )
    return redshift
