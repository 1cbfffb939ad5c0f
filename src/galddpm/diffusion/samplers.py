"""Samplers: functions of (denoise, x, levels, noise) that walk down a list of noise levels.

`denoise(x, level)` returns the estimate of x_0; `levels` starts at the level of x, the noisiest,
and ends at the image, (1, 0); `noise()` returns fresh standard normal numbers like x. Every step is
written so that alpha = 0, the start of a zero-terminal-SNR schedule, is finite.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

from galddpm.diffusion.noise_spectrum import filtered, flow_gain, flow_gain_beyond_ddim, sky_power
from galddpm.diffusion.process import posterior
from galddpm.diffusion.schedule import Level
from galddpm.diffusion.sky_denoiser import SkyNoise

Denoise = Callable[[Tensor, Level], Tensor]
Noise = Callable[[], Tensor]


def ddpm(
    denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise, variance: str = "posterior"
) -> Tensor:
    """Ancestral sampling (Ho et al. 2020, algorithm 2) over any list of levels.

    variance: of each step's noise, "posterior" (beta_tilde) or "beta" (the forward variance). The
    last step, to the image, adds none.
    """
    if variance not in ("posterior", "beta"):
        raise ValueError(f"variance: found {variance!r}, expected posterior or beta")
    for level, lower in pairwise(levels):
        c_x, c_0, tilde, beta = posterior(*level, *lower)
        x = c_x * x + c_0 * denoise(x, level)
        if lower[1] > 0:
            x = x + math.sqrt(tilde if variance == "posterior" else beta) * noise()
    return x


def ddim(
    denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise, eta: float = 0.0
) -> Tensor:
    """Song et al. 2020, arXiv:2010.02502, Eq. 12 and 16; eta = 0 adds no noise, eta = 1 is ddpm.

    With eta = 0 the levels may also rise, which finds the noise of an image (inversion). Raises
    ValueError for a level with sigma = 0 anywhere but at the end, where the noise is undefined.
    """
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        eps = _eps(x, x_0, level)
        added = eta * math.sqrt(max(posterior(*level, *lower)[2], 0.0)) if eta else 0.0
        x = lower[0] * x_0 + math.sqrt(max(lower[1] ** 2 - added**2, 0.0)) * eps
        if added > 0:
            x = x + added * noise()
    return x


def dpmpp_2m(denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """DPM-Solver++(2M), Lu et al. 2022, arXiv:2211.01095, algorithm 2; the ends are first order.

    With h the step in ln(alpha/sigma), alpha' (1 - e^-h) is written as alpha' - alpha sigma'/sigma,
    which is finite where h is not.
    """
    previous, h_previous = None, math.inf
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        h = _log_snr(lower) - _log_snr(level)
        slope = _slope(h, h_previous)
        estimate = (1 + slope) * x_0 - slope * previous if slope else x_0
        x = lower[1] / level[1] * x + (lower[0] - level[0] * lower[1] / level[1]) * estimate
        previous, h_previous = x_0, h
    return x


def sky_2m(
    denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise, sky_noise: SkyNoise
) -> Tensor:
    """dpmpp_2m with the flow of the noise that the images have of their own, x (B, C, H, W).

    An image that is light under Gaussian noise of variance u has the estimate x_0 = light +
    alpha u / (alpha^2 u + sigma^2) (x - alpha light), and the flow multiplies what lies beside the
    light by `flow_gain`. So a step is ddim's and, of the residual x - alpha x_0, the share
    `flow_gain_beyond_ddim` more, and the light is what changes slowly enough to be extrapolated.
    Waves of the sky have its variance times the power that `sky_noise` gives them, and come out
    right after any number of steps. On light the variance is less, and the share beyond ddim's is
    taken to be less by the same factor at all waves. As u goes to 0 this becomes dpmpp_2m.
    """
    power = sky_power(x, sky_noise.smoothing)
    previous, h_previous = None, math.inf
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        own, sky = sky_noise.local_sigma(x_0) ** 2, sky_noise.sigma**2
        residual = x - level[0] * x_0
        passed = level[0] / level[1] ** 2 * filtered(residual, power)
        h = _log_snr(lower) - _log_snr(level)
        slope = _slope(h, h_previous)
        more = filtered(residual, flow_gain_beyond_ddim(sky * power, level, lower))
        share = flow_gain_beyond_ddim(own, level, lower) / flow_gain_beyond_ddim(sky, level, lower)
        x = lower[0] * x_0 + lower[1] / level[1] * residual + share * more
        if slope:
            change = (x_0 - previous[0]) - own * (passed - previous[1])
            left = flow_gain(own, level, lower)
            x = x + slope * (lower[0] - level[0] * left) * change
        previous, h_previous = (x_0, passed), h
    return x


def heun(denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """Heun's second-order steps of arXiv:2206.00364, algorithm 1, in x/alpha against sigma/alpha.

    Two evaluations a step; one in the last, and in the first where alpha = 0 (there as ddim).
    """
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        eps = _eps(x, x_0, level)
        euler = lower[0] * x_0 + lower[1] * eps
        if lower[1] == 0 or level[0] == 0:
            x = euler
            continue
        corrected = _eps(euler, denoise(euler, lower), lower)
        step = lower[1] - lower[0] * level[1] / level[0]
        x = lower[0] / level[0] * x + step * (eps + corrected) / 2
    return x


SAMPLERS = {"ddpm": ddpm, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "sky_2m": sky_2m, "heun": heun}


def evaluations(sampler: str, levels: Sequence[Level]) -> int:
    """How often a sampler calls the network on these levels."""
    single = sum(lower[1] == 0 or level[0] == 0 for level, lower in pairwise(levels))
    steps = len(levels) - 1
    return 2 * steps - single if sampler == "heun" else steps


def _eps(x: Tensor, x_0: Tensor, level: Level) -> Tensor:
    if level[1] == 0:
        raise ValueError("the noise of a level with sigma = 0 is undefined; start above it")
    return (x - level[0] * x_0) / level[1]


def _slope(h: float, h_previous: float) -> float:
    """By how much of its last change a value is extrapolated to the middle of a step h in
    ln(alpha/sigma); 0 where a step is infinite."""
    return h / (2 * h_previous) if math.isfinite(h) and math.isfinite(h_previous) else 0.0


def _log_snr(level: Level) -> float:
    """ln(alpha/sigma)."""
    alpha, sigma = level
    if alpha == 0 or sigma == 0:
        return math.inf if alpha else -math.inf
    return math.log(alpha / sigma)
