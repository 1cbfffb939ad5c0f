"""What a training set knows of redshift."""

import numpy as np
import pytest

from galddpm.data.redshift_density import (
    redshift_density,
    redshift_quantiles,
    redshift_weights,
    resampled,
    share_seen,
)

RNG = np.random.default_rng


def test_the_share_seen_of_a_uniform_set_is_the_window():
    quantiles = redshift_quantiles(np.linspace(0, 4, 10_001))
    assert len(quantiles) == 257
    assert share_seen([2.0, 0.0, 9.0], quantiles) == pytest.approx([0.05, 0.025, 0.0], abs=1e-9)


def test_a_gap_is_not_seen():
    redshift = np.concatenate([RNG(0).uniform(0, 0.4, 5000), RNG(1).uniform(1.0, 2.0, 5000)])
    assert share_seen(0.7, redshift_quantiles(redshift)) < 2 / 256


def test_weights_even_out_the_density():
    """p falls as exp(-2 ln(1+z)); with power 1 every equal step of ln(1+z) weighs alike."""
    logarithm = RNG(0).exponential(0.5, 200_000)
    redshift = np.expm1(logarithm[logarithm < 1.5])
    weights = redshift_weights(redshift, 1.0)
    shares, _ = np.histogram(np.log1p(redshift), bins=5, weights=weights)
    assert shares / shares.sum() == pytest.approx([0.2] * 5, rel=0.03)
    assert weights.mean() == pytest.approx(1.0)
    assert redshift_weights(redshift, 0.0) == pytest.approx(1.0)


def test_resampling_keeps_the_length_and_rounds_each_weight():
    weights = RNG(0).uniform(0.2, 1.8, 1000)
    weights /= weights.mean()
    times = np.zeros(1000)
    for seed in range(200):
        rows = resampled(weights, RNG(seed))
        assert len(rows) == 1000
        count = np.bincount(rows, minlength=1000)
        assert (np.abs(count - weights) < 1.0 + 1e-9).all()
        times += count
    assert times / 200 == pytest.approx(weights, abs=0.15)


def test_a_density_is_that_of_the_galaxies():
    """Of ln(1 + z) that is even from 0 to 1, galaxies in a unit of redshift fall as 1 / (1 + z)."""
    redshift = np.expm1(np.linspace(0, 1, 5001))
    z = np.array([0.2, 1.0, 1.5])
    found = redshift_density(z, redshift_quantiles(redshift))
    np.testing.assert_allclose(found, 1 / (1 + z), rtol=2e-3)
    grid = np.linspace(-0.1, 2.0, 4001)
    whole = np.trapezoid(redshift_density(grid, redshift_quantiles(redshift)), grid)
    assert whole == pytest.approx(1, abs=0.01)
