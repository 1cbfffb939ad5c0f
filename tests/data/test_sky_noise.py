"""The sky's noise, measured on noise and stamps whose truth is known."""

import numpy as np
import pytest

from galddpm.data.sky_noise import REACH, WHITE, measure_sky, measure_sky_noise
from galddpm.data.survey import BANDS, SKY_SIGMA
from galddpm.mock import MockSettings
from galddpm.mock.catalog import make_rows
from galddpm.mock.noise import autocorrelation
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


def test_galaxies_that_fill_their_stamps_do_not_add_to_the_noise():
    """Of two stamps in five the light is everywhere, and its photons are a quarter of the noise."""
    rng = np.random.default_rng(1)
    noise = 0.3 * rng.standard_normal((400, 5, 64, 64))
    noise[::5] = 0.35 / 0.3 * noise[::5] + 20
    noise[1::5] = 0.35 / 0.3 * noise[1::5] + 30
    sigmas, correlation = measure_sky(noise)
    np.testing.assert_allclose(sigmas, 0.3, rtol=0.008)
    np.testing.assert_allclose(correlation, WHITE, atol=0.01)


@pytest.mark.slow
def test_the_noise_of_mock_galaxies_is_found():
    """To half a hundredth, of 200, with all their neighbours and defects, and as it is correlated
    by the mock's resampling."""
    columns, _ = make_rows(MockSettings(seed=4), "training", range(200))
    sigmas, correlation = measure_sky(columns["image"])
    np.testing.assert_allclose(sigmas / [SKY_SIGMA[band] for band in BANDS], 1, atol=0.005)
    along = autocorrelation()[:3]
    np.testing.assert_allclose(correlation[0][REACH : REACH + 3], along, atol=0.01)


def test_noise_is_found_under_galaxies():
    noise = [0.041, 0.062, 0.076, 0.157, 0.328]  # what `galaxies.py` draws with
    flux = simple_galaxies(40, seed=3)["image"]
    found = [measure_sky_noise(flux[:, band]) for band in range(5)]
    assert [one.sigma for one in found] == pytest.approx(noise, rel=0.04)
    for one in found:
        np.testing.assert_allclose(one.correlation, WHITE, atol=0.05)
