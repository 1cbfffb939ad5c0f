"""Simulated truth: its shapes by their moments, its S/N by its light; and errors by hand."""

import numpy as np
import pytest

from galddpm.data.survey import SKY_SIGMA
from galddpm.evaluation.validation import simulated
from galddpm.evaluation.validation.simulated import (
    AXIS_RATIO,
    BAND,
    INDEX,
    NAMES,
    RADIUS,
    SIZE,
    SNR_RANGES,
    TruthSet,
    compare_fits,
    draw,
    draw_truth,
    errors,
)

RNG = np.random.default_rng
COUNT = 12


@pytest.fixture(scope="module")
def found() -> TruthSet:
    return draw_truth(COUNT, seed=3)


def moments(image):
    y, x = (
        np.mgrid[: image.shape[0], : image.shape[1]]
        - (np.array(image.shape) - 1)[:, None, None] / 2
    )
    light = image / image.sum()
    x_0, y_0 = (light * x).sum(), (light * y).sum()
    second = [(light * a * b).sum() for a, b in ((x - x_0, x - x_0), (y - y_0, y - y_0))]
    return x_0, y_0, *second, (light * (x - x_0) * (y - y_0)).sum()


def test_a_gaussian_has_the_moments_of_its_major_half_light_radius():
    """n = 0.5 is a Gaussian; a round PSF adds the same to both moments, and drops out."""
    sigma = 6 / np.sqrt(2 * np.log(2))
    expected = sigma**2 * (1 - 0.5**2)
    x_0, y_0, x_x, y_y, x_y = moments(draw(0.5, 6.0, 0.5, 100.0, 0.0, (0.3, -0.4)))
    assert (x_0, y_0) == pytest.approx((0.3, -0.4), abs=0.02)
    assert x_x - y_y == pytest.approx(expected, rel=0.01)
    assert x_y == pytest.approx(0, abs=0.02)
    *_, x_x, y_y, x_y = moments(draw(0.5, 6.0, 0.5, 100.0, 45.0, (0, 0)))  # from x towards y
    assert x_y == pytest.approx(expected / 2, rel=0.01)
    assert x_x == pytest.approx(y_y)


def test_a_galaxy_holds_its_flux():
    assert draw(1.0, 3.0, 0.7, 250.0, 30.0, (0, 0)).sum() == pytest.approx(250, rel=0.01)


def test_every_range_holds_the_count_within_the_limits(found):
    assert found.image.shape == (3 * COUNT, SIZE, SIZE)
    np.testing.assert_array_equal(found.snr_range, np.repeat([0, 1, 2], COUNT))
    q = 1 - found.truth["sersic_ellipticity"]
    for values, (low, high) in (
        (found.truth["sersic_n"], INDEX),
        (found.truth["sersic_r_eff"], RADIUS),
        (q, AXIS_RATIO),
    ):
        assert low <= values.min() < values.max() <= high
        assert np.ptp(values) > (high - low) / 3


def test_signal_to_noise_fills_its_range(monkeypatch):
    drawn = []

    def remember(n, r_eff, q, flux, angle, shift):
        drawn.append(flux / (SKY_SIGMA[BAND] * np.sqrt(np.pi * (2 * r_eff) ** 2 * q + 50)))
        return np.zeros((2, 2))

    monkeypatch.setattr(simulated, "draw", remember)
    draw_truth(500)
    for (low, high), snr in zip(SNR_RANGES, np.reshape(drawn, (3, 500)), strict=True):
        assert (snr.min(), snr.max()) == pytest.approx((low, high), rel=0.05)
        assert low <= snr.min() < snr.max() <= high
        assert np.median(snr) == pytest.approx(np.sqrt(low * high), rel=0.15)


def test_the_noise_is_white_and_that_of_the_survey(found):
    corner = found.image[found.snr_range == 0][:, :8, :8]
    assert corner.std() == pytest.approx(SKY_SIGMA[BAND], rel=0.1)
    pairs = (corner[:, :, :-1] * corner[:, :, 1:]).mean() / corner.var()
    assert pairs == pytest.approx(0, abs=0.15)


def test_a_seed_gives_one_set_and_another_seed_another():
    first, again, other = draw_truth(1, seed=5), draw_truth(1, seed=5), draw_truth(1, seed=6)
    np.testing.assert_array_equal(first.image, again.image)
    assert all((first.truth[name] != other.truth[name]).all() for name in NAMES)


def test_errors_are_shares_of_the_truth_but_for_the_ellipticity():
    truth = dict.fromkeys(NAMES, np.array([4.0, 0.5]))
    measured = dict.fromkeys(NAMES, np.array([3.0, 0.75]))
    for name in ("sersic_n", "sersic_r_eff"):
        np.testing.assert_allclose(errors(truth, measured, name), [0.25, 0.5])
    np.testing.assert_allclose(errors(truth, measured, "sersic_ellipticity"), [1.0, 0.25])


def made(count=9) -> tuple[TruthSet, dict, dict]:
    """A truth set without images, and fits of which the second's errors are twice the first's."""
    total = 3 * count
    truth = {name: RNG(k).uniform(0.5, 0.9, total) for k, name in enumerate(NAMES)}
    step = {name: RNG(9 + k).normal(0, 0.1, total) for k, name in enumerate(NAMES)}
    ours, theirs = ({name: truth[name] + f * step[name] for name in NAMES} for f in (1, 2))
    return TruthSet(np.empty((total, 0, 0)), truth, np.repeat([0, 1, 2], count)), ours, theirs


def test_a_fit_with_half_the_errors_has_a_ratio_of_a_half():
    found, ours, theirs = made()
    rows = compare_fits(found, ours, theirs)
    assert [row["snr"] for row in rows] == [list(limits) for limits in SNR_RANGES]
    for index, row in enumerate(rows):
        assert (row["stamps"], row["compared"]) == (9, 9)
        assert row["without_fit"] == {"ours": 0, "statmorph": 0}
        inside = found.snr_range == index
        for name in NAMES:
            assert row[name]["ratio"] == pytest.approx(0.5)
            assert row[name]["ratio_interval"] == pytest.approx([0.5, 0.5])
            median = np.median(errors(found.truth, ours, name)[inside])
            assert row[name]["ours"] == pytest.approx(median)
            assert row[name]["statmorph"] == pytest.approx(2 * median)
    for row in compare_fits(found, theirs, ours):
        assert row["sersic_n"]["ratio"] == pytest.approx(2)


def test_only_stamps_that_both_have_fitted_are_compared():
    found, ours, theirs = made()
    for name in NAMES:
        ours[name][:2] = np.nan
        theirs[name][1:6] = np.nan
    first, second, _ = compare_fits(found, ours, theirs)
    assert first["without_fit"] == pytest.approx({"ours": 2 / 9, "statmorph": 5 / 9})
    assert (first["stamps"], first["compared"]) == (9, 3)
    assert first["sersic_n"]["ratio"] == pytest.approx(0.5)
    assert second["compared"] == 9


def test_the_interval_of_a_ratio_reaches_over_equal_fits():
    """Errors of one distribution: the ratio of medians is 1, and its interval says so."""
    count, held = 60, 0
    for seed in range(10):
        truth = dict.fromkeys(NAMES, np.ones(3 * count))
        sides = [
            {name: 1 + RNG([seed, side]).normal(0, 0.1, 3 * count) for name in NAMES}
            for side in (0, 1)
        ]
        empty = np.empty((3 * count, 0, 0))
        rows = compare_fits(TruthSet(empty, truth, np.repeat([0, 1, 2], count)), *sides)
        for row in rows:
            low, high = row["sersic_n"]["ratio_interval"]
            assert low < high
            held += low < 1 < high
    assert held >= 25  # of 30, 28.5 expected


def test_a_range_in_which_no_stamp_has_both_fits_is_told():
    found, ours, theirs = made()
    for name in NAMES:
        theirs[name][:9] = np.nan
    first, *_ = compare_fits(found, ours, theirs)
    assert first["compared"] == 0
    assert first["without_fit"]["statmorph"] == 1
