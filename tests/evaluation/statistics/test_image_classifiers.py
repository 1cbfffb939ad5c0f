"""Learners by closed forms, honest choices between them, and what carries a verdict."""

import numpy as np
import pytest

from galddpm.evaluation.statistics.classifiers import (
    FOLDS,
    SHARED,
    accuracy,
    folds,
    held_out_scores,
    linear,
    told_right,
    weights,
)
from galddpm.evaluation.statistics.image_classifiers import (
    carried_by,
    compare_by_statistics,
    log_ratio,
    normal_scores,
    stronger,
)
from galddpm.evaluation.statistics.image_statistics import Statistic

N = 400


def draws(seed, shift=0.0, columns=6):
    table = np.random.default_rng(seed).normal(size=(N, columns))
    table[:, 1] += shift
    return table


def halves():
    rows = np.random.default_rng(9).permutation(N)
    return [(rows[: N // 2], rows[N // 2 :])]


def test_equal_sets_are_told_in_half_of_the_cases_and_by_nothing():
    """Of a file and its copy every score of the trees is 0."""
    table = draws(0)
    found, told, _ = compare_by_statistics(table, table.copy(), [])
    assert found["accuracy"] == 0.5
    assert np.isfinite(told.log_ratio).all()
    names = [Statistic("mean", "linear", "g", "0.7", str(k)) for k in range(table.shape[1])]
    assert set(carried_by(table, table.copy(), names)["radius"].values()) == {0.0}


def test_weights_solve_the_equations_of_ridge_regression():
    known = draws(0, columns=5)
    side = np.arange(N) % 2 == 0
    middle, weight = weights(known, side)
    apart = known - known.mean(axis=0)
    left = apart.T @ apart + 5 * np.eye(5)
    np.testing.assert_allclose(left @ weight, apart.T @ np.where(side, 1, -1), rtol=1e-6)
    np.testing.assert_allclose(middle, known.mean(axis=0))


def test_partners_are_in_one_fold_and_folds_are_equal():
    fold = folds(50)
    np.testing.assert_array_equal(fold[:50], fold[50:])
    assert np.bincount(fold).tolist() == [100 // FOLDS] * FOLDS


def test_accuracy_by_hand():
    found = accuracy(np.repeat([True, False], [75, 25]))
    assert (found["n"], found["accuracy"]) == (50, 0.75)
    z = SHARED * 1.95996
    for end in found["accuracy_interval"]:  # from which .75 lies z standard deviations off
        assert abs(end - 0.75) == pytest.approx(z * np.sqrt(end * (1 - end) / 100), rel=1e-4)
    low, high = accuracy(np.ones(200, dtype=bool))["accuracy_interval"]
    assert (low, high) == (pytest.approx(200 / (200 + z**2), rel=1e-4), pytest.approx(1.0))
    assert told_right(np.array([-1.0, 1.0, 1.0, -1.0])).tolist() == [True, False, True, False]


def test_a_shift_is_told_as_often_as_theory_allows():
    """Two normal distributions two sigma apart: 84 % by the best rule."""
    values = normal_scores(draws(0), draws(1, shift=2.0))
    told = told_right(held_out_scores(values, linear)).mean()
    assert told == pytest.approx(0.841, abs=0.04)


def test_equal_sets_are_not_told_and_differing_ones_are_by_both():
    same, _, _ = compare_by_statistics(draws(0), draws(1), halves())
    assert abs(same["accuracy"] - 0.5) < 2.58 * SHARED * 0.5 / np.sqrt(2 * N)
    found, told, null = compare_by_statistics(draws(0), draws(1, shift=3.0), halves())
    for learner in ("linear", "trees"):
        assert found[learner]["accuracy"] > 0.88
        assert found[learner]["accuracy_floor"] == pytest.approx(0.5, abs=0.12)
    assert found["accuracy"] == told.right.mean()
    assert len(null) == 1


def test_trees_see_what_no_weighted_sum_shows():
    """Equal means and variances, another shape."""
    real, generated = draws(0), draws(1)
    generated[:, 1] = np.sign(generated[:, 1])
    found, _, _ = compare_by_statistics(real, generated, [])
    assert found["trees"]["accuracy"] > 0.7
    assert found["accuracy"] == found["trees"]["accuracy"]
    assert found["accuracy_floor"] is None


def test_the_choice_between_learners_does_not_flatter():
    """Twenty coins: the luckiest is right more often, what is chosen fold by fold is not."""
    rng = np.random.default_rng(0)
    chosen, luckiest = [], []
    for _ in range(20):
        scores = {str(k): rng.normal(size=2 * N) for k in range(20)}
        chosen.append(stronger(scores).right.mean())
        luckiest.append(max(told_right(s).mean() for s in scores.values()))
    assert np.mean(luckiest) > 0.52
    assert np.mean(chosen) == pytest.approx(0.5, abs=0.01)


def test_log_ratios_are_those_of_two_normal_distributions():
    """For means -1 and 1 and unit variance ln(p_1 / p_0) = 2 x."""
    rng = np.random.default_rng(0)
    scores = rng.normal(np.repeat([-1, 1], 20_000), 1)
    np.testing.assert_allclose(log_ratio(scores), 2 * scores, atol=0.25)


def test_a_verdict_is_carried_by_the_column_that_differs():
    names = [Statistic("spread", "linear", "g", f"{k}", "0-2") for k in range(6)]
    found = carried_by(draws(0), draws(1, shift=2.0), names)
    assert found["scale"]["1"] > 0.9
    assert sum(found["scale"].values()) == pytest.approx(1)
    assert found["measure"] == {"spread": pytest.approx(1)}
    assert next(iter(found["statistics"])) == str(names[1])
