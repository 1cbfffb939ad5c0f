"""Samplers: functions of (denoise, x, levels, noise) that walk down a list of noise levels.

`denoise(x, level)` returns the estimate of x_0; `levels` starts at the level of x, the noisiest,
and ends at the image, (1, 0); `noise()` returns fresh standard normal numbers like x. A step leads
from a level (alpha, sigma) to the next, (alpha', sigma'). Every step is written so that alpha = 0,
the start of a zero-terminal-SNR schedule, is finite; sigma = 0 is allowed at the end alone.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

from galddpm.diffusion.process import posterior
from galddpm.diffusion.schedule import Level

Denoise = Callable[[Tensor, Level], Tensor]
Noise = Callable[[], Tensor]
Sampler = Callable[[Denoise, Tensor, Sequence[Level], Noise], Tensor]


def ddpm(
    denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise, variance: str = "posterior"
) -> Tensor:
    """Ancestral sampling (Ho et al. 2020, algorithm 2) over any list of levels.

    A step goes to the mean of q(x' | x, x_0), see `posterior`, and adds noise.
    variance: of this noise, "posterior" (beta_tilde) or "beta" (the forward variance). The last
        step, to the image, adds none.
    Raises ValueError for another variance.
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

    With eta = 0 a step is x' = alpha' x_0 + sigma' (x - alpha x_0) / sigma. The levels may then
    also rise, which finds the noise of an image (inversion). Raises ValueError for a level with
    sigma = 0 anywhere but at the end: the noise of an image is undefined.
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
    """DPM-Solver++(2M), Lu et al. 2022, arXiv:2211.01095, algorithm 2.

    x' = sigma'/sigma x + (alpha' - alpha sigma'/sigma) (x_0 + slope (x_0 - x_0 of the last level)).
    The first factor of the paper, alpha' (1 - e^-h) with h the step in ln(alpha/sigma), is written
    so that it is finite where h is not. The slope is 0, and the step ddim's, in the first step, in
    the second after a start from alpha = 0, and in the step to the image.
    """
    previous: Tensor | None = None
    h_previous = math.inf
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        h = _log_snr(lower) - _log_snr(level)
        slope = _slope(h, h_previous)
        estimate = x_0
        if slope and previous is not None:
            estimate = (1 + slope) * x_0 - slope * previous
        x = lower[1] / level[1] * x + (lower[0] - level[0] * lower[1] / level[1]) * estimate
        previous, h_previous = x_0, h
    return x


def dpmpp_3m(denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """DPM-Solver++(3M), the multistep update of three estimates in the authors' program.

    To x_0 is added how much it rises over the step and how this bends, by divided differences. The
    rise has the weight that exp(-h) gives it, the bend half of that: so the order stays 2, but in
    the model that comes with galddpm 16 steps are as near to the limit as 24 of dpmpp_2m. The first
    steps, and those from or to an infinite ln(alpha/sigma), are dpmpp_2m's.
    """
    before: list[Tensor] = []  # estimates of the last two levels, the later one first
    steps = [math.inf, math.inf]  # that led away from these
    for level, lower in pairwise(levels):
        x_0 = denoise(x, level)
        h = _log_snr(lower) - _log_snr(level)
        estimate = x_0
        if math.isfinite(h + sum(steps)):
            estimate = x_0 + _rise(x_0, before, h, steps)
        elif slope := _slope(h, steps[0]):
            estimate = x_0 + slope * (x_0 - before[0])
        x = lower[1] / level[1] * x + (lower[0] - level[0] * lower[1] / level[1]) * estimate
        before, steps = [x_0, *before[:1]], [h, steps[0]]
    return x


def heun(denoise: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """Heun's second-order steps of arXiv:2206.00364, algorithm 1, in x/alpha against sigma/alpha.

    With eps = (x - alpha x_0) / sigma at the level and eps' where ddim's step ends,
    x' = alpha'/alpha x + (sigma' - alpha' sigma/alpha) (eps + eps') / 2. A step from alpha = 0 and
    the step to the image are ddim's, with one evaluation; the others have two.
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


SAMPLERS: dict[str, Callable[..., Tensor]] = {
    "ddpm": ddpm,
    "ddim": ddim,
    "dpmpp_2m": dpmpp_2m,
    "dpmpp_3m": dpmpp_3m,
    "heun": heun,
}


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
    """h / (2 h_previous), with the steps h in ln(alpha/sigma).

    A value plus this part of its last change is extrapolated to the middle of the step. 0 where
    either step is infinite.
    """
    return h / (2 * h_previous) if math.isfinite(h) and math.isfinite(h_previous) else 0.0


def _rise(x_0: Tensor, before: list[Tensor], h: float, steps: list[float]) -> Tensor:
    """What a step h in ln(alpha/sigma) adds to x_0, by the two estimates before it."""
    rise, earlier = h / steps[0] * (x_0 - before[0]), h / steps[1] * (before[0] - before[1])
    bend = h / (steps[0] + steps[1]) * (rise - earlier)
    rise = rise + steps[0] / h * bend
    done = -math.expm1(-h)
    return (1 - done / h) / done * rise + (0.5 - (h - done) / h**2) / done * bend


def _log_snr(level: Level) -> float:
    """ln(alpha/sigma): -inf for pure noise, inf for the image."""
    alpha, sigma = level
    if alpha == 0 or sigma == 0:
        return math.inf if alpha else -math.inf
    return math.log(alpha / sigma)
