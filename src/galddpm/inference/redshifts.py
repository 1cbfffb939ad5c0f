"""How far redshifts that are asked for lie from those that a model was trained on."""

from collections.abc import Sequence

import numpy as np

from galddpm.arrays import Floats
from galddpm.data.redshift_density import RARE, REACH, share_seen
from galddpm.errors import UserError


def check_redshifts(
    redshift: Floats, trained: Sequence[float], extrapolate: bool = False
) -> list[str]:
    """Warnings about the redshifts (n,), in words.

    trained: quantiles of the redshifts trained on, from the smallest to the largest. Raises
    UserError where one lies further outside the training's range than this range is wide, where a
    network's answer means nothing, unless `extrapolate`.
    """
    low, high = trained[0], trained[-1]
    width, beyond = high - low, np.maximum(low - redshift, redshift - high)
    outside, far = beyond > 0, beyond > width
    if far.any() and not extrapolate:
        raise UserError(
            f"redshifts: found {redshift[far][0]:g}, expected {max(low - width, 0):.3g} to"
            f" {high + width:.3g}, for the model was trained from {low:.3g} to {high:.3g};"
            " sample --extrapolate, in Python sample(..., extrapolate=True), draws it all the same"
        )
    warnings = []
    if outside.any():
        warnings.append(
            f"{outside.sum()} of {len(redshift)} redshifts lie outside the training range"
            f" {low:.3f} to {high:.3f}, by up to {beyond.max():.3f}; the model extrapolates there"
        )
    rare = (share_seen(redshift, trained) < RARE) & ~outside
    if rare.any():
        warnings.append(
            f"at {rare.sum()} of {len(redshift)} redshifts, {redshift[rare].min():.3f} to"
            f" {redshift[rare].max():.3f}, the model has seen less than {RARE:.1%} of its galaxies"
            f" within {REACH}"
        )
    return warnings
