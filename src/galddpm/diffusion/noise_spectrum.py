"""The sky's noise, wave by wave: its spectrum, and filters."""

import torch
from torch import Tensor

from galddpm.diffusion.schedule import Level


def spectrum(frequency: Tensor, smoothing: float) -> Tensor:
    """Power of white noise of unit variance smoothed with (a, 1, a) and brought back to it."""
    wave = 1 + 2 * smoothing * torch.cos(2 * torch.pi * frequency)
    return wave**2 / (1 + 2 * smoothing**2)


def sky_power(like: Tensor, smoothing: float) -> Tensor:
    """Power of noise smoothed so along both axes, for `filtered` and images (..., H, W) like it."""
    height, width = like.shape[-2:]
    along_y = spectrum(torch.fft.fftfreq(height, device=like.device), smoothing)
    along_x = spectrum(torch.fft.rfftfreq(width, device=like.device), smoothing)
    return (along_y[:, None] * along_x).to(like.dtype)


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """x (..., H, W) with each wave of it multiplied by its gain (..., H, W // 2 + 1)."""
    return torch.fft.irfft2(torch.fft.rfft2(x) * gain, s=x.shape[-2:])


def sky_flow(x: Tensor, level: Level, lower: Level, sigma: float, smoothing: float) -> Tensor:
    """The probability flow of the sky's noise from one level to another, (B, C, H, W).

    Under it every wave keeps its phase and its size in units of what is usual at the level (Song et
    al. 2021, arXiv:2011.13456, Eq. 13, for Gaussian data).
    """
    return filtered(x, flow_gain(sigma**2 * sky_power(x, smoothing), level, lower))


def flow_gain(variance: Tensor | float, level: Level, lower: Level) -> Tensor | float:
    """What the flow from one level to another multiplies Gaussian data of this variance by."""
    before, after = (alpha**2 * variance + noise**2 for alpha, noise in (level, lower))
    return (after / before) ** 0.5


def flow_gain_beyond_ddim(variance: Tensor | float, level: Level, lower: Level) -> Tensor | float:
    """Share of the residual x - alpha x_0 that the flow of Gaussian data of this variance keeps
    beyond the sigma'/sigma of ddim; of second order in the step."""
    (alpha, sigma), (to, down) = level, lower
    root = ((to**2 * variance + down**2) * (alpha**2 * variance + sigma**2)) ** 0.5
    step = to * sigma - alpha * down
    return variance * (step / sigma) ** 2 / (root + alpha * to * variance + sigma * down)
