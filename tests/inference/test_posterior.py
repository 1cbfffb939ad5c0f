"""Redshifts of images, by a model whose likelihoods are known."""

import numpy as np
import pytest
from scipy.stats import norm

from galddpm.config.load import parse_config
from galddpm.data.redshift_density import redshift_density, redshift_quantiles
from galddpm.errors import UserError
from galddpm.evaluation.photoz.probabilities import normalised, probability_metrics, quantiles
from galddpm.inference import posterior
from galddpm.inference.generator import Generator
from galddpm.inference.posterior import LOWEST
from helpers.models import SCALING, Uniform

SIDE = 8
CONFIG = {
    "data": {"training": "a", "validation": "b", "testing": "c", "image_size": SIDE},
    "network": {"attention": []},
    "process": {"prediction": "light", "zero_terminal_snr": True},
    "training": {"images": 100},
    "sampling": {"ending": "light", "spacing": "karras", "sigma_max": 50.0},
}


@pytest.fixture(autouse=True)
def of_an_ideal_denoiser(monkeypatch):
    monkeypatch.setattr(posterior, "TEMPERATURE", 1.0)


def generator(redshift, **more):
    config = parse_config(CONFIG | {"data": CONFIG["data"] | {"bands": ["g", "r"]}} | more, "here")
    return Generator(config, SCALING, Uniform(), redshift_quantiles(redshift))


def drawn(count):
    """Redshifts, and images of them."""
    rng = np.random.default_rng(0)
    redshift = rng.gamma(3, 0.3, count) + 0.05
    pixels = rng.normal(np.log1p(redshift)[:, None, None, None], Uniform.spread, (count, 2, 8, 8))
    return redshift, SCALING.decode(pixels)


def test_redshifts_are_covered_as_often_as_is_said():
    redshift, flux = drawn(400)
    grid, density = generator(redshift).redshift_posterior(flux)
    found = probability_metrics(density, grid, redshift)
    for share in (0.5, 0.683, 0.954):
        assert found[f"covered_{share:g}"] == pytest.approx(share, abs=0.06)
    assert found["pit_ks"] < 1.36 / 400**0.5  # as even as it can be told to be in 95 % of cases


def test_densities_are_those_of_bayes_theorem():
    """The mean of 128 pixels of known noise, and the density of redshifts."""
    redshift, flux = drawn(50)
    made = generator(redshift)
    grid, density = made.redshift_posterior(flux)
    seen = SCALING.encode(flux).mean(axis=(1, 2, 3))[:, None]
    width = np.hypot(Uniform.spread, LOWEST * SCALING.sky_sigma) / 128**0.5
    exact = norm.pdf(seen, np.log1p(grid), width) * redshift_density(grid, made.redshifts)
    expected = quantiles(normalised(exact, grid), grid, np.array([0.16, 0.5, 0.84]))
    found = quantiles(density, grid, np.array([0.16, 0.5, 0.84]))
    assert np.abs(found - expected).max() < 0.25 * np.diff(expected[:, ::2]).mean()
    assert np.abs(found - expected).mean() < 0.05 * np.diff(expected[:, ::2]).mean()


def test_a_galaxy_does_not_depend_on_those_beside_it():
    redshift, flux = drawn(12)
    told = []
    _, whole = generator(redshift).redshift_posterior(flux, seed=3, advance=told.append)
    assert sum(told) == 12
    _, alone = generator(redshift).redshift_posterior(flux[7:8], seed=3, noise_id=[7])
    np.testing.assert_allclose(alone[0], whole[7], rtol=1e-4, atol=1e-6)
    _, other = generator(redshift).redshift_posterior(flux[7:8], seed=4, noise_id=[7])
    assert np.abs(other - alone).max() > 1e-3


@pytest.mark.parametrize(
    ("flux", "words"),
    [
        (np.zeros((2, 8, 8)), r"flux: found shape \(2, 8, 8\), expected \(n, 2, 8, 8\)"),
        (np.zeros((1, 2, 8, 9)), "flux: found shape"),
        (np.full((1, 2, 8, 8), np.nan), "flux: a pixel is not finite"),
    ],
)
def test_other_images_are_refused(flux, words):
    with pytest.raises(UserError, match=words):
        generator(np.array([0.1, 1.0])).redshift_posterior(flux)


def test_a_student_is_refused():
    made = generator(np.array([0.1, 1.0]), distillation={"teacher": "somewhere"})
    with pytest.raises(UserError, match="a student, expected the model that taught it"):
        made.redshift_posterior(np.zeros((1, 2, 8, 8)))
