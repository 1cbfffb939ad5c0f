"""Magnitudes and sizes that are asked for."""

import math

import numpy as np
import pytest
import torch

import galddpm
from galddpm import build
from galddpm.inference.central_galaxy import GrowthCurve, central_part
from galddpm.inference.steering import as_asked, steerable, steered

NAN = math.nan
BANDS = ("g", "r", "i", "z", "y")


@pytest.fixture(scope="module")
def shipped():
    return galddpm.load("mock", device="cpu")


def galaxies(count: int, neighbour: float = 0.0) -> torch.Tensor:
    """Light (count, 5, 64, 64) [count]: a Gaussian of 100 counts, 3 pixels, and a neighbour."""
    rows, columns = torch.meshgrid(2 * (torch.arange(64) - 32,), indexing="ij")
    light = 100 * torch.exp(-0.5 * (rows**2 + columns**2) / 9) / (18 * math.pi)
    light = light + neighbour * torch.exp(-0.5 * ((rows - 20) ** 2 + columns**2) / 9)
    return light.expand(count, 5, 64, 64).clone()


def measured(counts: torch.Tensor, radius: list[float]) -> tuple[list, list]:
    """Magnitudes (n, 5) and half-light radii (n,) in i."""
    curve, known = GrowthCurve(counts), torch.tensor(radius)
    return (27 - 2.5 * curve.total(known).log10()).tolist(), curve.half_light_radius(
        2, known
    ).tolist()


def test_what_can_be_asked():
    columns = steerable(BANDS, 64)
    assert list(columns) == [*(f"{band}_cmodel_mag" for band in BANDS), "i_half_light_radius"]
    assert columns["i_half_light_radius"] == (1.0, 32.0)
    assert list(steerable(("g", "r"), 64)) == ["g_cmodel_mag", "r_cmodel_mag"]


def test_light_is_given_what_is_asked(shipped):
    asked = torch.tensor(
        [
            [NAN, NAN, 21.0, NAN, NAN, 4.5],  # i and its size, the other bands with it
            [24.0, 23.0, NAN, 20.0, NAN, NAN],  # three bands, i and y by their mean
            [NAN, NAN, NAN, NAN, NAN, 2.8],  # another size, the same light
        ]
    )
    light = galaxies(3, neighbour=10.0)
    pixels = as_asked(shipped.scaling.pixels(light), asked, shipped.scaling, BANDS)
    magnitude, _ = measured(light, 3 * [3.5])
    before = magnitude[0][0]
    magnitude, radius = measured(shipped.scaling.counts(pixels), [4.5, 3.5, 2.8])
    np.testing.assert_allclose(magnitude[0], 5 * [21.0], atol=0.04)
    gained = before - np.array([24.0, 23.0, NAN, 20.0, NAN])
    np.testing.assert_allclose(
        magnitude[1], before - np.where(np.isnan(gained), np.nanmean(gained), gained), atol=0.03
    )
    np.testing.assert_allclose(magnitude[2], 5 * [before], atol=0.06)
    np.testing.assert_allclose(radius, [4.5, radius[1], 2.8], rtol=0.03)
    neighbour = shipped.scaling.counts(pixels)[:, :, 50:55, 30:35] / light[:, :, 50:55, 30:35]
    np.testing.assert_allclose(neighbour.numpy(), 1, atol=0.03)


def test_a_magnitude_alone_leaves_the_size(shipped):
    """However often: of a galaxy too, whose own radius takes long to find."""
    rows, columns = torch.meshgrid(2 * (torch.arange(64) - 32,), indexing="ij")
    wide = 1e5 * torch.exp(-7.67 * (torch.sqrt(rows**2.0 + columns**2) / 14) ** 0.25)
    light = wide.expand(1, 5, 64, 64)
    pixels = shipped.scaling.pixels(light)
    asked = torch.tensor([[NAN, NAN, 17.0, NAN, NAN, NAN]])
    for _ in range(12):
        pixels = as_asked(pixels, asked, shipped.scaling, BANDS)
    ratio = (shipped.scaling.counts(pixels) / light)[0, 2, 24:40, 24:40]
    torch.testing.assert_close(ratio, torch.full_like(ratio, ratio[0, 0].item()), rtol=0.02, atol=0)


def test_sizes_keep_once_the_noise_is_low(shipped):
    asked = torch.tensor([[NAN, NAN, 21.0, NAN, NAN, 8.0]])
    pixels = shipped.scaling.pixels(galaxies(1))
    kept = shipped.scaling.counts(as_asked(pixels, asked, shipped.scaling, BANDS, shaping=False))
    ratio = kept[0, :, 30:34, 30:34] / galaxies(1)[0, :, 30:34, 30:34]
    torch.testing.assert_close(ratio, torch.full_like(ratio, ratio[0, 0, 0].item()))


def test_of_whom_nothing_is_asked_nothing_changes(shipped):
    scaling = shipped.scaling
    noise = build.make_sky_noise(scaling)
    x = torch.randn(2, 5, 64, 64, generator=torch.Generator().manual_seed(1))
    asked = torch.tensor([6 * [NAN], [NAN, NAN, 20.0, NAN, NAN, NAN]])
    found = steered(lambda x, level: 0.5 * x, asked, scaling, BANDS, noise)(x, (0.6, 0.8))
    assert torch.equal(found[0], 0.5 * x[0])
    assert (found[1] - 0.5 * x[1]).abs().max() > 0.1


def test_steered_galaxies_take_more_levels_unless_told_otherwise(shipped):
    assert shipped.solver_for({}) == (None, None)
    assert shipped.solver_for({"i_half_light_radius"}) == ("dpmpp_2m", 24)
    assert shipped.solver_for({"i_cmodel_mag"}, "heun", 5) == ("heun", 5)


def test_galaxies_of_the_shipped_model_are_as_asked(shipped):
    magnitude, radius = [19.0, 21.5, 23.0, 21.0], [6.0, 3.5, 2.8, 4.0]
    conditions = {"i_cmodel_mag": magnitude, "i_half_light_radius": radius}
    light = torch.from_numpy(
        shipped.sample([0.2, 0.5, 0.8, 1.0], seed=1, noise=False, conditions=conditions)
    )
    sky = torch.tensor(shipped.scaling.sky)[:, None, None]
    galaxy = central_part(light, 0.25 * sky)
    found, sizes = measured(galaxy, radius)
    np.testing.assert_allclose(np.array(found)[:, 2], magnitude, atol=0.06)
    np.testing.assert_allclose(sizes, radius, rtol=0.1)
