"""Galaxies of magnitudes and a size that are asked for, from any model that draws light.

A solver goes by the light that is expected at each noise level. Here the galaxy in the middle of it
is first enlarged, and made brighter, to what is asked, and the solver goes on from there: what is
still to come goes with that galaxy. Nothing has to be learned for it. The further the noise has
fallen, the less is left to change, about a hundredth in the end. (Choi et al. 2021,
arXiv:2108.02938, hold low frequencies of the estimate to a given image in this way.)
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from galddpm.data.scaling import Scaling
from galddpm.data.survey import ZERO_POINT
from galddpm.diffusion.light import SkyNoise, image_of, light_at
from galddpm.diffusion.process import column, for_batch
from galddpm.diffusion.samplers import Denoise
from galddpm.diffusion.schedule import Level
from galddpm.inference.central_galaxy import (
    GrowthCurve,
    central_part,
    dark_level,
    zoomed,
)

SIZE_BAND = "i"  # whose half-light radius may be asked
MAGNITUDES = (10.0, 30.0)  # that may be asked
LEAST_RADIUS = 1.0  # [pix]; a PSF leaves none below 2 or so
FAINT = 0.25  # [sky sigma] of light that any pixel may have
SHAPING = 5.0  # [sky sigma] of noise down to which sizes change; after that it would be the PSF's
ZOOM, GAIN = 2.0, 100.0  # most at one level
SAMPLER = "dpmpp_2m"
LEVELS = 24  # at least: each brings sizes nearer, to 5 %, and 16 to 7 %


def steerable(bands: Sequence[str], size: int) -> dict[str, tuple[float, float]]:
    """Columns that can be asked for, and their least and greatest values: total magnitude in each
    band, half-light radius in i [pixel]."""
    columns = {f"{band}_cmodel_mag": MAGNITUDES for band in bands}
    if SIZE_BAND in bands:
        columns[f"{SIZE_BAND}_half_light_radius"] = (LEAST_RADIUS, size / 2)
    return columns


def steered(
    denoise: Denoise, asked: Tensor, scaling: Scaling, bands: Sequence[str], noise: SkyNoise
) -> Denoise:
    """A denoiser whose galaxies come to have what is asked.

    asked: (B, K), values of the columns of `steerable`, NaN where nothing is asked. A galaxy of
    which nothing is asked is that of `denoise`, to the bit. noise: that the images have of their
    own.
    """
    free = asked.isnan().all(dim=1)[:, None, None, None]

    def denoise_steered(x: Tensor, level: Level) -> Tensor:
        x_0 = denoise(x, level)
        light = light_at(lambda *_: x_0, x, level, noise)
        shaping = level[1] > SHAPING * noise.sigma * level[0]
        more = as_asked(light, asked, scaling, bands, shaping) - light
        alpha, sigma = (column(value, x) for value in for_batch(level, x))
        # an image's estimate is linear in that of its light: what this adds, with its noise's share
        image = image_of(more, torch.zeros_like(x), alpha, sigma, noise, noise.share(light))
        return torch.where(free, x_0, x_0 + image)

    return denoise_steered


def as_asked(
    light: Tensor, asked: Tensor, scaling: Scaling, bands: Sequence[str], shaping: bool = True
) -> Tensor:
    """Light (B, C, H, W), in the model's units, whose galaxies have what is asked (B, K).

    Where a magnitude is asked in some bands, the others change as these do on average. shaping:
    whether sizes may change.
    """
    flux, radius, band = _as_flux(asked, bands)
    sky = scaling.sky_at(light.device)
    counts = scaling.counts(light)
    dark = dark_level(counts, sky)
    galaxy = central_part(counts - dark, FAINT * sky)
    curve, sized = GrowthCurve(galaxy), ~radius.isnan() & shaping
    if radius.isnan().any():  # it takes rounds to find
        radius = torch.where(radius.isnan(), curve.own_radius(band), radius)
    zoom = (radius / curve.half_light_radius(band, radius)).clamp(1 / ZOOM, ZOOM)
    zoom = torch.where(sized, zoom, 1.0)
    # enlarged by its logarithm, so that a bright core has no dark ring
    shaped = sky * torch.sinh(zoomed(torch.asinh(galaxy / sky), zoom))
    gain = _gain(flux, GrowthCurve(shaped).total(radius), zoom)
    return scaling.pixels(counts - galaxy + gain[:, :, None, None] * shaped)


def _as_flux(asked: Tensor, bands: Sequence[str]) -> tuple[Tensor, Tensor, int]:
    """Flux (B, C) [count] and half-light radius (B,) [pixel] that are asked, and the radius' band;
    without that band no radius is asked."""
    flux = 10 ** (-0.4 * (asked[:, : len(bands)] - ZERO_POINT))
    if SIZE_BAND in bands:
        return flux, asked[:, len(bands)], bands.index(SIZE_BAND)
    return flux, asked.new_full(asked.shape[:1], math.nan), 0


def _gain(flux: Tensor, found: Tensor, zoom: Tensor) -> Tensor:
    """Factors (B, C) that give galaxies the flux that is asked, (B, C); where none is, what all
    light had before the zoom (B,)."""
    gain = (flux / found.clamp(min=1e-9)).clamp(1 / GAIN, GAIN)
    kept = zoom[:, None] ** -2
    others = gain.log().nanmean(dim=1, keepdim=True).exp()
    gain = torch.where(gain.isnan(), others, gain)
    return torch.where(gain.isnan(), kept, gain)
