"""Are generated galaxies told from real ones by what their images look like, and by what of it?

Two learners are asked, a linear one and trees, on the statistics of `image_statistics`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from galddpm.arrays import Bools, Floats
from galddpm.evaluation.statistics.classifiers import (
    FOLDS,
    accuracy,
    folds,
    forest,
    held_out_scores,
    linear,
    told_right,
    weights,
)
from galddpm.evaluation.statistics.distributions import Split
from galddpm.evaluation.statistics.image_statistics import Statistic

LEARNERS = {"linear": linear, "trees": forest}
NAMED = 12  # statistics that are named as carrying the most of the verdict
GROUPS = ("measure", "stretch", "band", "scale", "radius")


class Told(NamedTuple):
    """What the stronger learner said of each galaxy, (2n,), of n real and then n generated ones."""

    right: Bools
    log_ratio: Floats  # ln of how much likelier it is a generated one


def compare_by_statistics(
    real: Floats, generated: Floats, splits: Sequence[Split]
) -> tuple[dict[str, Any], Told, list[Told]]:
    """The accuracy of the stronger learner and of each, on tables (n, d) of n real and n generated
    galaxies, with intervals and floors; what was said of each galaxy; and the same of the floor's.

    splits: rows of the real table, halves that are told apart in the same way.
    """
    scores = held_out(real, generated)
    null = [held_out(real[first], real[other]) for first, other in splits]
    told, null_told = stronger(scores), [stronger(split) for split in null]
    result = accuracy(told.right) | {"accuracy_floor": _mean([t.right for t in null_told])}
    for name, found in scores.items():
        floor = _mean([told_right(split[name]) for split in null])
        result[name] = accuracy(told_right(found)) | {"accuracy_floor": floor}
    return result, told, null_told


def held_out(real: Floats, generated: Floats) -> dict[str, Floats]:
    """The scores of each learner, (2n,)."""
    values = normal_scores(real, generated)
    return {name: held_out_scores(values, learner) for name, learner in LEARNERS.items()}


def normal_scores(real: Floats, generated: Floats) -> Floats:
    """Each column as the normal quantile of its rank among both sides, (2n, d): no unit and no
    outlier counts."""
    values = np.concatenate([real, generated])
    shares = (rankdata(values, axis=0) - 0.5) / len(values)
    scores: Floats = ndtri(shares).astype(np.float32)
    return scores


def stronger(scores: Mapping[str, Floats]) -> Told:
    """In each fold, what the learner said that was right more often in the other folds, so that
    choosing between them does not flatter."""
    right = {name: told_right(found) for name, found in scores.items()}
    ratios = {name: log_ratio(found) for name, found in scores.items()}
    count = len(next(iter(right.values()))) // 2
    fold = folds(count)
    told = Told(np.empty(2 * count, dtype=bool), np.empty(2 * count))
    for k in range(FOLDS):
        here = fold == k
        best = max(right, key=lambda name: right[name][~here].sum())
        told.right[here], told.log_ratio[here] = right[best][here], ratios[best][here]
    return told


def log_ratio(scores: Floats) -> Floats:
    """ln(p_generated / p_real) of scores held out, (2n,), by a logistic curve through them: the
    weights of arXiv:2305.16774, whose spread tells how far apart the two densities are."""
    column = (scores / (scores.std() or 1.0))[:, None]  # of equal sets all are 0
    curve = LogisticRegression().fit(column, np.arange(len(scores)) >= len(scores) // 2)
    found: Floats = curve.decision_function(column)
    return found


def carried_by(real: Floats, generated: Floats, names: Sequence[Statistic]) -> dict[str, Any]:
    """Which statistics tell the sides apart: their shares of the distance of the linear model's
    mean scores, a sum over statistics, by each property of theirs, and of the largest by name."""
    values = normal_scores(real, generated)
    side = np.arange(len(values)) >= len(real)
    _, weight = weights(values, side)
    apart = weight * (values[side].mean(axis=0) - values[~side].mean(axis=0))
    shares = apart / (apart.sum() or 1.0)
    result: dict[str, Any] = {}
    for group in GROUPS:
        of_group = result.setdefault(group, {})
        for name, share in zip(names, shares.tolist(), strict=True):
            of_group[getattr(name, group)] = of_group.get(getattr(name, group), 0.0) + share
    largest = np.argsort(-shares)[:NAMED]
    result["statistics"] = {str(names[k]): float(shares[k]) for k in largest}
    return result


def _mean(right: Sequence[Bools]) -> float | None:
    return float(np.mean([r.mean() for r in right])) if right else None
