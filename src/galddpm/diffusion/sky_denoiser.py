"""What is known of fine structure under noise without learning: a local Wiener filter.

An edm network whose sigma_data is the sky's noise s is a denoiser even when it puts out 0: it lets
the share k(s) = s^2 / (s^2 + (sigma/alpha)^2) of every pixel pass. That is right for a white sky.
Two more things are known. Bright parts of a galaxy have less noise after an asinh, and less may
pass there. Neighbouring pixels of the sky correlate, because images were resampled, so more of the
slow waves must pass and less of the fast ones. The network need not learn either. The equations are
in notebooks/sky_noise.ipynb.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from galddpm.diffusion.noise_spectrum import WHITE, Correlation, filtered, sky_power
from galddpm.diffusion.process import column

REACH = 2  # pixels on each side of the filter
FARTHEST = 2.0  # sigma/alpha from which on the image is too noisy to tell where it is bright


@dataclass(frozen=True)
class SkyNoise:
    """The noise that the images have of their own, in the model's units.

    sigma: standard deviation on the sky, above 0.
    local_sigma: light (B, C, H, W) -> standard deviation on it, pixel by pixel, above 0.
    correlation: of the sky's noise, as noise_spectrum.sky_power takes it.
    """

    sigma: float
    local_sigma: Callable[[Tensor], Tensor]
    correlation: Correlation = WHITE


def detail_output(x: Tensor, alpha: Tensor, sigma: Tensor, sky_noise: SkyNoise) -> Tensor:
    """What to add to an edm output so that noise passes as `sky_noise` says, (B, C, H, W).

    Added to an output of 0 it gives the estimate x_0 of notebooks/sky_noise.ipynb, Eq. 4:
    alpha x_0 = k x + k_local / k (g x - k x) + (k_local - k) (x - smooth(x)), where k and k_local
    are the gains of the noise on the sky and at each pixel, and g is `sky_filtered`. On the sky
    this is g x. From sigma/alpha = FARTHEST on, and so for alpha = 0, it is 0: the network is
    alone. sigma must not be 0.

    x: (B, C, H, W) at levels alpha, sigma (B,).
    """
    with torch.autocast(x.device.type, enabled=False):  # differences of large numbers
        alpha = alpha.clamp(min=1e-12)
        ratio = column(sigma / alpha, x)
        near = ratio < FARTHEST
        surface = smooth(x)
        sky = wiener_gain(sky_noise.sigma, ratio)
        local = wiener_gain(sky_noise.local_sigma(surface / column(alpha, x)), ratio)
        waves = sky_filtered(x, ratio / sky_noise.sigma, sky_noise.correlation) - sky * x
        change = local / sky * waves + (local - sky) * (x - surface)
        scale = torch.sqrt(sigma**2 + (alpha * sky_noise.sigma) ** 2)
        scale = column(scale / (alpha * sigma * sky_noise.sigma), x)
        return torch.where(near, change * scale, 0.0)


def wiener_gain(spread: float | Tensor, ratio: Tensor) -> Tensor:
    """g = spread^2 / (spread^2 + ratio^2), the Wiener gain (notebooks/sky_noise.ipynb, Eq. 2).

    It is the share of the variance of x / alpha that belongs to Gaussian data of this standard
    deviation, under noise of standard deviation `ratio`, sigma/alpha. 1 for ratio = 0, 0 for
    spread = 0 or an infinite ratio; undefined where both are 0.
    """
    return spread**2 / (spread**2 + ratio**2)


def sky_filtered(x: Tensor, ratio: Tensor, correlation: Correlation) -> Tensor:
    """The ideal denoiser of the sky's noise, applied to x (B, C, H, W): g of Eq. 2 for each wave.

    The equation is that of notebooks/sky_noise.ipynb, with the variances of Eq. 1 for a sky of unit
    variance. ratio: standard deviation of the white noise over that of the sky, above 0; a number
    or (B, 1, 1, 1).
    """
    return filtered(x, wiener_gain(sky_power(x, correlation).sqrt(), ratio))


def smooth(x: Tensor) -> Tensor:
    """x (B, C, H, W) with each pixel replaced by a quadratic surface fitted to the 5 x 5 around it.

    A galaxy's core stays as it is; of white noise two fifths of the standard deviation stay
    (Savitzky & Golay 1964).
    """
    axis = torch.arange(-REACH, REACH + 1, device=x.device, dtype=x.dtype)
    kernel = (27 - 5 * (axis[:, None] ** 2 + axis**2)) / 175
    channels = x.shape[1]
    padded = pad(x, (REACH,) * 4, mode="reflect")
    return conv2d(padded, kernel.expand(channels, 1, *kernel.shape), groups=channels)
