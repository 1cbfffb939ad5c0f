"""The mock's noise: level, correlation, depth and photons."""

import galsim
import numpy as np
import pytest

from galddpm.data.survey import (
    BANDS,
    DEPTH,
    ELECTRONS_PER_COUNT,
    PIXEL_SCALE,
    SEEING,
    SKY_SIGMA,
    WING_BETA,
    ZERO_POINT,
)
from galddpm.mock.noise import add_noise, autocorrelation, power

SIGMA, GAIN = (
    np.array([numbers[b] for b in BANDS]) for numbers in (SKY_SIGMA, ELECTRONS_PER_COUNT)
)


def test_noise_has_the_declared_level_and_correlation():
    noise = add_noise(np.zeros((5, 600, 600), np.float32), np.random.default_rng(1))
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise.std(axis=(1, 2)), SIGMA, rtol=0.01)
    along = autocorrelation()
    for dy, dx in ((0, 1), (1, 0), (0, 2), (1, 1), (2, 1), (3, 0)):
        product = (noise * np.roll(noise, (dy, dx), (1, 2))).mean(axis=(1, 2)) / SIGMA**2
        np.testing.assert_allclose(product, along[dy] * along[dx], atol=0.015)


def test_the_correlation_is_that_of_resampling_at_all_shifts():
    """White noise resampled with GalSim's Lanczos-3 at random shifts, as exposures are."""
    rng, products = np.random.default_rng(0), []
    for _ in range(40):
        white = galsim.Image(rng.normal(size=(80, 80)))
        drawn = galsim.InterpolatedImage(
            white, x_interpolant=galsim.Lanczos(3, conserve_dc=False), scale=1.0, normalization="sb"
        )
        shifted = drawn.shift(*rng.uniform(-0.5, 0.5, 2)).drawImage(
            nx=60, ny=60, scale=1.0, method="sb"
        ).array  # fmt: skip
        products.append([(shifted[:, : -k or None] * shifted[:, k:]).mean() for k in range(4)])
    products = np.mean(products, axis=0)
    np.testing.assert_allclose(products / products[0], autocorrelation()[:4], atol=0.02)
    assert power(np.fft.fftfreq(64)).mean() == pytest.approx(1)


@pytest.mark.parametrize("band", BANDS)
def test_depth_is_the_published_one(band):
    """Five times the error of PSF photometry on independent pixels of variance sigma^2 / 1.12^2."""
    profile = galsim.Moffat(WING_BETA[band], fwhm=SEEING[band] / PIXEL_SCALE)
    psf = profile.drawImage(nx=255, ny=255, scale=1.0).array
    error = SKY_SIGMA[band] / 1.12 / np.sqrt(((psf / psf.sum()) ** 2).sum())
    assert ZERO_POINT - 2.5 * np.log10(5 * error) == pytest.approx(DEPTH[band], abs=0.03)


def test_photon_noise_follows_the_gain():
    light = np.full((5, 400, 400), 50.0, dtype=np.float32)
    noise = add_noise(light, np.random.default_rng(2)) - light
    np.testing.assert_allclose(noise.var(axis=(1, 2)), SIGMA**2 + 50 / GAIN, rtol=0.02)
