"""What is asked of galaxies beside their redshifts, such as a magnitude."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from galddpm.arrays import Floats
from galddpm.errors import UserError


def as_conditions(
    asked: Mapping[str, ArrayLike],
    known: Mapping[str, Sequence[float]],
    count: int,
    name: str,
) -> Floats | None:
    """Values (count, K) float32 of what can be asked of a model, NaN where nothing is asked; None
    where nothing is asked at all.

    known: the least and greatest value of each; name: of the model. Raises UserError for what
    cannot be asked, another number of values than galaxies, text, or a value out of its range.
    """
    unknown = sorted(asked.keys() - known.keys())
    if unknown:
        held = ", ".join(known) or "redshift alone"
        raise UserError(f"conditions: found {unknown[0]}, of {name} can be asked: {held}")
    if not asked:
        return None
    values = np.full((count, len(known)), np.nan, np.float32)
    for place, (column, (low, high)) in enumerate(known.items()):
        if column in asked:
            values[:, place] = _within(column, asked[column], low, high, count)
    return values


def _within(name: str, given: ArrayLike, low: float, high: float, count: int) -> Floats:
    """One condition's values (count,), NaN where they are masked. Raises UserError."""
    array: Any = np.ma.asarray(given)  # numpy alone forgets masks
    if array.dtype.kind not in "fiu" or array.shape != (count,):
        raise UserError(
            f"{name}: found {array.dtype} of shape {array.shape}, expected numbers of shape"
            f" ({count},), one a galaxy"
        )
    values: Floats = array.astype(np.float64).filled(np.nan)
    outside = np.flatnonzero((values < low) | (values > high))
    if len(outside):
        raise UserError(
            f"{name}: found {values[outside[0]]:g} in row {outside[0]}, expected {low:g} to"
            f" {high:g}"
        )
    return values
