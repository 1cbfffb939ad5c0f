"""What is minimised: draw a level and noise, form the target, compare."""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import huber_loss

from galddpm import processes
from galddpm.devices import widest_float
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.schedule import Schedule
from galddpm.processes import gathered, share


@dataclass(frozen=True)
class NoiseLevels:
    """The levels that training draws.

    distribution: "uniform", a whole t in 1..T with equal chance (Ho et al. 2020, algorithm 1), or
        "log_normal", ln(sigma/alpha) normal (arXiv:2206.00364, Table 1), in the schedule's range.
    """

    schedule: Schedule
    distribution: str = "uniform"
    log_sigma_mean: float = -1.2
    log_sigma_std: float = 1.2

    def draw(
        self, count: int, generator: torch.Generator, lowest: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """(alpha, sigma), each (count,) `widest_float` on the generator's device.

        lowest: sigma/alpha below which none is drawn.

        Uniform numbers are stratified: one in each of `count` equal parts of [0, 1), so that every
        batch covers all levels. Each number alone is still uniform, and their order is shuffled.
        """
        device = generator.device
        offset = torch.rand(count, generator=generator, device=device, dtype=widest_float(device))
        part = torch.randperm(count, generator=generator, device=device)
        return self._at((part + offset) / count, lowest)

    def _at(self, u: Tensor, lowest: float) -> tuple[Tensor, Tensor]:
        alpha, sigma, angles = self.schedule.tables(u.device)
        if self.distribution == "uniform":
            first = self._first_from(lowest)
            count = self.schedule.steps + 1 - first
            t = first + (u * count).long().clamp(max=count - 1)
            return alpha[t], sigma[t]
        below = self._share_below(lowest)
        quantile = normal_quantile(below + (1 - below) * u)
        ratio = torch.exp(self.log_sigma_mean + self.log_sigma_std * quantile)
        angle = torch.atan(ratio).clamp(angles[1], angles[-1])
        return torch.cos(angle), torch.sin(angle)

    def _first_from(self, ratio: float) -> int:
        """The first t of at least this sigma/alpha."""
        return 1 + int((self.schedule.sigma[1:] < ratio * self.schedule.alpha[1:]).sum())

    def _share_below(self, ratio: float) -> float:
        """Of the log-normal distribution, below a sigma/alpha."""
        if ratio == 0:
            return 0.0
        return NormalDist(self.log_sigma_mean, self.log_sigma_std).cdf(math.log(ratio))


def normal_quantile(u: Tensor) -> Tensor:
    """The standard normal number below which lies a share u (n,); for an Apple GPU, which lacks the
    operation, computed on the host."""
    quantile: Tensor = torch.special.ndtri(u.cpu() if u.is_mps else u)
    return quantile.to(u.device)


@dataclass(frozen=True)
class Objective:
    """The denoising loss of each galaxy (Ho et al. 2020, Eq. 14, with the paper's Huber loss).

    jitter: standard deviation of the noise on the redshift (section 5.1 of the paper).
    weighting: "none", or "equal": each loss is divided by the typical loss at its noise level.
        Otherwise the high levels, where much of an image cannot be known, outweigh the others.
        The typical loss is a running mean; arXiv:2312.02696, Eq. 21, trains a network for it.
    centre_weight_radius: distance from the centre at which a pixel weighs half as much as there
        [pixel]; None: all weigh alike. The mean that is learned is the same, but a galaxy fills few
        pixels.
    condition_dropout: share of galaxies of which each further condition is left unknown.
    """

    levels: NoiseLevels
    jitter: float = 0.01
    huber_delta: float = 1.0
    weighting: str = "none"
    centre_weight_radius: float | None = None
    condition_dropout: float = 0.0

    def __call__(
        self,
        denoiser: Denoiser,
        x_0: Tensor,
        redshift: Tensor,
        generator: torch.Generator,
        conditions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Losses (B,) and their t (B,), for images (B, C, H, W), redshifts (B,) and further
        conditions (B, K): this process's share of the batch."""
        noise: dict[str, Any] = {"generator": generator, "device": x_0.device}
        batch = len(x_0) * processes.count()  # all draw for all, and keep their share
        alpha, sigma = map(share, self.levels.draw(batch, generator, denoiser.lowest))
        eps = share(torch.randn((batch, *x_0.shape[1:]), dtype=x_0.dtype, **noise))
        jitter = share(torch.randn(batch, dtype=redshift.dtype, **noise))
        condition = redshift + self.jitter * jitter
        if conditions is not None:
            kept = (
                share(torch.rand((batch, conditions.shape[1]), **noise)) >= self.condition_dropout
            )
            known = torch.where(kept, conditions, torch.nan)
            condition = torch.cat([condition[:, None], known], dim=1)
        error = denoiser.error(x_0, eps, alpha, sigma, condition)
        losses = galaxy_losses(error, self.huber_delta, self.centre_weight_radius)
        t = self.levels.schedule.t_of(alpha, sigma)
        if self.weighting == "equal":
            losses = weighing_alike(losses, t, denoiser)
        return losses, t


def galaxy_losses(error: Tensor, huber_delta: float, centre_weight_radius: float | None) -> Tensor:
    """Mean Huber losses (B,) of errors (B, C, H, W), with the weights of `Objective`."""
    zero = torch.zeros_like(error)
    losses = huber_loss(error, zero, reduction="none", delta=huber_delta)
    if centre_weight_radius:
        losses = losses * centre_weights(*error.shape[-2:], centre_weight_radius, error.device)
    return losses.flatten(1).mean(dim=1)


@lru_cache
def centre_weights(height: int, width: int, half: float, device: torch.device) -> Tensor:
    """1 / (1 + (r / half)^2) at r pixels from the centre, over its mean, (height, width)."""
    y, x = (torch.arange(side, device=device) - (side - 1) / 2 for side in (height, width))
    weights = 1 / (1 + (y[:, None] ** 2 + x**2) / half**2)
    return weights / weights.mean()


def weighing_alike(losses: Tensor, t: Tensor, denoiser: Denoiser) -> Tensor:
    """The same losses (B,) with gradients over the typical loss at their t (B,)."""
    seen = gathered(losses.detach()), gathered(t)
    typical = denoiser.typical_loss.update(*seen, denoiser.schedule.steps)
    return with_gradient_over(losses, share(typical))


def with_gradient_over(losses: Tensor, typical: Tensor) -> Tensor:
    """The same losses, which are logged as they are, with gradients divided by `typical` (B,)."""
    constant = losses.detach()
    return constant + (losses - constant) / typical
