"""Classifier two-sample tests: how often can a learner tell generated galaxies from real ones?

Lopez-Paz & Oquab 2017 (arXiv:1610.06545). An accuracy of 0.5 means that it cannot. Galaxies at the
same place of the two sides may have the same redshift, so both are learnt from, or both are asked
about: else the known one would make its partner look like its own side.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import solve
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from galddpm.arrays import Bools, Floats, Ints
from galddpm.evaluation.statistics.distributions import LEAST
from galddpm.evaluation.statistics.matching import Selection

FOLDS = 5
MOST = 4000  # galaxies a side for the trees on the catalog
BOOSTED = {"max_iter": 60, "max_leaf_nodes": 15, "learning_rate": 0.1, "random_state": 0}
FOREST = {"n_estimators": 100, "min_samples_leaf": 3, "random_state": 0}
FLOORS = 3  # splits of the real set on which the same is done
Z_95 = 1.96  # of the binomial interval
# Learners of different folds share most of what they know, so that accuracies scatter by more than
# the binomial: by 1.1 to 1.7 times in 25 pairs of equal sets of 400, linear, trees and the stronger
SHARED = 1.4

# the values (n, d) and side (n,), true of generated galaxies, that are known, and the values (m, d)
# of others; the scores (m,) of these are above 0 where they look generated
Learner = Callable[[Floats, Bools, Floats], Floats]


def linear(known: Floats, generated: Bools, others: Floats) -> Floats:
    """Fisher's linear discriminant, shrunk: ridge regression on the side, see `weights`."""
    middle, weight = weights(known, generated)
    scores: Floats = (others - middle) @ weight
    return scores


def weights(known: Floats, generated: Bools) -> tuple[Floats, Floats]:
    """The point (d,) at which the score is 0 and the weight (d,) of each column, which minimise
    |side - score|^2 + d |weight|^2 for sides of -1 and 1 of equal number.

    The columns have unit variance, so that d is what all of them add to a square. There are more
    columns than galaxies, so n equations are solved, and not d.
    """
    middle = known.mean(axis=0)
    apart = known - middle
    products = apart @ apart.T
    products[np.diag_indices(len(products))] += known.shape[1]
    side = np.where(generated, 1, -1).astype(known.dtype)
    return middle, apart.T @ solve(products, side, assume_a="pos")


def forest(known: Floats, generated: Bools, others: Floats) -> Floats:
    """Extremely randomised trees, which see what no weighted sum of the columns shows."""
    trees = ExtraTreesClassifier(**FOREST, n_jobs=-1).fit(known, generated)
    scores: Floats = trees.predict_proba(others)[:, 1] - 0.5
    return scores


def boosted(known: Floats, generated: Bools, others: Floats) -> Floats:
    """Gradient-boosted trees, for tables that may have missing values."""
    trees = HistGradientBoostingClassifier(**BOOSTED).fit(known, generated)
    scores: Floats = trees.predict_proba(others)[:, 1] - 0.5
    return scores


def folds(count: int) -> Ints:
    """The fold of each of `count` real and as many generated galaxies, (2 * count,)."""
    return np.tile(np.random.default_rng(0).permutation(np.arange(count) % FOLDS), 2)


def held_out_scores(values: Floats, learner: Learner) -> Floats:
    """Scores of n real and n generated galaxies, (2n, d), each by a learner that never saw it."""
    count = len(values) // 2
    generated, fold = np.arange(2 * count) >= count, folds(count)
    scores = np.empty(2 * count)
    for k in range(FOLDS):
        known = fold != k
        scores[~known] = learner(values[known], generated[known], values[~known])
    return scores


def told_right(scores: Floats) -> Bools:
    """Which of n real and n generated galaxies are told by their scores, (2n,)."""
    right: Bools = (scores > 0) == (np.arange(len(scores)) >= len(scores) // 2)
    return right


def accuracy(right: Bools) -> dict[str, Any]:
    """Share of the galaxies that were told, with its 95 % interval (Wilson 1927, JASA 22, 209)."""
    found, n, z = float(right.mean()), len(right), SHARED * Z_95
    middle = (found + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(found * (1 - found) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    interval = [float(middle - reach), float(middle + reach)]
    return {"n": n // 2, "accuracy": found, "accuracy_interval": interval}


def compare_by_trees(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> dict[str, Any]:
    """Accuracy of gradient-boosted trees on tables (n, d) that may have missing values.

    reference: the other real table of the floor.
    """
    a, b = real[chosen.real], generated[chosen.generated]
    count = min(len(a), len(b), MOST)
    result: dict[str, Any] = {"n": count, "accuracy": None, "accuracy_interval": None}
    result |= {"accuracy_floor": None, "reason": None}
    if count < LEAST:
        return result | {"reason": f"{count} galaxies on a side, fewer than {LEAST}"}
    null = [
        told_right(held_out_scores(_equal(real[first], reference[other], count), boosted)).mean()
        for first, other in chosen.splits[:FLOORS]
        if min(len(first), len(other)) >= LEAST // 2
    ]
    result |= accuracy(told_right(held_out_scores(_equal(a, b, count), boosted)))
    return result | {"accuracy_floor": float(np.mean(null)) if null else None}


def _equal(a: Floats, b: Floats, most: int) -> Floats:
    """Equal numbers of rows of both, drawn at random: the same rows where both have as many."""
    count = min(len(a), len(b), most)
    drawn = (np.random.default_rng(0).choice(len(x), count, replace=False) for x in (a, b))
    return np.concatenate([x[rows] for x, rows in zip((a, b), drawn, strict=True)])
