"""Noise added to light, against its closed form."""

from dataclasses import replace

import numpy as np
import pytest

from galddpm.inference.instrument import with_noise
from helpers.correlation import smoothed
from helpers.models import SCALING


def test_noise_is_that_of_sky_and_photons_with_the_skys_correlation():
    scaling = replace(SCALING, sky_correlation=smoothed(0.15))
    light = np.zeros((800, 2, 32, 32), np.float32)
    light[:, :, 16:] = 50.0
    normal = np.random.default_rng(0).standard_normal(light.shape).astype(np.float32)
    noise = with_noise(light, normal, scaling) - light
    for band in range(2):
        sky, photons = scaling.sky[band], scaling.photon_noise[band]
        assert noise[:, band, :16].std() == pytest.approx(sky, rel=0.01)
        assert noise[:, band, 16:].std() == pytest.approx(
            np.hypot(sky, (50 * photons) ** 0.5), rel=0.01
        )
        rows = noise[:, band, :16]
        along = (rows[:, :, 1:] * rows[:, :, :-1]).mean() / rows.var()
        assert along == pytest.approx(2 * 0.15 / (1 + 2 * 0.15**2), abs=0.01)
        assert abs(rows.mean()) < 3e-4


def test_light_below_zero_has_the_noise_of_the_sky():
    light = np.full((100, 2, 16, 16), -1.0, np.float32)
    normal = np.random.default_rng(0).standard_normal(light.shape).astype(np.float32)
    dark = with_noise(0 * light, normal, SCALING)
    np.testing.assert_allclose(with_noise(light, normal, SCALING) - light, dark, atol=1e-6)
