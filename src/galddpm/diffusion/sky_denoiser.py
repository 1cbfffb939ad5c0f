"""Fine structure under noise, as far as it can be told beforehand: a local Wiener filter.

With the sky's noise as its sigma_data an edm network that puts out 0 lets the share
k(s) = s^2 / (s^2 + (sigma/alpha)^2), s = sigma_data, of every pixel's noise pass, as a white sky
needs. Two things more are known. Where the data's own noise is smaller, as in the bright parts of a
galaxy after an asinh, less may pass; and where neighbouring pixels of the sky correlate, as
resampling makes them, more of the slow waves and less of the fast ones. What that changes need not
be learned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from galddpm.diffusion.noise_spectrum import filtered, sky_power
from galddpm.diffusion.process import column

REACH = 2  # pixels on each side of the filter
FARTHEST = 2.0  # sigma/alpha from which on the image is too noisy to tell where it is bright


@dataclass(frozen=True)
class SkyNoise:
    """The noise that the data have of their own.

    sigma: its standard deviation on the sky; local_sigma: pixel values (B, C, H, W) -> that at each
    of them; smoothing: a, where the noise is white noise smoothed along both axes with (a, 1, a).
    """

    sigma: float
    local_sigma: Callable[[Tensor], Tensor]
    smoothing: float = 0.0


def detail_output(x: Tensor, alpha: Tensor, sigma: Tensor, sky_noise: SkyNoise) -> Tensor:
    """What an edm output has to hold so that noise passes as the sky_noise says, (B, C, H, W).

    x: (B, C, H, W) at levels (B,).
    """
    with torch.autocast(x.device.type, enabled=False):  # differences of large numbers
        alpha = alpha.clamp(min=1e-12)
        ratio = column(sigma / alpha, x)
        near = ratio < FARTHEST
        surface = smooth(x)
        sky = wiener_gain(sky_noise.sigma, ratio)
        local = wiener_gain(sky_noise.local_sigma(surface / column(alpha, x)), ratio)
        waves = sky_filtered(x, ratio / sky_noise.sigma, sky_noise.smoothing) - sky * x
        change = local / sky * waves + (local - sky) * (x - surface)
        scale = torch.sqrt(sigma**2 + (alpha * sky_noise.sigma) ** 2)
        scale = column(scale / (alpha * sigma * sky_noise.sigma), x)
        return torch.where(near, change * scale, 0.0)


def wiener_gain(spread: float | Tensor, ratio: Tensor) -> Tensor:
    """Share of noise of standard deviation `ratio` that belongs to data of this spread."""
    return spread**2 / (spread**2 + ratio**2)


def sky_filtered(x: Tensor, ratio: Tensor, smoothing: float) -> Tensor:
    """The ideal denoiser of noise with the spectrum of `smoothing` and unit variance, under white
    noise of standard deviation `ratio`, applied to x (B, C, H, W)."""
    return filtered(x, wiener_gain(sky_power(x, smoothing).sqrt(), ratio))


def smooth(x: Tensor) -> Tensor:
    """Each channel of (B, C, H, W) fitted by a quadratic surface over 5 x 5 pixels, which leaves a
    galaxy's core as it is and two fifths of the noise (Savitzky & Golay 1964)."""
    axis = torch.arange(-REACH, REACH + 1, device=x.device, dtype=x.dtype)
    kernel = (27 - 5 * (axis[:, None] ** 2 + axis**2)) / 175
    channels = x.shape[1]
    padded = pad(x, (REACH,) * 4, mode="reflect")
    return conv2d(padded, kernel.expand(channels, 1, *kernel.shape), groups=channels)
