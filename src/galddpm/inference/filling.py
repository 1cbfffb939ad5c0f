"""Pixels that a survey did not see, drawn to go with those that it saw.

The reverse process is that of sampling, by ancestral steps (Ho et al. 2020, algorithm 1), but where
a pixel was seen, the estimate of the image is what was seen (Lugmayr et al. 2022, arXiv:2201.09865,
without its repetitions). Each seed gives other pixels that were possible.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from galddpm import build
from galddpm.arrays import Bools, Floats, Ints
from galddpm.devices import full_fp32
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.light import light_at
from galddpm.diffusion.samplers import Noise, ddpm
from galddpm.diffusion.schedule import Level

if TYPE_CHECKING:  # which offers what is here as its own
    from galddpm.inference.given_images import GivenImages

FILLING = 4  # use of a galaxy's random numbers
STEPS = 60  # evaluations: at each the drawn pixels come to terms with those that were seen


@torch.inference_mode()
def denoised_light(
    generator: "GivenImages", flux: Floats, sigma: float, redshift: Floats
) -> Tensor:
    """Light (n, C, H, W), in the model's units, that is expected under images (n, C, H, W) [count]
    whose noise is `sigma` times the survey's, white beyond that: E[L | x] of notebooks/light.ipynb.
    """
    scaling, device, together = generator.scaling, generator.device, generator.together
    ratio = scaling.sky_sigma * math.sqrt(sigma**2 - 1)
    level = 1 / math.hypot(1, ratio), ratio / math.hypot(1, ratio)
    x = level[0] * torch.from_numpy(scaling.encode(flux)).to(device)
    z, known = torch.from_numpy(redshift).to(device, torch.float32), build.make_sky_noise(scaling)
    with full_fp32():
        pieces = [
            light_at(generator.denoise_at(some_z), some_x, level, known)
            for some_x, some_z in zip(x.split(together), z.split(together), strict=True)
        ]
    return torch.cat(pieces).float().cpu()


@torch.inference_mode()
def filled_light(
    generator: "GivenImages",
    flux: Floats,
    hidden: Bools,
    redshift: Floats,
    seed: int,
    noise_id: Ints,
    advance: Callable[[int], object],
) -> Tensor:
    """Light (n, C, H, W), in the model's units, of images (n, C, H, W) [count] of redshifts (n,):
    estimated where a pixel was seen, drawn where it was hidden (n, C, H, W)."""
    scaling, device = generator.scaling, generator.device
    levels = build.make_levels(generator.config, scaling, STEPS)
    y = torch.from_numpy(scaling.encode(np.where(hidden, 0, flux))).to(device)
    z = torch.from_numpy(redshift).to(device, torch.float32)
    gaps, pieces = torch.tensor(hidden, device=device), []
    with full_fp32():
        for start in range(0, len(y), generator.together):
            some = slice(start, start + generator.together)
            noise = GalaxyNoise(seed, list(noise_id[some]), y.shape[1:], device, use=FILLING)
            pieces.append(_filled(generator, y[some], gaps[some], z[some], levels, noise))
            advance(len(pieces[-1]))
    return torch.cat(pieces).float().cpu()


def _filled(
    generator: "GivenImages", y: Tensor, gaps: Tensor, z: Tensor, levels: list[Level], noise: Noise
) -> Tensor:
    """The same for some images y in the model's units."""
    (alpha, sigma), known = levels[0], build.make_sky_noise(generator.scaling)
    x = noise() * math.hypot(alpha * generator.scaling.sigma_data, sigma)
    *noisy, _ = levels
    denoise = generator.denoise_at(z)

    def denoise_hidden(x: Tensor, level: Level) -> Tensor:
        return torch.where(gaps, denoise(x, level), y)

    return light_at(denoise, ddpm(denoise_hidden, x, noisy, noise), noisy[-1], known)
