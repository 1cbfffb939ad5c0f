"""The galaxy in the middle, against profiles whose light is known."""

import math

import numpy as np
import pytest
import torch
from scipy.special import gammainc, gammaincinv
from torch import Tensor

from galddpm.inference.central_galaxy import GrowthCurve, central_part, dark_level, zoomed

SIZE = 64


def distance(x: float = 0.0, y: float = 0.0, size: int = SIZE) -> Tensor:
    """From a place that lies at (x, y) from the pixel in the middle."""
    rows, columns = torch.meshgrid(2 * (torch.arange(size) - float(size // 2),), indexing="ij")
    return torch.hypot(columns - x, rows - y)


def gaussian(sigma: float, x: float = 0.0, y: float = 0.0, size: int = SIZE) -> Tensor:
    """(1, 1, H, W) of all light 1."""
    profile = torch.exp(-0.5 * (distance(x, y, size) / sigma) ** 2) / (2 * math.pi * sigma**2)
    return profile[None, None]


def sersic(n: float, radius: float) -> Tensor:
    """(1, 1, H, W) of all light 1, its pixels integrated from rings of many points."""
    fine = 8
    steps = (np.arange(SIZE * fine) + 0.5) / fine - 0.5 - SIZE // 2
    b = gammaincinv(2 * n, 0.5)
    profile = np.exp(-b * (np.hypot(steps[:, None], steps) / radius) ** (1 / n))
    pixels = profile.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))
    total = 2 * np.pi * n * radius**2 * b ** (-2 * n) * math.gamma(2 * n)
    return torch.from_numpy(pixels / total).float()[None, None]


@pytest.mark.parametrize("radius", [2.5, 4.0, 8.0, 14.0])
def test_the_profile_that_the_aperture_is_made_for(radius):
    curve = GrowthCurve(sersic(1.5, radius))
    known = torch.tensor([radius])
    assert curve.total(known).item() == pytest.approx(1, abs=0.02)
    # half of what is within three radii, which is less than half of all
    inside = gammainc(3, gammaincinv(3, 0.5) * 3 ** (2 / 3))
    expected = radius * (gammaincinv(3, inside / 2) / gammaincinv(3, 0.5)) ** 1.5
    assert curve.half_light_radius(0, known).item() == pytest.approx(expected, rel=0.03)


def test_a_radius_finds_its_own_aperture():
    sigma = 3.0
    radius = GrowthCurve(gaussian(sigma)).own_radius(0).item()
    assert radius == pytest.approx(sigma * math.sqrt(2 * math.log(2)), rel=0.02)


def test_a_neighbour_is_not_the_galaxys():
    alone, both = gaussian(3.0), gaussian(3.0) + 5 * gaussian(3.0, 18, -9)
    galaxy = central_part(both, torch.tensor([[[1e-6]]]))
    radius = torch.tensor([3.5])
    assert GrowthCurve(galaxy).total(radius).item() == pytest.approx(
        GrowthCurve(alone).total(radius).item(), rel=0.01
    )
    assert GrowthCurve(both).total(radius).item() > 1.05


def test_faint_light_is_not_cut_to_one_side():
    noise = 0.1 * torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    kept = central_part(noise, torch.tensor([[[1.0]]]))
    assert torch.equal(kept, noise)


def test_the_dark_level_is_what_the_sky_left():
    light = torch.cat([gaussian(2.0) + 0.3, gaussian(40.0) * 1e4], dim=1)
    level = dark_level(light, torch.tensor([[[1.0]], [[0.5]]]))
    assert level[0, 0].item() == pytest.approx(0.3, abs=1e-4)
    assert level[0, 1].item() == pytest.approx(0.35)  # the galaxy itself, where it fills the stamp


@pytest.mark.parametrize("size", [63, 64])
def test_a_galaxy_is_its_own_opposite(size):
    """On stamps of an odd side too, whose middle is a pixel."""
    alone = gaussian(1.6, size=size)
    kept = central_part(alone, torch.tensor([[[1e-9]]]))
    torch.testing.assert_close(kept, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [63, 64])
@pytest.mark.parametrize("factor", [0.7, 1.0, 1.6])
def test_a_gaussian_enlarged_is_a_gaussian(factor, size):
    found = zoomed(gaussian(4.0, size=size), torch.tensor([factor]))
    expected = factor**2 * gaussian(4.0 * factor, size=size)  # as bright as before at each place
    torch.testing.assert_close(found, expected, atol=0.01 * expected.max().item(), rtol=0)
