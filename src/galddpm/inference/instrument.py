"""What a telescope adds to light: the noise of the sky and of photons."""

import numpy as np
import torch

from galddpm.arrays import Floats
from galddpm.data.scaling import Scaling
from galddpm.diffusion.noise_spectrum import filtered, sky_power


def with_noise(light: Floats, normal: Floats, scaling: Scaling) -> Floats:
    """Light (n, C, H, W) [count] under noise as the training images have it, float32 [count].

    Its variance is that of the sky and, for each count of light, `scaling.photon_noise`; its pixels
    correlate as those of the sky. normal: standard normal numbers of the same shape.
    """
    white = torch.from_numpy(normal)
    power = sky_power(white, scaling.sky_correlation)
    power = power / torch.fft.irfft2(power, s=white.shape[-2:])[0, 0]  # of mean 1
    noise = filtered(white, power.sqrt()).numpy()
    sky, photons = (
        np.array(values, np.float32)[:, None, None]
        for values in (scaling.sky, scaling.photon_noise)
    )
    noisy: Floats = light + noise * np.sqrt(sky**2 + photons * np.maximum(light, 0))
    return noisy
