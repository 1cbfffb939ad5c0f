"""Joint distances against closed forms and scikit-learn, scipy; trees."""

import numpy as np
import pytest
from scipy.stats import energy_distance as scipy_energy

from galddpm.evaluation.statistics.classifiers import compare_by_trees
from galddpm.evaluation.statistics.distributions import LEAST
from galddpm.evaluation.statistics.matching import Selection
from galddpm.evaluation.statistics.multivariate import (
    compare_energy,
    compare_frechet,
    energy_distance,
    frechet_distance,
    normal_scores,
)

RNG = np.random.default_rng


def halves(count: int, splits: int = 50):
    orders = [RNG(seed).permutation(count) for seed in range(splits)]
    return [(order[: count // 2], order[count // 2 :]) for order in orders]


def every(real, generated):
    """All rows of both tables, and a floor of halves of the real one."""
    rows = (np.arange(len(table)) for table in (real, generated))
    return Selection(*rows, matched=False, splits=halves(len(real)))


def test_energy_in_one_dimension_equals_scipy():
    a, b = RNG(0).normal(size=200), RNG(1).normal(0.5, 1, 300)
    assert energy_distance(a[:, None], b[:, None]) == pytest.approx(scipy_energy(a, b) ** 2)


def test_frechet_of_two_normals():
    a, b = RNG(0).normal(size=(200_000, 2)), RNG(1).normal(size=(200_000, 2)) * [2, 1] + [3, 0]
    # |shift|^2 = 9, and (2 - 1)^2 of the one width that differs
    assert frechet_distance(a, b) == pytest.approx(10, rel=0.01)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_normal_scores_do_not_see_units():
    table = RNG(0).normal(size=(500, 2))
    stretched = np.exp(3 * table)
    np.testing.assert_allclose(
        normal_scores(table)(table), normal_scores(stretched)(stretched), atol=1e-12
    )
    assert normal_scores(table)(table).std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("compare", [compare_energy, compare_frechet])
def test_joint_distances_see_what_no_single_column_shows(compare):
    """Equal margins, another correlation."""
    name = compare.__name__.removeprefix("compare_")
    real = RNG(0).normal(size=(600, 2))
    same = RNG(1).normal(size=(600, 2))
    tied = RNG(2).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 600)
    alike, other = (compare(real, x, real, every(real, x)) for x in (same, tied))
    assert alike[name] < 2 * alike[f"{name}_floor_95"]
    assert other[name] > 2 * other[f"{name}_floor_95"]
    low, high = other[f"{name}_interval"]
    assert low < other[name] < high


def test_too_few_rows_give_a_reason():
    real = RNG(0).normal(size=(300, 2))
    few = np.where(np.arange(300)[:, None] < LEAST - 1, real, np.nan)
    found = compare_energy(real, few, real, every(real, few))
    assert found["energy"] is None
    assert "fewer than" in found["reason"]


def test_trees_are_right_by_chance_on_equal_and_more_often_on_other_tables():
    real, same = RNG(0).normal(size=(500, 4)), RNG(1).normal(size=(500, 4))
    real[::7, 2] = same[::7, 2] = np.nan  # missing values are taken as they are
    alike = compare_by_trees(real, same, real, every(real, same))
    assert alike["accuracy"] == pytest.approx(0.5, abs=0.06)
    assert alike["accuracy_floor"] == pytest.approx(0.5, abs=0.08)
    shifted = same + np.array([0, 2, 0, 0])
    other = compare_by_trees(real, shifted, real, every(real, shifted))
    # the best rule for a shift by 2 standard deviations is right with probability 0.841
    assert other["accuracy"] == pytest.approx(0.84, abs=0.04)
    low, high = other["accuracy_interval"]
    assert low < other["accuracy"] < high
