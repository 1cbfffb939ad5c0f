"""Densities of redshifts against truth: closed forms, and draws from the densities themselves."""

import numpy as np
import pytest
from scipy.stats import kstest, norm

from galddpm.evaluation.photoz.metrics import crps as crps_of_normals
from galddpm.evaluation.photoz.probabilities import (
    cde_loss,
    crps,
    cumulative,
    normalised,
    pit,
    probability_metrics,
    quantiles,
)

GRID = np.linspace(0, 4, 2001)


def normals(mean, width):
    return norm.pdf(GRID, np.asarray(mean)[:, None], np.asarray(width)[:, None])


def test_a_density_integrates_to_one_and_its_sum_ends_there():
    density = normalised(3 * normals([1.0, 3.9], [0.1, 0.3]), GRID)
    np.testing.assert_allclose(np.trapezoid(density, GRID, axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(cumulative(density, GRID)[:, [0, -1]], [[0, 1], [0, 1]])


def test_normal_densities_have_the_known_quantiles_pit_and_scores():
    mean, width, true = np.array([1.0, 2.0]), np.array([0.1, 0.2]), np.array([1.1, 1.7])
    density = normals(mean, width)
    shares = np.array([0.16, 0.5, 0.9])
    expected = norm.ppf(shares, mean[:, None], width[:, None])
    np.testing.assert_allclose(quantiles(density, GRID, shares), expected, atol=1e-4)
    np.testing.assert_allclose(pit(density, GRID, true), norm.cdf([1.0, -1.5]), atol=1e-4)
    # of a normal: width (x (2 Phi(x) - 1) + 2 phi(x) - 1/sqrt(pi)) (Gneiting & Raftery 2007)
    x = (true - mean) / width
    known = width * (x * (2 * norm.cdf(x) - 1) + 2 * norm.pdf(x) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(crps(density, GRID, true), known, atol=1e-5)
    coarse = crps_of_normals(estimated=mean, error=width, true=true)
    np.testing.assert_allclose(crps(density, GRID, true), coarse, atol=0.01)
    # int p^2 of a normal is 1 / (2 sqrt(pi) width)
    overlap = 1 / (2 * np.sqrt(np.pi) * width) - 2 * norm.pdf(true, mean, width)
    assert cde_loss(density, GRID, true) == pytest.approx(overlap.mean(), abs=1e-3)


def test_a_truth_between_points_of_a_coarse_grid_is_not_rounded():
    grid = np.array([0.0, 1.0, 2.0])
    density = np.array([[0.0, 1.0, 0.0]])
    assert crps(density, grid, np.array([1.0])) < crps(density, grid, np.array([1.2]))
    assert crps(density, grid, np.array([1.2])) < crps(density, grid, np.array([1.4]))


def test_truths_beyond_the_grid_are_certain_to_be_missed():
    density = normals([1.0], [0.1])
    assert pit(density, GRID, np.array([5.0]))[0] == pytest.approx(1)
    assert crps(density, GRID, np.array([5.0]))[0] == pytest.approx(4.0, abs=0.1)
    assert cde_loss(density, GRID, np.array([5.0])) > 0


def test_truths_drawn_from_the_densities_are_covered():
    rng = np.random.default_rng(0)
    mean, width = rng.uniform(0.5, 3, 3000), rng.uniform(0.05, 0.2, 3000)
    true = rng.normal(mean, width)
    density = normals(mean, width)
    assert kstest(pit(density, GRID, true), "uniform").pvalue > 0.01
    found = probability_metrics(density, GRID, true)
    for share in (0.5, 0.683, 0.954):
        assert found[f"covered_{share:g}"] == pytest.approx(share, abs=0.03)
    assert found["pit_ks"] == pytest.approx(kstest(pit(density, GRID, true), "uniform").statistic)
    # half as wide: half of the truths in what is said to hold two thirds
    narrow = probability_metrics(normals(mean, width / 2), GRID, true)
    assert narrow["covered_0.683"] == pytest.approx(0.383, abs=0.03)
    assert narrow["pit_ks"] > 0.1
    for score in ("crps", "cde_loss"):
        assert narrow[score] > found[score]
