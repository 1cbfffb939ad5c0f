"""Pixel scaling: invertible, monotone, fitted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from galddpm.data.scaling import Scaling, fit_scaling
from helpers.galaxies import simple_galaxies

FLUX = simple_galaxies(64, seed=3, size=32)["image"]
EXTREMES = np.array([-25241.32, -1.0, -1e-3, 0.0, 1e-3, 1.0, 3647.63, 1e5], dtype=np.float32)
TOLERANCE = {"asinh": (1e-5, 1e-5), "min_max": (0, 0)}


@pytest.mark.parametrize("name", ["asinh", "min_max"])
def test_decoding_undoes_encoding(name):
    scaling = fit_scaling(name, FLUX)
    relative, softenings = TOLERANCE[name]
    absolute = softenings * max(scaling.softening)
    if name == "min_max":
        absolute = 1e-6 * 2 * scaling.std[0]
    back = scaling.decode(scaling.encode(FLUX))
    np.testing.assert_allclose(back, FLUX, rtol=relative, atol=absolute)
    if name != "min_max":  # the range of min_max is that of the sample
        wide = np.broadcast_to(EXTREMES[:, None, None, None], (8, 5, 1, 1))
        np.testing.assert_allclose(
            scaling.decode(scaling.encode(wide)), wide, rtol=relative, atol=absolute
        )


@pytest.mark.parametrize("name", ["asinh", "min_max"])
def test_order_is_kept(name):
    ramp = np.broadcast_to(EXTREMES[:, None, None, None], (8, 5, 1, 1))
    assert (np.diff(fit_scaling(name, FLUX).encode(ramp), axis=0) > 0).all()


def test_asinh_has_zero_mean_in_every_band_and_unit_variance_over_all():
    scaling = fit_scaling("asinh", FLUX, softening=2.0)
    pixels = scaling.encode(FLUX)
    np.testing.assert_allclose(pixels.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    assert pixels.var(axis=(0, 2, 3)).mean() == pytest.approx(1, abs=1e-4)
    assert scaling.sigma_data == 1.0


def sky(bands=(0.04, 0.3)):
    noise = np.asarray(bands)[:, None, None]
    return np.random.default_rng(0).normal(0, noise, (200, len(bands), 32, 32)).astype(np.float32)


def test_softening_is_counted_in_sky_noise():
    assert fit_scaling("asinh", sky(), softening=3.0).softening == pytest.approx(
        [0.12, 0.9], rel=0.02
    )


@pytest.mark.parametrize("softening", [1.0, 5.0, 20.0])
def test_encoded_sky_has_the_spread_that_the_scaling_says(softening):
    """Drawn anew with exactly the noise that was fitted, to the error of 400,000 numbers."""
    scaling = fit_scaling("asinh", sky((0.2, 0.2)), softening)
    noise = np.array(scaling.softening, dtype=np.float32)[:, None, None] / softening
    drawn = np.random.default_rng(1).standard_normal((200, 2, 32, 32), dtype=np.float32) * noise
    spread = scaling.encode(drawn).std(axis=(0, 2, 3), dtype=np.float64)
    assert spread == pytest.approx(2 * [scaling.sky_sigma], rel=0.004)


@pytest.mark.parametrize("name", ["asinh", "min_max"])
def test_sky_sigma_is_that_of_an_encoded_empty_sky(name):
    flux = sky((0.2, 0.2))
    scaling = fit_scaling(name, flux)
    assert scaling.encode(flux).std(dtype=np.float64) == pytest.approx(scaling.sky_sigma, rel=0.03)


def test_min_max_maps_the_sample_to_minus_one_and_one():
    pixels = fit_scaling("min_max", FLUX).encode(FLUX)
    assert [pixels.min(), pixels.max()] == pytest.approx([-1, 1], abs=1e-6)


def test_sigma_data_is_the_encoded_spread():
    scaling = fit_scaling("min_max", FLUX)
    assert scaling.encode(FLUX).std(dtype=np.float64) == pytest.approx(scaling.sigma_data, rel=1e-4)


def test_constants_survive_json():
    scaling = fit_scaling("asinh", FLUX)
    assert Scaling.from_dict(json.loads(json.dumps(scaling.to_dict()))) == scaling


@pytest.mark.parametrize("name", ["asinh", "min_max"])
def test_a_sample_without_spread_is_refused(name):
    with pytest.raises(ValueError, match=r"constant|equal"):
        fit_scaling(name, np.zeros((3, 2, 4, 4), dtype=np.float32))


@pytest.mark.parametrize("light", [0.0, 3.0, 1000.0])
def test_the_noise_on_light_has_the_spread_that_the_scaling_says(light):
    """Counts scatter by sky^2 + photons * light; to the error of 200,000 numbers, and of what the
    asinh bends of it."""
    scaling = fit_scaling("asinh", FLUX, softening=20.0)
    scaling = replace(scaling, photon_noise=(0.001, 0.002, 0.003, 0.004, 0.005))
    sky, photons = (
        np.array(values)[:, None, None] for values in (scaling.sky, scaling.photon_noise)
    )
    rng = np.random.default_rng(0)
    counts = rng.normal(light, np.sqrt(sky**2 + photons * light), (5, 450, 450))
    spread = scaling.encode(counts[None].astype(np.float32))[0].std(axis=(1, 2))
    flat = scaling.encode(np.full((1, 5, 1, 1), light, dtype=np.float32))
    said = scaling.sky_sigma_at(torch.from_numpy(flat))[0, :, 0, 0]
    np.testing.assert_allclose(spread, said, rtol=0.01)
