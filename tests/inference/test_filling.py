"""Pixels that were not seen, drawn to go with those that were."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from galddpm import build
from galddpm.config.load import parse_config
from galddpm.diffusion.light import image_of
from galddpm.diffusion.process import column, for_batch
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from helpers.models import SCALING

LINEAR = dataclasses.replace(SCALING, name="min_max", photon_noise=(0.0, 0.0))
SPREAD = 1.5  # of a galaxy's brightness
STD, MEAN = (np.array(v)[:, None, None] for v in (LINEAR.std, LINEAR.mean))
CONFIG = {
    "data": {
        "training": "a",
        "validation": "b",
        "testing": "c",
        "image_size": 16,
        "bands": ["g", "r"],
    },
    "network": {"attention": []},
    "process": {"prediction": "light", "zero_terminal_snr": True},
    "training": {"images": 100},
    "sampling": {"ending": "light", "spacing": "karras", "sigma_max": 50.0},
}


class Even(nn.Module):
    """An ideal denoiser of galaxies that are even: one brightness, normal, in all pixels."""

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(()))
        self.noise = build.make_sky_noise(LINEAR)

    def forward(self, x, level, redshift):
        alpha, sigma = (column(values, x) for values in for_batch(level, x))
        variance = sigma**2 + (alpha * LINEAR.sky_sigma) ** 2  # of a pixel of x
        mean, prior = x.mean(dim=(1, 2, 3), keepdim=True), variance / (x[0].numel() * SPREAD**2)
        light = (alpha * mean / (alpha**2 + prior)).expand_as(x)
        return image_of(light, x, alpha, sigma, self.noise)


@pytest.fixture(scope="module")
def generator():
    return Generator(parse_config(CONFIG, "here"), LINEAR, Even(), [0.1, 3.0])


def galaxies(brightness):
    pixels = np.broadcast_to(np.reshape(brightness, (-1, 1, 1, 1)), (len(brightness), 2, 16, 16))
    noise = LINEAR.sky_sigma * np.random.default_rng(0).normal(size=pixels.shape)
    return LINEAR.decode(pixels + noise).astype(np.float32)


def hidden_half():
    gaps = np.zeros((3, 16, 16), bool)
    gaps[:, :, 8:] = True
    return gaps


def test_hidden_pixels_are_as_bright_as_those_that_were_seen(generator):
    brightness = [-2.0, 0.5, 3.0]
    flux, gaps = galaxies(brightness), hidden_half()
    flux[:, :, :, 8:] = np.nan
    light = generator.fill(flux, gaps, [0.5, 0.5, 0.5], noise=False)
    drawn = ((light - MEAN) / STD)[..., 8:].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(drawn, brightness, atol=0.1 * SPREAD)


def test_what_was_seen_stays_and_noise_is_the_instruments(generator):
    flux, gaps = galaxies([-2.0, 0.5, 3.0]), hidden_half()
    filled = generator.fill(flux, gaps, [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(filled[..., :8], flux[..., :8])
    noise = ((filled - generator.fill(flux, gaps, 3 * [0.5], noise=False)) / STD)[..., 8:]
    sky = np.array(LINEAR.sky)[:, None, None]
    assert (noise * STD / sky).std() == pytest.approx(1, abs=0.06)
    other = generator.fill(flux, gaps, 3 * [0.5], seed=1)
    assert (other[..., 8:] != filled[..., 8:]).all()
    np.testing.assert_array_equal(filled, generator.fill(flux, gaps, 3 * [0.5]))


def test_a_galaxy_is_the_same_alone_and_more_may_be_filled_than_at_once(generator):
    flux, told = galaxies(np.linspace(-2, 3, 9)), []
    gaps = np.repeat(hidden_half()[:1], 9, axis=0)
    nine = generator.fill(flux, gaps, 9 * [0.5], advance=told.append)
    assert told == [8, 1]
    np.testing.assert_allclose(generator.fill(flux[:1], gaps[:1], [0.5]), nine[:1], rtol=1e-5)


def test_a_band_alone_can_be_hidden(generator):
    flux = galaxies([-2.0, 0.5, 3.0])
    gaps = np.zeros(flux.shape, bool)
    gaps[:, 1] = True
    light = generator.fill(flux, gaps, 3 * [0.5], noise=False)
    np.testing.assert_array_equal(light[:, 0], flux[:, 0])
    drawn = ((light - MEAN) / STD)[:, 1].mean(axis=(1, 2))
    np.testing.assert_allclose(drawn, [-2.0, 0.5, 3.0], atol=0.1 * SPREAD)


def test_light_under_noise_is_the_best_estimate_of_it(generator):
    """Of one value seen in so many pixels: its mean, shrunk by what is known beforehand."""
    flux, sigma = galaxies([-2.0, 0.5, 3.0]), 20.0
    extra = np.sqrt(sigma**2 - 1) * np.random.default_rng(1).normal(size=flux.shape)
    noisy = flux + np.array(LINEAR.sky)[:, None, None] * extra
    light = (generator.denoise(noisy, sigma, 3 * [0.5]) - MEAN) / STD
    seen = LINEAR.encode(noisy).mean(axis=(1, 2, 3))
    noise = (sigma * LINEAR.sky_sigma) ** 2 / flux[0].size
    expected = seen * SPREAD**2 / (SPREAD**2 + noise)
    assert 0.001 < noise / SPREAD**2 < 0.1  # some is shrunk
    np.testing.assert_allclose(
        light, np.broadcast_to(expected[:, None, None, None], light.shape), atol=2e-3
    )


def test_noise_that_the_stretch_would_bend_is_not_taken_away():
    bent = dataclasses.replace(SCALING, softening=tuple(20 * sky for sky in SCALING.sky))
    generator = Generator(parse_config(CONFIG, "here"), bent, Even(), [0.1, 3.0])
    flux = galaxies([0.5])
    assert generator.denoise(flux, 10.0, [0.5]).shape == flux.shape
    with pytest.raises(UserError, match="sigma: found 10.1, expected 1.5 to 10, in units"):
        generator.denoise(flux, 10.1, [0.5])


@pytest.mark.parametrize(
    ("sigma", "message"),
    [(1.0, "sigma: found 1, expected 1.5 to 10000"), (np.nan, "sigma: found nan, expected")],
)
def test_what_cannot_be_denoised(generator, sigma, message):
    with pytest.raises(UserError, match=message):
        generator.denoise(galaxies([0.0]), sigma, [0.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": np.zeros((3, 8, 8), bool)}, "hidden: found bool of shape"),
        ({"hidden": np.zeros((3, 16, 16))}, "hidden: found float64 of shape"),
        ({"redshift": [0.5]}, "redshift: found 1, expected one a galaxy, 3"),
        ({"flux": np.full((3, 2, 16, 16), np.nan)}, "flux: a pixel is not finite"),
        ({"flux": np.zeros((3, 5, 16, 16))}, "hidden: found bool of shape|flux: found shape"),
    ],
)
def test_what_cannot_be_filled(generator, change, message):
    asked = {"flux": galaxies([0, 0, 0]), "hidden": hidden_half(), "redshift": 3 * [0.5]} | change
    with pytest.raises(UserError, match=message):
        generator.fill(**asked)
