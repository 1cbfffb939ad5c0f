"""The galaxy in the middle of light without noise: its part of the light, its flux and its size.

Size and flux are those of a growth curve as catalogs have it: circles about the centre, out to
three half-light radii, which hold 92 % of a Sersic profile of index 1.5 (or what of them is on the
stamp). Of 120 mock galaxies the radius so found is .98 (.94 to 1.04) of what the catalog says, with
noise, and the flux .99 (.85 to 1.07) of all light.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from galddpm.arrays import Floats

APERTURE = 3.0  # [half-light radii]
SHAPE, SCALE = 3.0, 2.6741  # 2 n, and b_n, of the profile: half of its light is within one radius
OPPOSITE = 2.0  # times the light opposite to it is still the galaxy's; more is a neighbour's
MOST_DARK = 0.7  # [sky sigma] of level that can be left of a sky; more is light
DARK = 0.25  # of the pixels are darker than the sky is taken to be
ROUNDS = 5  # in which a radius and the aperture that goes with it are found


def dark_level(light: Tensor, sky: Tensor) -> Tensor:
    """What is left of the sky in light (B, C, H, W) of a sky's noise (C, 1, 1): (B, C, 1, 1)."""
    pixels = light.flatten(2)
    level = pixels.kthvalue(int(DARK * pixels.shape[2]), dim=2).values[:, :, None, None]
    most = MOST_DARK * sky
    return torch.minimum(torch.maximum(level, -most), most)


def above_sky(light: Floats, sky: Sequence[float]) -> Floats:
    """Light (n, C, H, W) [count] without its `dark_level`; sky: rms of the sky's noise (C,)."""
    if not len(light):
        return light
    pixels = torch.from_numpy(light)
    above: Floats = (pixels - dark_level(pixels, torch.tensor(sky)[:, None, None])).numpy()
    return above


def central_part(light: Tensor, faint: Tensor) -> Tensor:
    """The galaxy's part of light (B, C, H, W) without sky, in which neighbours are cut down to what
    lies opposite to them about the pixel in the middle. faint: (C, 1, 1), what may lie anywhere."""
    even = tuple(1 - side % 2 for side in light.shape[-2:])  # pixel n // 2 is beyond the middle
    opposite = light.flip(-2, -1).roll(even, (-2, -1))
    return torch.minimum(light, OPPOSITE * opposite.clamp(min=0) + faint)


class GrowthCurve:
    """Light of galaxies (B, C, H, W) within circles about the pixel in the middle."""

    def __init__(self, galaxy: Tensor):
        height, width = galaxy.shape[-2:]
        order = _outwards(height, width, galaxy.device)
        self.light = galaxy.flatten(2)[:, :, order].cumsum(dim=2)  # of so many pixels
        self.most = min(height, width) // 2 - 1.0  # [pixel] radius of a circle on the stamp

    def total(self, radius: Tensor) -> Tensor:
        """All light (B, C) of galaxies of half-light radii (B,) [pixel]."""
        inside, share = self._aperture(radius)
        return self._within(inside) / share[:, None]

    def half_light_radius(self, band: int, radius: Tensor) -> Tensor:
        """Radii (B,) [pixel] of circles that hold half of a band's light within the aperture that
        goes with `radius` (B,); of a galaxy without light some small number."""
        inside, share = self._aperture(radius)
        whole = _share(torch.full_like(radius, APERTURE)) / share  # with what is off the stamp
        curve, half = self.light[:, band], 0.5 * whole * self._within(inside)[:, band]
        half = half[:, None]
        place = (curve < half).sum(dim=1, keepdim=True).clamp(1, curve.shape[1] - 1)
        low, high = curve.gather(1, place - 1), curve.gather(1, place)
        part = ((half - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        return torch.sqrt((place + part)[:, 0] / torch.pi)

    def own_radius(self, band: int) -> Tensor:
        """Half-light radii (B,) [pixel], each in the aperture of its own."""
        radius = torch.full_like(self.light[:, 0, 0], self.most / 8)
        for _ in range(ROUNDS):
            radius = self.half_light_radius(band, radius)
        return radius

    def _aperture(self, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Its pixels and the share of all light in it, (B,), for half-light radii (B,)."""
        reach = (APERTURE * radius).clamp(1, self.most)
        return (torch.pi * reach**2).long(), _share(reach / radius)

    def _within(self, pixels: Tensor) -> Tensor:
        """Light (B, C) of so many pixels (B,)."""
        return self.light.take_along_dim(pixels[:, None, None] - 1, dim=2)[..., 0]


def zoomed(image: Tensor, factor: Tensor) -> Tensor:
    """Images (B, C, H, W) enlarged by factors (B,) about the pixel in the middle."""
    height, width = image.shape[-2:]
    inverse = 1 / factor
    grid = image.new_zeros(len(image), 2, 3)
    grid[:, 0, 0] = grid[:, 1, 1] = inverse
    grid[:, 0, 2] = (1 - inverse) * (1 - width % 2) / width
    grid[:, 1, 2] = (1 - inverse) * (1 - height % 2) / height
    places = nn.functional.affine_grid(grid, list(image.shape), align_corners=False)
    return nn.functional.grid_sample(image, places, mode="bicubic", align_corners=False)


@lru_cache
def _outwards(height: int, width: int, device: torch.device) -> Tensor:
    rows, columns = torch.arange(height) - height // 2, torch.arange(width) - width // 2
    return (rows[:, None] ** 2 + columns**2).flatten().argsort(stable=True).to(device)


def _share(radii: Tensor) -> Tensor:
    """Of the light of the Sersic profile, within so many half-light radii."""
    share: Tensor = torch.special.gammainc(
        torch.full_like(radii, SHAPE), SCALE * radii ** (2 / SHAPE)
    )
    return share
