"""A student: galaxies in a few evaluations, learned from a teacher's samples.

The probability flow of a trained denoiser, the teacher, takes each noise to one galaxy. A student
learns that map in a few jumps between fixed levels. It learns from noises and from what the
teacher's solver makes of them (Luhman & Luhman 2021, arXiv:2101.02388). A jump is a step of ddim
with an estimate of the image that need not be ideal, but end where the teacher's flow does; the
last one is an estimate of the light.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from galddpm.diffusion.denoiser import LightDenoiser
from galddpm.diffusion.light import SkyNoise, light_of
from galddpm.diffusion.objective import galaxy_losses, weighing_alike
from galddpm.diffusion.process import for_batch
from galddpm.diffusion.samplers import Denoise, Noise, Sampler
from galddpm.diffusion.schedule import Level, Schedule


class Student(LightDenoiser):
    """student(x, level, condition) -> x at the next of its levels, light at the last.

    Parameters
    ----------
    network, schedule, noise, sigma_data, means: as of LightDenoiser, its teacher.
    levels: where its jumps start and end, from the noisiest to the image, (1, 0).
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        levels: Sequence[Level],
        noise: SkyNoise,
        sigma_data: float = 1.0,
        means: Sequence[int] = (),
    ):
        super().__init__(network, schedule, noise, sigma_data, means)
        self.levels = list(levels)
        self.next = dict(pairwise(self.levels))

    def forward(self, x: Tensor, level: Level, condition: Tensor) -> Tensor:
        """x (B, C, H, W), at any of the levels but the last, taken to the next one."""
        lower = self.next[level]
        if lower[1] == 0:
            return self.light(x, *for_batch(level, x), condition)
        x_0 = super().forward(x, level, condition)
        return lower[0] * x_0 + lower[1] / level[1] * (x - level[0] * x_0)

    def aim(self, x: Tensor, lower: Tensor, level: Level) -> Tensor:
        """What the network's estimate of the light has to be for a jump from x to end at `lower`;
        all (B, C, H, W)."""
        alpha, sigma = self.next[level]
        if sigma == 0:
            return lower
        ratio = sigma / level[1]
        x_0 = (lower - ratio * x) / (alpha - ratio * level[0])
        return light_of(x_0, x, level, self.noise, self.noise.share(x_0))

    def jump_error(self, x: Tensor, lower: Tensor, level: Level, condition: Tensor) -> Tensor:
        """The network's output less what it should be, (B, C, H, W)."""
        levels = for_batch(level, x)
        error = self.light(x, *levels, condition) - self.aim(x, lower, level)
        return error / self.scale(x, *levels)


def student_levels(levels: Sequence[Level], intermediate_sigmas: Sequence[float]) -> list[Level]:
    """A teacher's first and last level and, for each of `intermediate_sigmas`, the level between
    them whose sigma/alpha is nearest to it."""
    inner = levels[1:-1]
    nearest = {
        min(inner, key=lambda level: abs(math.log(level[1] / level[0] / ratio)))
        for ratio in intermediate_sigmas
    }
    return [levels[0], *sorted(nearest), levels[-1]]  # alpha rises


def states(
    denoise: Denoise,
    x: Tensor,
    levels: Sequence[Level],
    noise: Noise,
    solver: Sampler,
    kept: Sequence[Level],
) -> Tensor:
    """x at each of the `kept` levels, then the light, on a solver's way from x, (kept + 1, B, C, H,
    W). The kept levels are some of `levels`, in their order."""
    found = []

    def watched(x: Tensor, level: Level) -> Tensor:
        if level in kept:
            found.append(x)
        return denoise(x, level)

    light = solver(watched, x, levels, noise)
    return torch.stack([*found, light])


def student_losses(
    student: Student,
    batch: tuple[Tensor, Tensor, Tensor, int],
    huber_delta: float,
    centre_weight_radius: float | None,
) -> tuple[Tensor, Tensor]:
    """Huber losses of the network's output (B,) and their t (B,).

    All levels weigh alike, and pixels as in `Objective`.
    batch: x (B, C, H, W) at one level, the teacher's x' at the next, redshifts (B,), and the number
        of the level.
    """
    x, lower, redshift, number = batch
    level = student.levels[number]
    error = student.jump_error(x, lower, level, redshift)
    losses = galaxy_losses(error, huber_delta, centre_weight_radius)
    t = student.schedule.t_of(*for_batch(level, x))
    return weighing_alike(losses, t, student), t


def sample_student(jump: Denoise, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """The student's sampler: one jump after the other; it needs no noise."""
    for level in levels[:-1]:
        x = jump(x, level)
    return x
