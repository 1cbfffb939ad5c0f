"""What may be asked of a trained model, and how far it is from what the model has seen."""

from collections.abc import Sequence

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.data.redshift_density import RARE, REACH, share_seen
from galddpm.errors import UserError

LARGEST_ID = 2**63 - 1  # that a sample file holds


def as_noise_ids(values: Sequence[int] | Ints | None, count: int) -> Ints:
    """Numbers (count,) int64 that tell galaxies of one seed apart; None: 0, 1, ... Raises UserError
    where they are not `count` whole numbers from 0 that int64 holds."""
    ids = np.arange(count) if values is None else np.asarray(values)
    if ids.shape != (count,):
        raise UserError(f"noise_id: found shape {ids.shape}, expected one a redshift, ({count},)")
    whole = ids.dtype.kind in "iu"
    if not whole or ids.min() < 0 or ids.max() > LARGEST_ID:
        found = f"{ids.min()} to {ids.max()}" if whole else str(ids.dtype)
        raise UserError(f"noise_id: found {found}, expected whole numbers from 0 to {LARGEST_ID}")
    return ids.astype(np.int64)


def check_redshifts(
    redshift: Floats, trained: Sequence[float], extrapolate: bool = False
) -> list[str]:
    """Warnings about the redshifts (n,), in words.

    trained: quantiles of the redshifts trained on, from the smallest to the largest. Raises
    UserError where one lies further outside the training's range than this range is wide, where a
    network's answer means nothing, unless `extrapolate`.
    """
    low, high = trained[0], trained[-1]
    beyond = np.maximum(low - redshift, redshift - high)
    outside, far = beyond > 0, beyond > high - low
    if far.any() and not extrapolate:
        raise UserError(
            f"redshift: found {redshift[far][0]:g}, the model was trained from {low:.3f} to"
            f" {high:.3f}, expected at most as far outside as that is wide; --extrapolate, in"
            " Python extrapolate=True, draws it all the same"
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
