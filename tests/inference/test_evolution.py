"""A galaxy at another redshift, by a model whose flow is known."""

import dataclasses

import numpy as np
import pytest

from galddpm.config.load import parse_config
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from helpers.models import SCALING, Uniform

LINEAR = dataclasses.replace(SCALING, name="min_max", photon_noise=(0.0, 0.0))
CONFIG = {
    "data": {"training": "a", "validation": "b", "testing": "c", "image_size": 8},
    "network": {"attention": []},
    "process": {"prediction": "light", "zero_terminal_snr": True},
    "training": {"images": 100},
    "sampling": {"ending": "light", "spacing": "karras", "sigma_max": 50.0},
}
LOG, STD = np.log1p([0.3, 0.9, 2.0]), np.array(LINEAR.std)[:, None, None]


def generator(**more):
    data = CONFIG["data"] | {"bands": ["g", "r"]}
    config = parse_config(CONFIG | {"data": data} | more, "here")
    return Generator(config, LINEAR, Uniform(), [0.1, 3.0])


def galaxies():
    """Two of redshift 0.3."""
    pixels = np.random.default_rng(0).normal(LOG[0], Uniform.spread, (2, 2, 8, 8))
    return LINEAR.decode(pixels), [0.3, 0.3]


def test_a_galaxy_changes_by_what_redshift_alone_changes():
    """Of normal pixels the flow of a noise moves with their mean, but for what is left at 50; the
    instrument's noise is the same at each redshift."""
    last = 1.5 * LINEAR.sky_sigma
    hidden = 1 - np.sqrt((Uniform.spread**2 + last**2) / (Uniform.spread**2 + 50.0**2))
    light = generator().evolve(*galaxies(), np.expm1(LOG))
    assert light.shape == (2, 3, 2, 8, 8)
    for frame in (1, 2):
        moved = light[:, frame] - light[:, 0]
        expected = np.broadcast_to(hidden * STD * (LOG[frame] - LOG[0]), moved.shape)
        np.testing.assert_allclose(moved, expected, atol=2e-3)


def test_at_its_own_redshift_it_is_what_it_was():
    """Up to the noise that it got before, and the little that is light in that."""
    flux, redshift = galaxies()
    light = generator().evolve(flux, redshift, redshift[:1], noise=False)[:, 0]
    off = (light - flux) / STD / LINEAR.sky_sigma
    assert 0.5 < off.std() < 2
    assert abs(off.mean()) < 4 / off.size**0.5 * off.std()
    assert np.corrcoef(light.ravel(), flux.ravel())[0, 1] > 0.97


def test_noise_is_added_as_to_a_sample():
    light = generator().evolve(*galaxies(), [0.5], noise=False)
    seen = generator().evolve(*galaxies(), [0.5])
    sky = np.array(LINEAR.sky)[:, None, None]
    assert ((seen - light) / sky).std() == pytest.approx(1, abs=0.15)


def test_a_seed_chooses_the_noise():
    first, again, other = (generator().evolve(*galaxies(), [0.5], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_mistakes_are_refused():
    flux, redshift = galaxies()
    for arguments, words in (
        ((flux, redshift[:1], [0.5]), "redshift: found 1, expected one a galaxy, 2"),
        ((flux[0], redshift, [0.5]), "flux: found shape"),
        ((flux, redshift, [-1.0]), "-1"),
        ((flux, redshift, [50.0]), "redshifts: found 50"),
    ):
        with pytest.raises(UserError, match=words):
            generator().evolve(*arguments)
    drawing = {"sampling": {"ending": "image"}, "process": {"prediction": "eps"}}
    for more in (drawing, {"distillation": {"teacher": "somewhere"}}):
        with pytest.raises(UserError, match="expected one with sampling.ending light"):
            generator(**more).evolve(flux, redshift, [0.5])
