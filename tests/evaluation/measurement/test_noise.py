"""Noise that hangs together: its coefficients, and the variances of sums and of medians."""

import numpy as np
import pytest

from galddpm.evaluation.measurement.noise import (
    LAG,
    autocorrelation,
    level_variance,
    neighbour_correlation,
    variance_of_sum,
)
from galddpm.mock.noise import correlated

RNG = np.random.default_rng
WHOLE = np.ones((64, 64), dtype=bool)


def survey_noise(count: int) -> np.ndarray:
    return correlated((count, 64, 64), RNG(0))


def test_coefficients_of_white_and_of_averaged_noise():
    white = RNG(5).standard_normal((64, 64))
    averaged = white + np.roll(white, 1, 0) + np.roll(white, 1, 1) + np.roll(white, (1, 1), (0, 1))
    assert neighbour_correlation(autocorrelation(white, WHOLE)) == pytest.approx(0, abs=0.04)
    found = autocorrelation(averaged, WHOLE)
    assert found[LAG, LAG] == pytest.approx(1)
    assert neighbour_correlation(found) == pytest.approx(0.5, abs=0.04)
    assert found[LAG + 1, LAG + 1] == pytest.approx(0.25, abs=0.06)
    np.testing.assert_allclose(found, found[::-1, ::-1])


def test_masked_pixels_do_not_count():
    image, free = survey_noise(1)[0], RNG(1).random((64, 64)) < 0.6
    spoilt = np.where(free, image, 1e6)
    np.testing.assert_allclose(
        autocorrelation(spoilt, free), autocorrelation(image * free, free), atol=1e-9
    )


def test_without_a_free_pixel_noise_is_taken_to_be_white():
    assert autocorrelation(survey_noise(1)[0], ~WHOLE).sum() == 1


def test_variance_of_a_sum_by_hand_and_in_repeated_noise():
    correlation = np.zeros((5, 5))
    correlation[2, 1:4] = 0.3, 1, 0.3
    weights = np.zeros((9, 9))
    weights[4, 4:6] = 1, 2
    assert variance_of_sum(weights, correlation) == pytest.approx(1 + 4 + 2 * 0.3 * 2)
    noise = survey_noise(400)
    mean = np.mean([autocorrelation(image, WHOLE) for image in noise[:50]], axis=0)
    square = np.zeros((64, 64))
    square[20:32, 20:32] = 1
    sums = (noise * square).sum(axis=(1, 2))
    assert sums.var() == pytest.approx(variance_of_sum(square, mean), rel=0.2)


def test_no_correlation_makes_a_sum_exact():
    against = np.zeros((5, 5))
    against[2, 2], against[2, 1], against[2, 3] = 1, -0.6, -0.6
    assert variance_of_sum(np.ones((9, 9)), against) == pytest.approx(0.1 * 81)


def test_light_that_pixels_share_is_not_noise():
    """A slope over the stamp correlates all pixels; what is left is the noise's own."""
    noise = survey_noise(1)[0]
    slope = np.linspace(-0.6, 0.6, 64)[:, None]
    found, plain = (autocorrelation(x, WHOLE) for x in (noise + slope, noise))
    np.testing.assert_allclose(found, plain, atol=0.03)


def test_variance_of_a_median_in_repeated_noise():
    noise = survey_noise(400)
    mean = np.mean([autocorrelation(image, WHOLE) for image in noise[:50]], axis=0)
    medians = np.median(noise, axis=(1, 2))
    assert medians.var() == pytest.approx(level_variance(mean, 64 * 64), rel=0.2)
    white = np.zeros((5, 5))
    white[2, 2] = 1
    assert level_variance(white, 100) == pytest.approx(np.pi / 200)
