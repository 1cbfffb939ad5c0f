"""The generator from Python: as strict as the shell."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch

from galddpm import build
from galddpm.config.load import parse_config
from galddpm.data.redshift_density import redshift_quantiles
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.light import band_limited
from galddpm.diffusion.samplers import ddim, ddpm
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from helpers.models import SCALING, awake

CONFIG = {
    "data": {
        "training": "a",
        "validation": "b",
        "testing": "c",
        "bands": ["g", "r"],
        "image_size": 8,
    },
    "process": {"prediction": "x_0"},
    "network": {
        "channels": [8],
        "bottleneck": 8,
        "blocks": 1,
        "attention": [],
        "heads": 1,
        "embedding": 8,
    },
    "training": {"images": 8, "learning_rate": 1e-3},
    "sampling": {"sampler": "ddim", "steps": 2, "precision": "fp32"},
}
QUANTILES = redshift_quantiles(np.linspace(0.0, 4.0, 1000))


@pytest.fixture(scope="module")
def generator():
    config = parse_config(CONFIG, "here")
    denoiser = awake(build.make_galaxy_model(config, SCALING, "cpu"))
    return Generator(config, SCALING, denoiser, QUANTILES, "runs/mine")


def test_a_number_is_one_galaxy(generator):
    one = generator.sample(0.5, seed=1)
    assert one.shape == (1, 2, 8, 8)
    np.testing.assert_array_equal(one, generator.sample([0.5, 0.7], seed=1)[:1])


def test_more_galaxies_than_are_worked_on_at_a_time(generator):
    z = np.linspace(0.1, 3.9, 19)
    many = generator.sample(z)
    assert many.shape == (19, 2, 8, 8)
    np.testing.assert_array_equal(many[17:], generator.sample(z[17:], noise_id=[17, 18]))


@pytest.mark.parametrize(
    ("redshift", "arguments", "message"),
    [
        ([], {}, "redshift: found none"),
        ([np.nan], {}, "redshift: found nan"),
        ([-0.5], {}, "redshift: found -0.5"),
        ([50], {}, "found 50, expected 0 to 8, .* from 0 to 4; .*extrapolate=True"),
        ([0.5], {"steps": 0}, "steps: found 0, expected a whole number from 1 to 1000"),
        ([0.5], {"steps": 1001}, "steps: found 1001"),
        ([0.5], {"steps": 2.0}, "steps: found 2.0"),
        ([0.5], {"steps": "two"}, "steps: found 'two'"),
        ([0.5], {"seed": -1}, "seed: found -1, expected a whole number from 0"),
        ([0.5], {"seed": 2**63}, "seed: found 9223372036854775808"),
        ([0.5], {"seed": 0.5}, "seed: found 0.5"),
        ([0.5], {"seed": None}, "seed: found None"),
        ([0.5], {"sampler": "euler"}, "sampler: found 'euler', expected one of ddpm, ddim"),
        ([0.5], {"sampler": ""}, "sampler: found ''"),
        ([0.5], {"noise_id": [1, 2]}, "noise_id: found shape"),
        ([0.5], {"noise_id": [-1]}, "noise_id: found -1"),
        ([0.5], {"noise_id": 3}, "noise_id: found shape"),
    ],
)
def test_impossible_arguments_are_refused(generator, redshift, arguments, message):
    with pytest.raises(UserError, match=message):
        generator.sample(redshift, **arguments)


def test_redshifts_outside_of_the_training_warn(generator):
    with pytest.warns(UserWarning, match="1 of 2 redshifts lie outside") as found:
        generator.sample([0.5, 4.5])
    assert found[0].filename == __file__
    with pytest.warns(UserWarning, match="by up to 46.000"):
        far = generator.sample([50], extrapolate=True)
    assert np.isfinite(far).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.sample([0.5])


def test_a_generator_says_what_it_is(generator):
    count = sum(p.numel() for p in generator.denoiser.parameters())
    assert repr(generator) == (
        "<Generator runs/mine: bands g, r, 8 x 8 pixels,"
        f" {count:,} parameters, trained from redshift 0.00 to 4.00, ddim in 2 steps,"
        " on cpu>"
    )


def test_light_loses_the_waves_beyond_the_limit():
    light = {"process": {"prediction": "light", "zero_terminal_snr": True}}
    limited, whole = (
        parse_config(
            CONFIG | light | {"sampling": {"steps": 3, "ending": "light"} | limit, "seed": 0},
            "here",
        )
        for limit in ({"band_limit": 0.2}, {})
    )
    denoiser = awake(build.make_galaxy_model(limited, SCALING, "cpu"))
    one, other = (
        Generator(config, SCALING, denoiser, QUANTILES, "mine") for config in (limited, whole)
    )
    solver, levels = build.make_sampler(limited, SCALING)
    solved = one.solve(solver, levels, np.array([0.5], dtype=np.float32), 1)
    expected = SCALING.decode(band_limited(solved, 0.2).numpy())
    found, bare = (
        maker.draw(np.array([0.5], dtype=np.float32), 1, [0], noise=0.0) for maker in (one, other)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(bare - found).max() > 1e-3


@pytest.mark.parametrize(
    ("setting", "sampler"),
    [
        ({"sampler": "ddpm", "variance": "beta"}, partial(ddpm, variance="beta")),
        ({"sampler": "ddim", "eta": 0.5}, partial(ddim, eta=0.5)),
    ],
)
def test_the_sampler_is_that_of_the_config(setting, sampler):
    drawn = {}
    for name, chosen in (("config", setting), ("default", {"sampler": setting["sampler"]})):
        config = parse_config(CONFIG | {"sampling": {"steps": 5} | chosen}, "here")
        made, levels = build.make_sampler(config, SCALING)
        for kind, one in ((name, made), ("by hand", sampler)):
            noises = GalaxyNoise(0, [0], (2, 8, 8))
            drawn[kind] = one(lambda x, level: 0.3 * x, noises(), levels, noises)
    assert torch.equal(drawn["config"], drawn["by hand"])
    assert not torch.equal(drawn["config"], drawn["default"])
