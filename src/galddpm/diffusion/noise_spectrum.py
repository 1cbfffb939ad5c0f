"""The sky's noise, wave by wave: its spectrum, filters, and its probability flow.

notebooks/sky_noise.ipynb derives all of it; Eq. n below is an equation there. A wave is a Fourier
component of an image. Its variance u is in units in which white noise of unit variance gives every
wave the variance 1. A step leads from a level (alpha, sigma) to a lower one, (alpha', sigma').
"""

from typing import TypeVar

import torch
from torch import Tensor

from galddpm.diffusion.schedule import Level

Amount = TypeVar("Amount", float, Tensor)


def spectrum(frequency: Tensor, smoothing: float) -> Tensor:
    """Power of white noise smoothed with (a, 1, a), a = smoothing, at unit variance: P(f) of Eq. 1.

    P = (1 + 2 a cos(2 pi f))^2 / (1 + 2 a^2), f in cycles per pixel. Its mean over f is 1; it is 1
    everywhere for a = 0, and 0 somewhere only for a >= 1/2.
    """
    wave = 1 + 2 * smoothing * torch.cos(2 * torch.pi * frequency)
    return wave**2 / (1 + 2 * smoothing**2)


def sky_power(like: Tensor, smoothing: float) -> Tensor:
    """P(f_y) P(f_x) of noise smoothed along both axes, (H, W // 2 + 1), as `filtered` needs it.

    like: images (..., H, W) whose size, type and device it takes.
    """
    height, width = like.shape[-2:]
    along_y = spectrum(torch.fft.fftfreq(height, device=like.device), smoothing)
    along_x = spectrum(torch.fft.rfftfreq(width, device=like.device), smoothing)
    return (along_y[:, None] * along_x).to(like.dtype)


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """x (..., H, W) with each of its waves multiplied by a gain (..., H, W // 2 + 1)."""
    passed: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * gain, s=x.shape[-2:])
    return passed


def sky_flow(x: Tensor, level: Level, lower: Level, sigma: float, smoothing: float) -> Tensor:
    """What the probability flow makes of the sky's noise from a level to a lower one, (B, C, H, W).

    Each wave is multiplied by `flow_gain` of its variance u = sigma^2 P(f_y) P(f_x) (Eq. 1 and 6).
    So it keeps its phase, and its size in units of what is usual at the level (Song et al. 2021,
    arXiv:2011.13456, Eq. 13, for Gaussian data). Flows one after the other are one flow.

    sigma, smoothing: of the sky's noise; see sky_denoiser.SkyNoise.
    """
    return filtered(x, flow_gain(sigma**2 * sky_power(x, smoothing), level, lower))


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
