"""The sky's noise, wave by wave: its spectrum, filters, and its probability flow.

notebooks/sky_noise.ipynb derives all of it; Eq. n below is an equation there. A wave is a Fourier
component of an image. Its variance u is in units in which white noise of unit variance gives every
wave the variance 1. A step leads from a level (alpha, sigma) to a lower one, (alpha', sigma').
"""

from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from galddpm.diffusion.schedule import Level

Amount = TypeVar("Amount", float, Tensor)
Correlation = tuple[tuple[float, ...], ...]  # (R + 1, 2 R + 1), of pixels dy rows and dx columns
# apart: dy from 0 to R, dx from -R to R; 1 in the middle of the first row
WHITE: Correlation = ((1.0,),)
LEAST = 0.01  # power of a wave, below which a measured correlation is not believed


def sky_power(like: Tensor, correlation: Correlation) -> Tensor:
    """P(f_y, f_x) of Eq. 1 (H, W // 2 + 1): power of each wave of noise of unit variance.

    P = sum over all dy, dx of rho(dy, dx) cos(2 pi (f_y dy + f_x dx)), f in cycles per pixel, and
    at least LEAST. It is 1 everywhere for white noise.

    like: images (..., H, W) whose size, type and device it takes.
    """
    height, width = like.shape[-2:]
    return _sky_power(height, width, correlation, like.dtype, like.device)


@lru_cache(maxsize=32)
def _sky_power(
    height: int, width: int, correlation: Correlation, dtype: torch.dtype, device: torch.device
) -> Tensor:
    f_y, f_x = torch.fft.fftfreq(height).double()[:, None], torch.fft.rfftfreq(width).double()
    reach = len(correlation) - 1
    power = torch.ones(height, width // 2 + 1, dtype=torch.float64)
    for dy, row in enumerate(correlation):
        for dx, rho in enumerate(row, start=-reach):
            if dy > 0 or dx > 0:  # the other half is the same
                power += 2 * rho * torch.cos(2 * torch.pi * (f_y * dy + f_x * dx))
    return power.clamp(min=LEAST).to(device, dtype)


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """x (..., H, W) with each of its waves multiplied by a gain (..., H, W // 2 + 1)."""
    passed: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * gain, s=x.shape[-2:])
    return passed


def sky_flow(
    x: Tensor, level: Level, lower: Level, sigma: float, correlation: Correlation
) -> Tensor:
    """What the probability flow makes of the sky's noise from a level to a lower one, (B, C, H, W).

    Each wave is multiplied by `flow_gain` of its variance u = sigma^2 P(f_y, f_x) (Eq. 1 and 6).
    So it keeps its phase, and its size in units of what is usual at the level (Song et al. 2021,
    arXiv:2011.13456, Eq. 13, for Gaussian data). Flows one after the other are one flow.

    sigma, correlation: of the sky's noise; see sky_denoiser.SkyNoise.
    """
    return filtered(x, flow_gain(sigma**2 * sky_power(x, correlation), level, lower))


def flow_gain(variance: Amount, level: Level, lower: Level) -> Amount:
    """What the flow multiplies Gaussian data of this variance u by: Gamma of Eq. 6.

    sqrt((alpha'^2 u + sigma'^2) / (alpha^2 u + sigma^2)). This is sigma'/sigma for u = 0, and
    finite for alpha = 0; u = 0 and sigma = 0 together are undefined.
    """
    before, after = (alpha**2 * variance + noise**2 for alpha, noise in (level, lower))
    gain: Amount = (after / before) ** 0.5
    return gain


def flow_gain_beyond_ddim(variance: Amount, level: Level, lower: Level) -> Amount:
    """What the flow multiplies the residual by, less ddim's sigma'/sigma: kappa of Eq. 8.

    The residual is x - alpha x_0 with the ideal estimate x_0 of Gaussian data of this variance u:
    kappa = u ((alpha' sigma - alpha sigma') / sigma)^2 / (root + alpha alpha' u + sigma sigma'),
    root = sqrt((alpha^2 u + sigma^2) (alpha'^2 u + sigma'^2)).
    It is never negative, of second order in the step, 0 for u = 0, and finite for alpha = 0. It is
    undefined for sigma = 0, and for u = 0 in a step to the image, sigma' = 0.
    """
    (alpha, sigma), (to, down) = level, lower
    root = ((to**2 * variance + down**2) * (alpha**2 * variance + sigma**2)) ** 0.5
    step = to * sigma - alpha * down
    more: Amount = variance * (step / sigma) ** 2 / (root + alpha * to * variance + sigma * down)
    return more
