"""The noise of the light itself, against light of known gain."""

import numpy as np
import pytest

from galddpm.data.photon_noise import measure_photon_noise
from galddpm.mock.noise import correlated

SKY = 0.05


def stamps(count, photon_noise, width=9.0, brightest=300 * SKY, seed=0):
    """Round galaxies of a Gaussian profile [pix] under noise as a coadd has it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64] - 31.5
    light = np.exp(-(x**2 + y**2) / (2 * width**2)) * rng.uniform(0, brightest, (count, 1, 1))
    noise = correlated((count, 64, 64), rng) * np.sqrt(SKY**2 + photon_noise * light)
    return (light + noise).astype(np.float32)


@pytest.mark.parametrize("gain", [1000.0, 3000.0])
def test_the_gain_is_found(gain):
    found = measure_photon_noise(stamps(400, 1 / gain), SKY)
    assert found == pytest.approx(1 / gain, rel=0.1)


def test_light_without_noise_of_its_own_has_little():
    assert measure_photon_noise(stamps(400, 0.0), SKY) < 2e-5


def test_compact_light_is_not_taken_for_noise():
    """Points, whose core varies from pixel to pixel, among smooth galaxies."""
    flux = np.concatenate([stamps(400, 1e-3), stamps(400, 1e-3, width=1.5, seed=1)])
    assert measure_photon_noise(flux, SKY) == pytest.approx(1e-3, rel=0.1)


def test_padding_is_no_data():
    flux = stamps(400, 1e-3)
    flux[:200, :, 40:] = 0
    assert measure_photon_noise(flux, SKY) == pytest.approx(1e-3, rel=0.1)


def test_sky_alone_tells_nothing():
    assert measure_photon_noise(stamps(20, 0.0, brightest=0.0), SKY) == 0
