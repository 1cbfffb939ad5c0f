"""The sky's noise, measured on noise and stamps whose truth is known."""

import numpy as np
import pytest

from galddpm.data.sky_noise import REACH, WHITE, measure_sky_noise
from helpers.correlation import smoothed
from helpers.galaxies import simple_galaxies


@pytest.mark.parametrize("a", [0.0, 0.05, 0.1, 0.2])
def test_correlation_of_smoothed_noise_is_found_diagonals_too(a):
    noise = 0.3 * np.random.default_rng(0).normal(size=(300, 64, 64))
    for axis in (1, 2):
        noise = noise + a * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    found = measure_sky_noise(noise)
    assert found.sigma == pytest.approx(noise.std(), rel=0.02)
    expected = np.zeros((REACH + 1, 2 * REACH + 1))
    expected[:3, REACH - 2 : REACH + 3] = smoothed(a)
    np.testing.assert_allclose(found.correlation, expected, atol=0.02)


def test_a_slanted_kernel_is_found():
    """Noise that correlates along one diagonal alone, by 1/2."""
    white = np.random.default_rng(0).normal(size=(300, 65, 65))
    found = np.array(measure_sky_noise(white[:, 1:, 1:] + white[:, :-1, :-1]).correlation)
    assert found[1, REACH + 1] == pytest.approx(0.5, abs=0.02)
    assert found[1, REACH - 1] == pytest.approx(0, abs=0.02)
    assert found[0, REACH + 1] == pytest.approx(0, abs=0.02)


def test_images_without_noise_have_finite_noise():
    smooth = np.linspace(1, 2, 32) ** 3 * np.ones((4, 32, 1))
    found = measure_sky_noise(smooth)
    assert np.isfinite(found.sigma)
    assert np.isfinite(found.correlation).all()


def test_padding_is_no_sky():
    noise = np.random.default_rng(0).normal(0, 0.3, (60, 64, 64))
    noise[:, :40] = 0
    noise[::3] = 0  # no data at all
    assert measure_sky_noise(noise).sigma == pytest.approx(0.3, rel=0.02)
    nothing = measure_sky_noise(np.zeros((3, 16, 16)))
    assert (nothing.sigma, nothing.correlation) == (0.0, WHITE)


def test_noise_is_found_under_galaxies():
    noise = [0.041, 0.062, 0.076, 0.157, 0.328]  # what `galaxies.py` draws with
    flux = simple_galaxies(40, seed=3)["image"]
    found = [measure_sky_noise(flux[:, band]) for band in range(5)]
    assert [one.sigma for one in found] == pytest.approx(noise, rel=0.04)
    for one in found:
        np.testing.assert_allclose(one.correlation, WHITE, atol=0.05)
