"""How good probabilities of redshifts are: densities on a grid, held against the truth.

PIT, coverage, CRPS and CDE loss are those of Schmidt et al. 2020 (arXiv:2001.03621, section 5).
Densities are linear between the grid's points and 0 beyond its ends.
"""

import numpy as np

from galddpm.arrays import Floats
from galddpm.evaluation.photoz.metrics import OUTLIER, nmad, scaled_error

COVERED = (0.5, 0.683, 0.954)  # probability of the central intervals whose coverage is told


def normalised(density: Floats, grid: Floats) -> Floats:
    """Densities (n, M) at the redshifts `grid` (M,), scaled to an integral of 1 each."""
    integral: Floats = np.asarray(np.trapezoid(density, grid, axis=1))
    return density / integral[:, None]


def cumulative(density: Floats, grid: Floats) -> Floats:
    """Probabilities (n, M) of a redshift up to each point of the grid."""
    steps = (density[:, 1:] + density[:, :-1]) / 2 * np.diff(grid)
    return np.concatenate([np.zeros((len(density), 1)), np.cumsum(steps, axis=1)], axis=1)


def quantiles(density: Floats, grid: Floats, shares: Floats) -> Floats:
    """Redshifts (n, S) below which lie the shares (S,) of the probability."""
    curves = cumulative(density, grid)
    return np.array([np.interp(shares, curve, grid) for curve in curves])


def pit(density: Floats, grid: Floats, true: Floats) -> Floats:
    """Probability integral transform (n,): the probability of a redshift below the true one.

    Even in 0 to 1 where the densities are calibrated.
    """
    curves = cumulative(density, grid)
    return np.array([np.interp(z, grid, curve) for z, curve in zip(true, curves, strict=True)])


def crps(density: Floats, grid: Floats, true: Floats) -> Floats:
    """Continuous ranked probability score (n,): the integral of (CDF(z) - [z >= z_true])^2."""
    curves = cumulative(density, grid)
    return np.array([_crps(grid, curve, z) for curve, z in zip(curves, true, strict=True)])


def _crps(grid: Floats, curve: Floats, true: float) -> float:
    points = np.union1d(grid, true)
    cdf = np.interp(points, grid, curve, 0, 1)
    below, above = points <= true, points >= true
    return _square(cdf[below], points[below]) + _square(1 - cdf[above], points[above])


def _square(values: Floats, points: Floats) -> float:
    """The integral of the square of what is linear between points."""
    a, b = values[:-1], values[1:]
    return float(np.sum((a * a + a * b + b * b) / 3 * np.diff(points)))


def cde_loss(density: Floats, grid: Floats, true: Floats) -> float:
    """Mean of int p(z)^2 dz - 2 p(z_true), least for the true densities (Izbicki & Lee 2017)."""
    at_truth = [np.interp(z, grid, row, 0, 0) for z, row in zip(true, density, strict=True)]
    return float(np.trapezoid(density**2, grid, axis=1).mean() - 2 * np.mean(at_truth))


def probability_metrics(density: Floats, grid: Floats, true: Floats) -> dict[str, float]:
    """Of medians the NMAD and the share of outliers; coverage of central intervals by name, the KS
    distance of the PIT from even, and the means of CRPS and CDE loss."""
    medians = quantiles(density, grid, np.array([0.5]))[:, 0]
    dz = scaled_error(estimated=medians, true=true)
    places = np.sort(pit(density, grid, true))
    covered = {
        f"covered_{share:g}": float(np.mean(np.abs(places - 0.5) <= share / 2)) for share in COVERED
    }
    steps = np.arange(len(places) + 1) / len(places)
    off = max(np.abs(places - steps[1:]).max(), np.abs(places - steps[:-1]).max())
    scores = {"crps": crps(density, grid, true).mean(), "cde_loss": cde_loss(density, grid, true)}
    point = {"nmad": nmad(dz), "outlier_fraction": float(np.mean(np.abs(dz) > OUTLIER))}
    return {**point, **covered, "pit_ks": float(off), **{k: float(v) for k, v in scores.items()}}
