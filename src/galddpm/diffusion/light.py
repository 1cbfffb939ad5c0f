"""Images as light under noise whose spectrum is known.

An image y is light L and noise of the instrument, whose waves have the variances u of
`SkyNoise.variances`, and s of it where the light leaves a share s of the sky's variance
(`SkyNoise.share`). With r = sigma/alpha and y_t = x / alpha, the ideal estimate of y is then the
ideal estimate of L and the share g = s u / (s u + r^2) of the noise that stays beyond it (Eq. n is
notebooks/light.ipynb):

    E[y | x] = E[L | x] + g (y_t - E[L | x])                                               (Eq. 1)

Only L has to be learned. Nobody has images without noise, but y - (s u / r) eps is light on average
at every x (Eq. 2), with the eps that was added. A sampler that leaves off at a level at which the
noise is still more than the instrument's takes L there (Eq. 3); the noise of the instrument is
added in counts, where it is what it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from galddpm.diffusion.noise_spectrum import WHITE, Correlation, filtered, sky_power
from galddpm.diffusion.samplers import Denoise, Noise, Sampler
from galddpm.diffusion.schedule import Level

VERSION = 2  # of what a network takes for light: one that learned another is not read as this one


@dataclass(frozen=True)
class SkyNoise:
    """The noise that the images have of their own, in the model's units.

    sigma: standard deviation on the sky, above 0.
    local_sigma: light (B, C, H, W) -> standard deviation on it, pixel by pixel.
    correlation: of the sky's noise, as noise_spectrum.sky_power takes it.
    """

    sigma: float
    local_sigma: Callable[[Tensor], Tensor]
    correlation: Correlation = WHITE

    def variances(self, like: Tensor) -> Tensor:
        """u (H, W // 2 + 1): variance of each wave of the sky's noise in images like these."""
        return self.sigma**2 * sky_power(like, self.correlation)

    def share(self, light: Tensor) -> Tensor:
        """s (B, C, H, W): of the sky's variance that the noise has on light, pixel by pixel."""
        return (self.local_sigma(light) / self.sigma) ** 2


def light_aim(
    x_0: Tensor, eps: Tensor, ratio: Tensor, noise: SkyNoise, share: float | Tensor = 1.0
) -> Tensor:
    """What is light on average given x, (B, C, H, W): Eq. 2. ratio: sigma/alpha (B, 1, 1, 1)."""
    return x_0 - share * filtered(eps, noise.variances(eps)) / ratio


def image_of(
    light: Tensor,
    x: Tensor,
    alpha: Tensor,
    sigma: Tensor,
    noise: SkyNoise,
    share: float | Tensor = 1.0,
) -> Tensor:
    """The estimate of the image that goes with one of its light, (B, C, H, W): Eq. 1, finite for
    alpha = 0. alpha, sigma: (B, 1, 1, 1), sigma above 0.

    Where the share differs from pixel to pixel, Eq. 1 holds for white noise alone; for other noise
    the filter of the sky is taken and scaled as that of white noise would be.
    """
    u = noise.variances(x)
    passed = filtered(x - alpha * light, alpha * u / (alpha**2 * u + sigma**2))
    white = (alpha * noise.sigma) ** 2 / ((alpha * noise.sigma) ** 2 + sigma**2)
    return light + share / (1 - (1 - share) * white) * passed


def light_of(
    x_0: Tensor, x: Tensor, level: Level, noise: SkyNoise, share: float | Tensor = 1.0
) -> Tensor:
    """The light that goes with an estimate of the image, (B, C, H, W): Eq. 3, finite for alpha = 0.

    It undoes Eq. 1 of the same share, and nearly where that is of an estimate of the light and this
    of one of the image: to .01 sky sigma in cores.
    """
    (alpha, sigma), u = level, noise.variances(x)
    return x_0 + share * filtered(alpha * x_0 - x, alpha * u / sigma**2)


def light_at(denoise: Denoise, x: Tensor, level: Level, noise: SkyNoise) -> Tensor:
    """The light that is expected given x (B, C, H, W) at a level, (B, C, H, W)."""
    x_0 = denoise(x, level)
    return light_of(x_0, x, level, noise, noise.share(x_0))


def ending_in_light(sampler: Sampler, noise: SkyNoise) -> Sampler:
    """A sampler that leaves off at the last of its noise levels and takes the light there."""

    def sample(denoise: Denoise, x: Tensor, levels: Sequence[Level], noises: Noise) -> Tensor:
        *above, last, _ = levels
        x = sampler(denoise, x, [*above, last], noises)
        return light_at(denoise, x, last, noise)

    return sample


def band_limited(light: Tensor, limit: float) -> Tensor:
    """Light (..., H, W) without its waves beyond `limit` in any direction [cycle/pix].

    A PSF passes no light there, and what a network makes there is its error. Waves fade out by
    half a cosine from three quarters of the limit on. At its edges the light goes on as its mirror
    image.
    """
    mirrored = torch.cat([light, light.flip(-1)], dim=-1)
    mirrored = torch.cat([mirrored, mirrored.flip(-2)], dim=-2)
    height, width = mirrored.shape[-2:]
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width))
    beyond = ((frequency.to(light) / limit - 0.75) / 0.25).clamp(0, 1)
    passed = filtered(mirrored, (1 + torch.cos(torch.pi * beyond)) / 2)
    return passed[..., : light.shape[-2], : light.shape[-1]]
