"""Distances against SciPy and by hand; floors and intervals against what they promise."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from galddpm.evaluation.statistics.distributions import (
    LEAST,
    NO_DISTANCES,
    bootstrap_means,
    compare,
    distances,
    floor,
    floor_summary,
    interval,
    ks_interval,
    size_scale,
    wasserstein_interval,
)
from galddpm.evaluation.statistics.matching import floor_splits, match_redshifts, redshifts_differ

RNG = np.random.default_rng


def halves(count: int) -> list:
    return floor_splits(np.zeros(count), None, np.zeros(1), matched=False)


def test_distances_by_hand():
    assert distances(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == pytest.approx((1.0, 2.0))
    assert distances(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == (0.0, 0.0)
    # CDFs 1/2 and 1 against 1/3, 2/3, 1: the gap is 1/6 on [0, 1) and 1/3 on [1, 2)
    ks, wasserstein = distances(np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]))
    assert ks == pytest.approx(1 / 3)
    assert wasserstein == pytest.approx(1 / 6 + 1 / 3)


@pytest.mark.parametrize("ties", [False, True])
def test_distances_equal_scipy(ties):
    a, b = RNG(1).normal(0, 1, 300), RNG(2).normal(0.2, 1.3, 170)
    if ties:
        a, b = a.round(1), b.round(1)
    expected = ks_2samp(a, b).statistic, wasserstein_distance(a, b)
    np.testing.assert_allclose(distances(a, b), expected, rtol=1e-12)


def test_all_values_equal():
    assert distances(np.ones(5), np.ones(9)) == (0.0, 0.0)


def test_ks_interval_is_the_null_quantile_around_the_value():
    low, high = ks_interval(0.2, 500, 500)
    assert (high - low) / 2 == pytest.approx(1.3581 * np.sqrt(2 / 500), rel=1e-4)
    assert (high + low) / 2 == pytest.approx(0.2)
    assert ks_interval(0.05, 500, 500)[0] == 0


def test_floor_has_the_mean_of_the_null_distribution():
    """Mean of Kolmogorov's distribution is sqrt(pi/2) ln 2, its 95 % point 1.3581."""
    values = RNG(0).normal(size=2000)
    null = floor(values, values, halves(2000), (500, 500))[:, 0] / size_scale(500, 500)
    assert null.mean() == pytest.approx(np.sqrt(np.pi / 2) * np.log(2), rel=0.08)
    assert np.quantile(null, 0.95) == pytest.approx(1.3581, rel=0.12)
    assert len(null) >= 200


def test_floor_does_not_depend_on_the_size_of_the_real_set():
    small, large = RNG(0).normal(size=400), RNG(1).normal(size=4000)
    floors = [floor(v, v, halves(len(v)), (300, 300)).mean(axis=0) for v in (small, large)]
    np.testing.assert_allclose(floors[0], floors[1], rtol=0.15)


def compared(real, generated, count):
    sizes = np.isfinite(real).sum(), np.isfinite(generated).sum()
    null = floor(real, real, halves(count), sizes) if min(sizes) else np.empty((0, 2))
    return compare(real, generated, null)


def test_two_sets_of_one_distribution_stay_below_the_floor():
    above = 0
    for seed in range(40):
        a, b = RNG(seed).normal(size=300), RNG(1000 + seed).normal(size=300)
        result = compared(a, b, 300)
        above += result["ks"] > result["ks_floor_95"]
    assert above <= 7  # 2 expected; 7 or fewer with probability .9999 if 5 % is right


def test_wasserstein_interval_holds_the_truth():
    held, widths = 0, []
    for seed in range(40):
        a, b = RNG(seed).normal(0, 1, 400), RNG(1000 + seed).normal(0.5, 1, 400)
        value = distances(a, b)[1]
        low, high = wasserstein_interval(a, b, value, RNG(seed))
        assert low <= value <= high
        held += low <= 0.5 <= high  # a shift by 0.5 moves all the mass by 0.5
        widths.append(high - low)
    assert held >= 34
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.sqrt(2 / 400), rel=0.3)


def test_bootstrap_of_the_mean_has_the_standard_error():
    sample = RNG(0).normal(3, 2, 400)
    low, high = interval(bootstrap_means(sample, RNG(1)))
    assert (high - low) / (2 * 1.96) == pytest.approx(sample.std() / 20, rel=0.1)
    assert low < sample.mean() < high


def test_comparison_of_shifted_samples():
    real, generated = RNG(0).normal(10, 1, 500), RNG(1).normal(11, 1, 500)
    result = compared(real, generated, 500)
    assert result["reason"] is None
    assert result["ks"] > 5 * result["ks_floor"]
    assert result["wasserstein"] == pytest.approx(1, abs=0.15)
    assert result["mean_ratio"] == pytest.approx(1.1, abs=0.02)
    low, high = result["mean_ratio_interval"]
    assert low < result["mean_ratio"] < high
    assert result["wasserstein_floor"] < result["wasserstein_floor_95"] < 0.25


def test_values_that_were_not_measured_are_left_out_and_counted():
    real = RNG(0).normal(size=400)
    generated = np.concatenate([real[:300], np.full(100, np.nan)])
    result = compared(real, generated, 400)
    assert (result["n_real"], result["n_generated"]) == (400, 300)


def test_few_galaxies_give_no_distance_but_a_reason():
    real, generated = RNG(0).normal(5, 1, 500), RNG(1).normal(5, 1, LEAST - 1)
    result = compared(real, generated, 500)
    assert all(result[name] is None for name in NO_DISTANCES)
    assert "99 generated" in result["reason"]
    assert result["mean_ratio"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_galaxy_gives_nulls(count):
    real, generated = RNG(0).normal(5, 1, 500), np.full(count, 5.0)
    result = compared(real, generated, 500)
    assert result["ks"] is result["mean_ratio"] is result["mean_generated_interval"] is None


def test_ratio_to_a_mean_of_zero_is_not_given():
    real, generated = RNG(0).normal(0, 1, 500), RNG(1).normal(0, 1, 500)
    assert compared(real, generated, 500)["mean_ratio"] is None


def test_same_redshifts_are_not_matched():
    redshift = RNG(0).gamma(2, 0.3, 500)
    assert not redshifts_differ(redshift, redshift)
    assert not redshifts_differ(redshift, RNG(1).gamma(2, 0.3, 400))
    assert redshifts_differ(redshift, np.repeat([0.1, 0.5, 1.2], 100))


def test_partners_are_close_and_used_once():
    real, generated = RNG(0).gamma(2, 0.3, 4000), RNG(1).uniform(0.05, 1.5, 300)
    rows, partners = match_redshifts(real, generated, RNG(2))
    assert len(rows) == len(set(rows)) == len(set(partners)) > 280
    gap = np.abs(np.log1p(real[rows]) - np.log1p(generated[partners]))
    assert gap.max() <= 0.05
    assert not redshifts_differ(real[rows], generated[partners])


def test_galaxies_without_a_partner_stay_out():
    rows, partners = match_redshifts(np.array([0.5, 0.51]), np.array([0.5, 0.5, 0.5, 3.0]), RNG(0))
    assert sorted(rows) == [0, 1]
    assert 3 not in partners


def test_matching_finds_the_nearest():
    rows, partners = match_redshifts(np.array([0.1, 0.2, 0.3]), np.array([0.29, 0.11]), RNG(0))
    assert dict(zip(partners, rows, strict=True)) == {0: 2, 1: 0}


def test_floor_halves_are_disjoint():
    for first, second in halves(101)[:5]:
        assert not set(first) & set(second)
        assert len(first) + len(second) == 101


def test_floor_halves_are_matched_as_the_sets_are():
    real, generated = RNG(0).gamma(2, 0.3, 3000), RNG(1).uniform(0.2, 0.9, 200)
    for first, second in floor_splits(real, None, generated, matched=True)[:3]:
        assert not set(first) & set(second)
        assert not redshifts_differ(real[first], real[second])
        assert redshifts_differ(real, real[first])


def test_floor_with_a_reference_takes_one_half_of_each():
    first, second = floor_splits(np.zeros(100), np.zeros(40), np.zeros(1), matched=False)[0]
    assert (len(first), len(second)) == (50, 20)
    assert second.max() < 40


def test_floor_of_few_galaxies_is_that_of_two_fresh_samples():
    """Halves of 60 tell what 60 and 60 are apart by, though distances do not go by N^-1/2 alone."""
    rng = np.random.default_rng(5)
    count = 60
    fresh = [distances(*rng.normal(size=(2, count)))[0] for _ in range(6000)]
    floors = [
        floor(values, values, halves(count)[:20], (count, count))[:, 0].mean()
        for values in rng.normal(size=(300, count))
    ]
    assert np.mean(floors) == pytest.approx(np.mean(fresh), rel=0.012)


def test_one_more_like_the_floor_exceeds_its_bound_in_one_of_twenty():
    rng = np.random.default_rng(6)
    over = []
    for _ in range(4000):
        first, *null = rng.normal(size=41)
        over.append(first > floor_summary("x", np.array(null))["x_floor_95"])
    assert np.mean(over) == pytest.approx(0.05, abs=0.01)
