"""Noise schedules and lists of noise levels.

A noise level is a pair (alpha, sigma) with x = alpha x_0 + sigma eps. Tables are float64 and
indexed by t = 0..T: t = 0 is the image, (1, 0), and t = T the noisiest level.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from galddpm.arrays import Floats
from galddpm.devices import widest_float

Level = tuple[float, float]
Tables = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
KARRAS_RHO = 7.0  # Karras et al. 2022, arXiv:2206.00364, Eq. 5


def linear_beta(steps: int, start: float, end: float) -> Floats:
    """beta_t for t = 1..T, linear in t, (T,) float64 (Ho et al. 2020; section 5.1 of the paper)."""
    return np.linspace(start, end, steps, dtype=np.float64)


def alpha_bar_of(beta: Floats) -> Floats:
    """alpha_bar_t = prod_{s <= t} (1 - beta_s) for t = 0..T, (T + 1,); alpha_bar_0 = 1."""
    return np.concatenate([[1.0], np.cumprod(1.0 - beta)])


def beta_of(alpha_bar: Floats) -> Floats:
    """beta_t for t = 1..T from alpha_bar_t for t = 0..T."""
    return 1.0 - alpha_bar[1:] / alpha_bar[:-1]


def with_zero_terminal_snr(alpha_bar: Floats) -> Floats:
    """Shift and scale sqrt(alpha_bar) so that alpha_bar_T = 0 and alpha_bar_1 stays.

    Lin et al. 2023, arXiv:2305.08891, algorithm 1. The light that leaks through sqrt(alpha_bar_T)
    tells a network the brightness of the image, which the noise that sampling starts from does not.
    """
    root = np.sqrt(alpha_bar)
    root[1:] = (root[1:] - root[-1]) * root[1] / (root[1] - root[-1])
    return root**2


@dataclass(frozen=True)
class Schedule:
    """A variance-preserving process: alpha_bar (T + 1,) float64, from 1 downwards."""

    alpha_bar: Floats
    _on_device: dict[torch.device, Tables] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def linear(
        cls, steps: int, start: float, end: float, zero_terminal_snr: bool = False
    ) -> "Schedule":
        """The linear-beta schedule of the paper, section 5.1."""
        alpha_bar = alpha_bar_of(linear_beta(steps, start, end))
        return cls(with_zero_terminal_snr(alpha_bar) if zero_terminal_snr else alpha_bar)

    def __post_init__(self) -> None:
        if self.alpha_bar[0] != 1 or (np.diff(self.alpha_bar) >= 0).any():
            raise ValueError("alpha_bar must start at 1 and fall strictly")

    @property
    def steps(self) -> int:
        """T."""
        return len(self.alpha_bar) - 1

    @property
    def alpha(self) -> Floats:
        return np.sqrt(self.alpha_bar)

    @property
    def sigma(self) -> Floats:
        sigma: Floats = np.sqrt(1.0 - self.alpha_bar)
        return sigma

    def tables(self, device: torch.device) -> Tables:
        """alpha, sigma and the angle atan2(sigma, alpha), (T + 1,) `widest_float` each, copied to
        the device once: a copy in every training step would make the device wait for the host."""
        if device not in self._on_device:
            tables = (self.alpha, self.sigma, np.arctan2(self.sigma, self.alpha))
            dtype = widest_float(device)
            alpha, sigma, angle = (torch.from_numpy(table).to(dtype).to(device) for table in tables)
            self._on_device[device] = alpha, sigma, angle
        return self._on_device[device]

    def t_of(self, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """t of levels (B,), not only whole ones, `widest_float` in [0, T].

        Linear between table entries in the angle atan2(sigma, alpha), which is finite at alpha = 0,
        and depends on sigma/alpha alone, so that (1, sigma) is a level of the same process.
        """
        _, _, angles = self.tables(alpha.device)
        angle = torch.atan2(sigma.to(angles), alpha.to(angles)).clamp(angles[0], angles[-1])
        above = torch.searchsorted(angles, angle.contiguous()).clamp(1, self.steps)
        low, high = angles[above - 1], angles[above]
        return above - 1 + (angle - low) / (high - low)

    def levels(
        self,
        steps: int,
        spacing: str = "uniform",
        sigma_min: float = 0.0,
        sigma_max: float = math.inf,
    ) -> list[Level]:
        """steps + 1 noise levels, from the noisiest down to the image, (1, 0).

        spacing: "uniform" in t from T, or "karras", uniform in (sigma/alpha)^(1/7) from sigma_max
            to sigma_min, or the schedule's ends where these are nearer.
        Raises ValueError for more steps than T or an unknown spacing.
        """
        if not 1 <= steps <= self.steps:
            raise ValueError(f"steps: found {steps}, expected 1 to {self.steps}")
        if spacing == "uniform":
            t = np.round(np.linspace(self.steps, 0, steps + 1)).astype(int)
            return [(float(self.alpha[i]), float(self.sigma[i])) for i in t]
        if spacing == "karras":
            return self._karras(steps, sigma_min, sigma_max)
        raise ValueError(f"spacing: found {spacing!r}, expected uniform or karras")

    def _karras(self, steps: int, sigma_min: float, sigma_max: float) -> list[Level]:
        """Eq. 5 of arXiv:2206.00364; (0, 1), if the schedule holds it, comes first."""
        first = [(0.0, 1.0)] if self.alpha_bar[-1] == 0 else []
        noisiest = -2 if first else -1
        largest, smallest = (self.sigma[t] / self.alpha[t] for t in (noisiest, 1))
        ratios = karras_sigmas(
            steps - len(first), max(smallest, sigma_min), min(largest, sigma_max)
        )
        cosines = 1.0 / np.hypot(1.0, ratios)
        inside = [(float(c), float(c * r)) for c, r in zip(cosines, ratios, strict=True)]
        return [*first, *inside, (1.0, 0.0)]


def karras_sigmas(steps: int, smallest: float, largest: float) -> Floats:
    """`steps` values of sigma from largest to smallest (arXiv:2206.00364, Eq. 5, rho = 7)."""
    ramp = np.linspace(0, 1, steps) if steps > 1 else np.zeros(steps)
    high, low = largest ** (1 / KARRAS_RHO), smallest ** (1 / KARRAS_RHO)
    sigmas: Floats = (high + ramp * (low - high)) ** KARRAS_RHO
    return sigmas


def edm_levels(steps: int, smallest: float = 0.002, largest: float = 80.0) -> list[Level]:
    """EDM's levels (1, sigma), down to (1, 0) (arXiv:2206.00364, Table 1)."""
    sigmas = karras_sigmas(steps, smallest, largest)
    return [*((1.0, float(sigma)) for sigma in sigmas), (1.0, 0.0)]
