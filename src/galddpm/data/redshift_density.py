"""How densely a training set covers redshift: to learn rare ones, and to say what was learned."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from galddpm.arrays import Floats, Ints

QUANTILES = 257  # that a model remembers of its training set
REACH = 0.1  # redshifts this near count as seen
RARE = 1e-3  # share of the training set within reach below which a redshift is hardly known
WIDTH = 0.05  # of ln(1+z), over which a density is smoothed
BINS = 40  # of ln(1+z), in which the density is counted


def redshift_quantiles(redshift: ArrayLike) -> list[float]:
    """Evenly spaced quantiles, from the smallest redshift to the largest."""
    return [float(z) for z in np.quantile(np.asarray(redshift), np.linspace(0, 1, QUANTILES))]


def share_seen(redshift: ArrayLike, quantiles: Sequence[float]) -> Floats:
    """Share of a training set within REACH of each redshift (n,), from its quantiles."""
    z = np.asarray(redshift)
    return _share_between(z - REACH, z + REACH, quantiles)


def redshift_density(redshift: ArrayLike, quantiles: Sequence[float]) -> Floats:
    """Galaxies of a training set in a unit of redshift, over all of them, at each redshift (n,):
    means over WIDTH in ln(1+z)."""
    z = np.asarray(redshift)
    low, high = ((1 + z) * np.exp(side * WIDTH / 2) - 1 for side in (-1, 1))
    density: Floats = _share_between(low, high, quantiles) / (high - low)
    return density


def _share_between(low: Floats, high: Floats, quantiles: Sequence[float]) -> Floats:
    """Share of a training set from each low to its high redshift."""
    ranks = np.linspace(0, 1, len(quantiles))
    return np.interp(high, quantiles, ranks) - np.interp(low, quantiles, ranks)


def redshift_weights(redshift: Floats, power: float) -> Floats:
    """How often each galaxy (N,) comes in an epoch: density in ln(1+z) to the power -`power`, with
    mean 1. Power 0 shows all alike, 1 all redshifts alike."""
    logarithm = np.log1p(redshift)
    counts, edges = np.histogram(logarithm, bins=BINS)
    density = np.interp(logarithm, (edges[1:] + edges[:-1]) / 2, np.maximum(counts, 1))
    weights: Floats = density**-power
    scaled: Floats = weights / weights.mean()
    return scaled


def resampled(weights: Floats, rng: np.random.Generator) -> Ints:
    """Rows (N,) in which row k comes floor or ceil of weights[k] times (systematic resampling)."""
    edges = np.floor(np.cumsum(weights) * (len(weights) / weights.sum()) + rng.uniform())
    edges[-1] = len(weights)  # whatever rounding made of it
    return np.repeat(np.arange(len(weights)), np.diff(edges, prepend=0).astype(int))
