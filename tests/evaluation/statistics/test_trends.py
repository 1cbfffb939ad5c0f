"""Relative slopes by hand and against SciPy, and intervals that hold the truth as often as said."""

import numpy as np
import pytest
from scipy.stats import linregress

from galddpm.evaluation.statistics.trends import TRENDS, compare_trends, relative_slope

RNG = np.random.default_rng


def noisy_line(seed: int, count: int = 150, scatter: float = 1.0):
    """10 - 2 z at redshifts from 0 to 2: a slope of -2 on a mean of 8, which is -0.25."""
    redshift = RNG(seed).uniform(0, 2, count)
    return redshift, 10 - 2 * redshift + RNG(1000 + seed).normal(0, scatter, count)


def columns(redshift, **by_name):
    return redshift, {name: np.zeros(len(redshift)) + 1 for name in TRENDS} | by_name


def test_slope_of_five_rows_by_hand():
    # z - 2 is -2 to 2 with a sum of squares of 10; its product with y is -12; the mean of y is 3
    slope, _ = relative_slope(np.arange(5.0), np.array([6.0, 3.0, 4.0, 1.0, 1.0]))
    assert slope == pytest.approx(-1.2 / 3)


def test_slope_equals_scipys_over_the_mean():
    redshift, values = RNG(0).gamma(2, 0.3, 60), RNG(1).lognormal(1, 0.4, 60)
    expected = linregress(redshift, values).slope / values.mean()
    assert relative_slope(redshift, values)[0] == pytest.approx(expected, rel=1e-12)


def test_the_interval_holds_the_truth_and_is_no_wider_than_it_must_be():
    held, reach = 0, []
    for seed in range(40):
        slope, (low, high) = relative_slope(*noisy_line(seed))
        assert low < slope < high
        held += low < -0.25 < high
        reach.append((high - low) / 2)
    assert held >= 34  # 38 expected; fewer than 34 with probability .003
    # slope: variance scatter^2 / (N var z) with var z = 1/3; mean: that of a sample of 10 - 2 z
    # with the scatter, (4/3 + 1) / N; the ratio's is ((slope's) + 0.25^2 (mean's)) / 8^2
    error = np.sqrt((3 + 0.25**2 * (4 / 3 + 1)) / 150) / 8
    assert np.mean(reach) == pytest.approx(1.96 * error, rel=0.08)


def test_units_and_order_do_not_matter():
    redshift, values = noisy_line(0)
    slope, reach = relative_slope(redshift, values)
    scaled = relative_slope(redshift, 7 * values)
    assert scaled[0] == pytest.approx(slope)
    assert scaled[1] == pytest.approx(reach)
    order = RNG(5).permutation(len(values))
    assert relative_slope(redshift[order], values[order])[0] == pytest.approx(slope)
    assert relative_slope(3 * redshift + 1, values)[0] == pytest.approx(slope / 3)
    mirrored = relative_slope(-redshift, values)
    assert mirrored[0] == pytest.approx(-slope)
    assert mirrored[1] == pytest.approx([-reach[1], -reach[0]])


@pytest.mark.parametrize(
    ("redshift", "values"),
    [([], []), ([0.3], [1.0]), ([0.3, 0.5], [1.0, 2.0]), ([0.5] * 9, [1.0] * 9)],
)
def test_too_few_values_or_one_redshift_have_no_slope(redshift, values):
    assert relative_slope(np.array(redshift), np.array(values)) == (None, None)


def test_a_resample_of_one_redshift_has_no_slope_of_rounding_errors():
    _, (low, high) = relative_slope(np.array([0.1, 0.2, 0.7]), np.array([3.0, 2.0, 2.5]))
    assert max(abs(low), abs(high)) < 100  # no two rows lie on a relative slope beyond 4


def test_sides_agree_differ_or_are_too_few():
    redshift = np.linspace(0, 2, 200)

    def side(radius, ellipticity, scatter, seed=0):
        lines = {"half_light_radius": radius, "ellipticity": ellipticity}
        steps = RNG(seed).normal(0, scatter, 200)
        return columns(
            redshift, **{k: 5 * (1 + slope * (redshift - 1) + steps) for k, slope in lines.items()}
        )

    def verdicts(real, generated):
        found = compare_trends(real, generated)
        return {name: line["verdict"] for name, line in found.items()}

    real = side(-0.3, 0.0, scatter=0.05)
    same = {"half_light_radius": "agrees", "ellipticity": "agrees"}
    assert verdicts(real, side(-0.3, 0.0, 0.05, seed=1)) == same
    # both get compact, which is what the paper expects, but one of them by a third less
    other = {"half_light_radius": "differs", "ellipticity": "agrees"}
    assert verdicts(real, side(-0.2, 0.0, 0.05, seed=1)) == other
    few = {"half_light_radius": "too few to say", "ellipticity": "too few to say"}
    assert verdicts(side(-0.3, 0.0, 2.0), side(-0.3, 0.0, 2.0, seed=1)) == few
    found = compare_trends(real, side(-0.2, 0.0, 0.05, seed=1))["half_light_radius"]
    assert found["difference"] == pytest.approx(0.1, abs=0.03)
    low, high = found["difference_interval"]
    assert 0 < low < found["difference"] < high
    assert found["expected"] == "compact"


@pytest.mark.parametrize("seed", range(3))
def test_a_slope_outside_the_others_interval_is_never_called_alike(seed):
    real, generated = noisy_line(seed), noisy_line(seed + 10)
    steeper = generated[0], generated[1] * (1 - 0.2 * (generated[0] - 1))
    found = compare_trends(
        columns(real[0], half_light_radius=real[1]),
        columns(steeper[0], half_light_radius=steeper[1]),
    )
    assert found["half_light_radius"]["verdict"] == "differs"


def test_what_was_not_measured_is_left_out_column_by_column():
    redshift = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 9.0, 9.0])
    radius = np.array([6.0, 3.0, 4.0, 1.0, 1.0, np.nan, np.inf])
    nothing = np.full(7, np.nan)
    side = columns(redshift, half_light_radius=radius, ellipticity=nothing)
    found = compare_trends(side, side)
    assert found["half_light_radius"]["real"]["slope"] == pytest.approx(-0.4)
    assert found["ellipticity"]["real"] == {"slope": None, "slope_interval": None}
    assert found["ellipticity"]["difference"] is None
    assert found["ellipticity"]["verdict"] == "too few to say"
