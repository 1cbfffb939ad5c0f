"""How probable an image is under a condition, by what a denoiser makes of it under noise.

With r = sigma/alpha and y_r = y + r eps, an ideal denoiser knows the density of an image y under
so much noise (Kingma et al. 2021, arXiv:2107.00630, Eq. 18; Kong et al. 2023, arXiv:2302.03792,
Eq. 9), but for a constant that does not depend on the condition z:

    -E ln p(y_r1 | z) = int_r1 E|y - E[y | y_r, z]|^2 r^-2 d ln r

Differences between conditions are certain long before the value itself is, where all conditions see
the same noise. What is linear in it is gone where each level has the next one's with the other
sign. To integrate on, to the image itself, would tell a little more of an ideal denoiser,
and of one that is trained it adds what it does wrong in bright cores.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from galddpm.diffusion.samplers import Noise
from galddpm.diffusion.schedule import Level

# x (n, C, H, W), level, conditions (n,) -> the estimated image (n, C, H, W)
Conditional = Callable[[Tensor, Level, Tensor], Tensor]


def log_likelihoods(
    denoise: Conditional,
    y: Tensor,
    condition: Tensor,
    ratios: Sequence[float],
    noise: Noise,
    together: int,
) -> Tensor:
    """E ln p(y_r1 | z) (B, Z) of images y (B, C, H, W) under each of their conditions z (B, Z), but
    for a constant of each image.

    ratios: of `integration_ratios`, an even number. noise: the next eps (B, C, H, W) at each call.
    together: estimates that are made at once.
    """
    of_image = torch.arange(len(y), device=y.device).repeat_interleave(condition.shape[1])
    pairs = list(zip(of_image.split(together), condition.flatten().split(together), strict=True))
    step, total = np.log(ratios[0] / ratios[1]), torch.zeros_like(condition)
    eps = torch.zeros_like(y)
    for number, ratio in enumerate(ratios):
        level = float(1 / np.hypot(1, ratio)), float(ratio / np.hypot(1, ratio))
        eps = -eps if number % 2 else noise()
        x = level[0] * y + level[1] * eps
        errors = torch.cat([denoise(x[rows], level, z) - y[rows] for rows, z in pairs])
        squares = errors.square().sum(dim=(1, 2, 3)).unflatten(0, condition.shape)
        total -= step / ratio**2 * squares
    return total


def integration_ratios(steps: int, lowest: float, highest: float) -> list[float]:
    """Values of r, the middles of so many equal parts of ln r, from the highest down."""
    edges = np.linspace(np.log(highest), np.log(lowest), steps + 1)
    middles: list[float] = np.exp((edges[1:] + edges[:-1]) / 2).tolist()
    return middles
