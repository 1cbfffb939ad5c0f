"""A given galaxy at other redshifts: the noise that it is made of is found, and solved again.

A deterministic sampler takes each noise to one galaxy, and walks back from a galaxy to its noise
(Song et al. 2020, arXiv:2010.02502, section 4.3). Heun's steps do so with an error of second order.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from galddpm import build
from galddpm.arrays import Floats, Ints
from galddpm.devices import full_fp32
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.light import ending_in_light
from galddpm.diffusion.samplers import Noise, Sampler, heun
from galddpm.diffusion.schedule import Level

if TYPE_CHECKING:  # which offers what is here as its own
    from galddpm.inference.given_images import GivenImages

INVERSION = 3  # use of a galaxy's random numbers
STEPS = 24  # of the walk to the noise, and of the one back: a galaxy comes back to .01 sky sigma


@torch.inference_mode()
def evolved_light(
    generator: "GivenImages",
    flux: Floats,
    redshift: Floats,
    to: Floats,
    seed: int,
    noise_id: Ints,
    advance: Callable[[int], object],
) -> Tensor:
    """Light (n, F, C, H, W), in the model's units, of images (n, C, H, W) [count] of redshifts (n,)
    as it is at the redshifts `to` (F,).

    The images get noise of (seed, noise_id) at first, as much as the sampler's last level has.
    """
    scaling, device = generator.scaling, generator.device
    levels = build.make_levels(generator.config, scaling, STEPS)
    levels = [level for level in levels if level[0] > 0]  # noise alone has no way back
    *noisy, _ = levels
    alpha, sigma = noisy[-1]
    y = torch.from_numpy(scaling.encode(flux)).to(device)
    own, others = (torch.from_numpy(z).to(device, torch.float32) for z in (redshift, to))
    draw = GalaxyNoise(seed, list(noise_id), tuple(y.shape[1:]), device, use=INVERSION)
    walk = partial(_in_batches, generator, draw)
    with full_fp32():
        noise = walk(heun, noisy[::-1], alpha * y + sigma * draw(), own)
        each = noise.repeat_interleave(len(to), dim=0), others.repeat(len(flux))
        ending = ending_in_light(heun, build.make_sky_noise(scaling))
        light = walk(ending, levels, *each, advance)
    whole: Tensor = light.unflatten(0, (len(flux), len(to)))
    return whole.float().cpu()


def _in_batches(
    generator: "GivenImages",
    draw: Noise,
    sampler: Sampler,
    levels: Sequence[Level],
    x: Tensor,
    redshift: Tensor,
    advance: Callable[[int], object] = lambda galaxies: None,
) -> Tensor:
    """What the sampler makes of each of x (n, C, H, W) at its redshift (n,)."""
    size, pieces = generator.together, []
    for some, z in zip(x.split(size), redshift.split(size), strict=True):
        pieces.append(sampler(generator.denoise_at(z), some, levels, draw))
        advance(len(some))
    return torch.cat(pieces)
