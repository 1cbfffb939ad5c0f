"""The sky's noise, wave by wave: its spectrum, and filters.

A wave is a Fourier component of an image. Its variance is in units in which white noise of unit
variance gives every wave the variance 1.
"""

from functools import lru_cache

import torch
from torch import Tensor

Correlation = tuple[tuple[float, ...], ...]  # (R + 1, 2 R + 1), of pixels dy rows and dx columns
# apart: dy from 0 to R, dx from -R to R; 1 in the middle of the first row
WHITE: Correlation = ((1.0,),)
LEAST = 0.01  # power of a wave, below which a measured correlation is not believed


def sky_power(like: Tensor, correlation: Correlation) -> Tensor:
    """P(f_y, f_x) (H, W // 2 + 1): power of each wave of noise of unit variance.

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
