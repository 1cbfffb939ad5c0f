"""How far apart two samples are in many measurements at once: energy and Frechet distances, and
that of their covariances.

All are 0 for equal distributions and biased upwards by 1/n + 1/m for samples of n and m, and so
are their floors, which are rescaled to the sizes in use by that factor.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from scipy.special import ndtri

from galddpm.arrays import Floats
from galddpm.evaluation.statistics.distributions import LEAST, floor_summary, interval
from galddpm.evaluation.statistics.matching import Selection

MOST = 2000  # galaxies a side, drawn at random: all pairs of them are formed
RESAMPLES, SPLITS = 50, 50
RIDGE = 1e-6  # [variance of a real column] in all directions: copies of one galaxy have no spread


Distance = Callable[[Floats, Floats], float]


def compare_energy(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> dict[str, Any]:
    """The energy distance of two tables (n, d) and (m, d), with its interval and floor.

    reference: the other real table of the floor. Columns become normal scores of their ranks in the
    real set, so that no unit and no outlier counts more than another (Szekely & Rizzo 2013). Rows
    with a missing value are left out.
    """
    scores = normal_scores(real)
    tables = [scores(table) for table in (real, generated, reference)]
    return _compare("energy", tables, chosen, energy_distance)


def compare_frechet(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> dict[str, Any]:
    """The Frechet distance of the features (n, F) and (m, F) of the redshift CNN, likewise."""
    spread = np.nanstd(real, axis=0) + 1e-12
    tables = [table / spread for table in (real, generated, reference)]
    return _compare("frechet", tables, chosen, frechet_distance)


def compare_covariance(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> dict[str, Any]:
    """How far apart the covariances of two tables are, likewise, whatever their means; columns
    become normal scores, as for the energy distance."""
    scores = normal_scores(real)
    tables = [scores(table) for table in (real, generated, reference)]
    return _compare("covariance", tables, chosen, covariance_distance)


def covariance_distance(a: Floats, b: Floats) -> float:
    """Sum of ln^2 of the generalised eigenvalues of the covariances of a and b, (n, d) and (m, d):
    the square of the distance that no change of units or axes alters (Foerstner & Moonen 1999)."""
    cov_a, cov_b = (np.cov(x, rowvar=False) + RIDGE * np.eye(x.shape[1]) for x in (a, b))
    return float((np.log(eigh(cov_a, cov_b, eigvals_only=True)) ** 2).sum())


def energy_distance(a: Floats, b: Floats) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'| with Euclidean norms, at least 0 (V-statistic)."""
    return float(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


def frechet_distance(a: Floats, b: Floats) -> float:
    """|mean difference|^2 + tr(A + B - 2 (A B)^1/2) of two normal distributions fitted to a, b
    (Heusel et al. 2017, Eq. 6)."""
    cov_a, cov_b = (np.cov(x, rowvar=False) for x in (a, b))
    values, vectors = eigh(cov_a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    both = np.sqrt(np.clip(eigh(root @ cov_b @ root, eigvals_only=True), 0, None)).sum()
    shift = a.mean(axis=0) - b.mean(axis=0)
    return float(shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * both)


def normal_scores(reference: Floats) -> Callable[[Floats], Floats]:
    """A map of tables (n, d): each column to the normal quantile of its rank in the reference's."""
    columns = [np.sort(column[np.isfinite(column)]) for column in reference.T]

    def scores(table: Floats) -> Floats:
        ranked = [
            (np.searchsorted(known, column, "left") + np.searchsorted(known, column, "right")) / 2
            for known, column in zip(columns, table.T, strict=True)
        ]
        shares = [
            (rank + 0.5) / (len(known) + 1) for rank, known in zip(ranked, columns, strict=True)
        ]
        return np.where(np.isfinite(table), ndtri(np.array(shares).T), np.nan)

    return scores


def _compare(
    name: str, tables: Sequence[Floats], chosen: Selection, distance: Distance
) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    real, generated, reference = tables
    a, b = (
        _few(_complete(table), MOST, rng)
        for table in (real[chosen.real], generated[chosen.generated])
    )
    result: dict[str, Any] = {"n_real": len(a), "n_generated": len(b), "reason": None}
    empty = dict.fromkeys((name, f"{name}_interval", f"{name}_floor", f"{name}_floor_95"))
    if min(len(a), len(b)) < LEAST:
        return result | empty | {"reason": f"fewer than {LEAST} complete rows on a side"}
    found, size = distance(a, b), 1 / len(a) + 1 / len(b)
    null = []
    for first, other in chosen.splits[:SPLITS]:
        pair = [_few(_complete(t), MOST, rng) for t in (real[first], reference[other])]
        if min(map(len, pair)) >= LEAST // 4:
            null.append(distance(*pair) * size / (1 / len(pair[0]) + 1 / len(pair[1])))
    result |= {name: found, f"{name}_interval": _interval(found, a, b, distance, rng)}
    return result | floor_summary(name, np.array(null))


def _interval(
    found: float, a: Floats, b: Floats, distance: Distance, rng: np.random.Generator
) -> list[float]:
    """The found distance and the spread of the distance of resampled sets around their mean, which
    takes off the bias that resampling adds; cut at 0."""
    drawn = [
        distance(a[rng.integers(len(a), size=len(a))], b[rng.integers(len(b), size=len(b))])
        for _ in range(RESAMPLES)
    ]
    spread = interval(np.array(drawn) - np.mean(drawn))
    assert spread is not None  # there are values
    low, high = spread
    return [max(0.0, found + low), found + high]


def _complete(table: Floats) -> Floats:
    return table[np.isfinite(table).all(axis=1)]


def _few(table: Floats, most: int, rng: np.random.Generator) -> Floats:
    return table if len(table) <= most else table[rng.choice(len(table), most, replace=False)]
