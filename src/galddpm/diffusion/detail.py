"""Fine structure under noise, as far as it can be told beforehand: a local Wiener filter.

With the sky's noise as its sigma_data an edm network that puts out 0 lets the share
k(s) = s^2 / (s^2 + (sigma/alpha)^2), s = sigma_data, of every pixel's noise pass, as the sky needs.
Where the data's own noise s is smaller, as in the bright parts of a galaxy after an asinh, less may
pass; what is too much there is known and need not be learned.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from galddpm.diffusion.process import column

REACH = 2  # pixels on each side of the filter
FARTHEST = 2.0  # sigma/alpha from which on the image is too noisy to tell where it is bright


def detail_output(
    x: Tensor, alpha: Tensor, sigma: Tensor, sigma_data: float, local_sigma
) -> Tensor:
    """What an edm output has to hold so that fine noise passes as local_sigma says, (B, C, H, W).

    x: (B, C, H, W) at levels (B,); local_sigma: pixel values (B, C, H, W) -> standard deviation of
    the data's noise there.
    """
    with torch.autocast(x.device.type, enabled=False):  # differences of large numbers
        ratio = column(sigma / alpha.clamp(min=1e-12), x)
        surface = smooth(x)
        local = local_sigma(surface / column(alpha.clamp(min=1e-12), x))
        excess = passed(sigma_data, ratio) - passed(local, ratio)
        excess = torch.where(ratio < FARTHEST, excess, 0.0)
        scale = torch.sqrt(sigma**2 + (alpha * sigma_data) ** 2) / (alpha * sigma * sigma_data)
        return -excess * (x - surface) * torch.where(ratio < FARTHEST, column(scale, x), 0.0)


def passed(spread: float | Tensor, ratio: Tensor) -> Tensor:
    """Share of noise of standard deviation `ratio` that belongs to data of this spread."""
    return spread**2 / (spread**2 + ratio**2)


def smooth(x: Tensor) -> Tensor:
    """Each channel of (B, C, H, W) fitted by a quadratic surface over 5 x 5 pixels, which leaves a
    galaxy's core as it is and two fifths of the noise (Savitzky & Golay 1964)."""
    axis = torch.arange(-REACH, REACH + 1, device=x.device, dtype=x.dtype)
    kernel = (27 - 5 * (axis[:, None] ** 2 + axis**2)) / 175
    channels = x.shape[1]
    padded = pad(x, (REACH,) * 4, mode="reflect")
    return conv2d(padded, kernel.expand(channels, 1, *kernel.shape), groups=channels)
