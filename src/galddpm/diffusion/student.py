"""A student: galaxies in one or two evaluations, learned from a teacher's samples.

The probability flow of a trained denoiser, the teacher, takes each noise to one galaxy. A student
learns that map in a few jumps between fixed levels. It learns from noises and from what the
teacher's solver makes of them (Luhman & Luhman 2021, arXiv:2101.02388). The sky's noise is Gaussian
with a known spectrum, so what the flow does to it is known exactly and need not be learned. The
network adds the galaxies.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from galddpm.diffusion.denoiser import Denoiser, Network
from galddpm.diffusion.noise_spectrum import WHITE, Correlation, sky_flow
from galddpm.diffusion.objective import centre_weights, with_gradient_over
from galddpm.diffusion.process import for_batch
from galddpm.diffusion.samplers import Denoise, Noise, Sampler
from galddpm.diffusion.schedule import Level, Schedule
from galddpm.diffusion.typical_loss import TypicalLoss

Jump = Callable[[Tensor, Level], Tensor]


class Student(nn.Module):
    """student(x, level, redshift) -> x at the next of its levels, all in the model's units.

    A jump is x' = flow(x) + alpha' sky_sigma F, with `sky_flow` and the network's output F
    (notebooks/sky_noise.ipynb, Eq. 17). A network that puts out 0 makes a perfect sky. What it has
    to add for light under the sky's noise is light alone (Eq. 18). Bright pixels have less noise
    than the sky, so the network sees both x and flow(x), each in units of the sky's noise at its
    level. All of this is finite for alpha = 0.

    Parameters
    ----------
    network: (x (B, C, H, W), t (B,), redshift (B,), fine (B, C, H, W)) -> (B, C, H, W).
    schedule: turns a level into t.
    levels: where its jumps start and end, from the noisiest to the image, (1, 0).
    sky_sigma, correlation: of the sky's noise; see sky_denoiser.SkyNoise.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        levels: Sequence[Level],
        sky_sigma: float,
        correlation: Correlation = WHITE,
    ):
        super().__init__()
        self.network, self.schedule = network, schedule
        self.levels, self.sky_sigma, self.correlation = list(levels), sky_sigma, correlation
        self.next = dict(pairwise(self.levels))
        self.typical_loss = TypicalLoss()  # of use in training alone

    def hidden_weights(self) -> list[nn.Parameter]:
        """The network's matrices, without its layers from and to pixels and conditions."""
        return cast(Network, self.network).hidden_weights()

    def start_from(self, teacher: Denoiser) -> None:
        """Take over the weights of a teacher; the outputs of both mean nearly the same."""
        self.network.load_state_dict(teacher.network.state_dict())

    def forward(self, x: Tensor, level: Level, redshift: Tensor) -> Tensor:
        """x (B, C, H, W), at any of the levels but the last, taken to the next one."""
        sky = self.flow(x, level)
        return sky + self.gain(level) * self.output(x, level, redshift, sky).to(x.dtype)

    def output(self, x: Tensor, level: Level, redshift: Tensor, sky: Tensor) -> Tensor:
        """F, the network's output at x (B, C, H, W); sky: the `flow` of x."""
        t = self.schedule.t_of(*for_batch(level, x)).to(x.dtype)
        fine = sky / self.spread(self.next[level])
        output: Tensor = self.network(x / self.spread(level), t, redshift, fine=fine)
        return output

    def flow(self, x: Tensor, level: Level) -> Tensor:
        """What `sky_flow` makes of x at the next level, as if x were sky alone."""
        return sky_flow(x, level, self.next[level], self.sky_sigma, self.correlation)

    def gain(self, level: Level) -> float:
        """alpha' sky_sigma: what F = 1 adds where a jump from this level ends."""
        return self.next[level][0] * self.sky_sigma

    def spread(self, level: Level) -> float:
        """Standard deviation of sky pixels at a level, sqrt(alpha^2 sky_sigma^2 + sigma^2)."""
        return math.hypot(level[0] * self.sky_sigma, level[1])


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
    """x at each of the `kept` levels, then the image, on a solver's way from x, (kept + 1, B, C, H,
    W). The kept levels are some of `levels`, in their order."""
    found = []

    def watched(x: Tensor, level: Level) -> Tensor:
        if level in kept:
            found.append(x)
        return denoise(x, level)

    image = solver(watched, x, levels, noise)
    return torch.stack([*found, image])


def student_losses(
    student: Student,
    batch: tuple[Tensor, Tensor, Tensor, int],
    huber_delta: float,
    centre_weight_radius: float | None,
) -> tuple[Tensor, Tensor]:
    """Huber losses of F (B,) and their t (B,).

    The aim of F is (x' - flow(x)) / (alpha' sky_sigma), with the teacher's x'
    (notebooks/sky_noise.ipynb, Eq. 18). All levels weigh alike, and pixels as in `Objective`.
    batch: x (B, C, H, W) at one level, the teacher's x' at the next, redshifts (B,), and the number
        of the level.
    """
    x, lower, redshift, number = batch
    level = student.levels[number]
    sky = student.flow(x, level)
    output = student.output(x, level, redshift, sky).float()
    aim = (lower - sky) / student.gain(level)
    losses = huber_loss(output, aim, reduction="none", delta=huber_delta)
    if centre_weight_radius:
        losses = losses * centre_weights(*x.shape[-2:], centre_weight_radius, x.device)
    losses = losses.flatten(1).mean(dim=1)
    t = student.schedule.t_of(*for_batch(level, x))
    typical = student.typical_loss.update(losses, t, student.schedule.steps)
    return with_gradient_over(losses, typical), t


def sample_student(jump: Jump, x: Tensor, levels: Sequence[Level], noise: Noise) -> Tensor:
    """The student's sampler: one jump after the other; it needs no noise."""
    for level in levels[:-1]:
        x = jump(x, level)
    return x
