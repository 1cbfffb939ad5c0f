"""How the noise level and the redshift enter the network."""

import math

import torch
from torch import Tensor, nn

T_PERIODS = (2 * math.pi, 2e4 * math.pi)  # of t = 0..T [steps] (Vaswani et al. 2017, section 3.5)


def sinusoids(values: Tensor, dimensions: int, shortest: float, longest: float) -> Tensor:
    """(B,) -> (B, dimensions): cosines and sines of periods spaced evenly in their logarithm."""
    ramp = torch.linspace(0, 1, dimensions // 2, device=values.device, dtype=values.dtype)
    periods = shortest * (longest / shortest) ** ramp
    phases = 2 * math.pi * values[:, None] / periods
    return torch.cat([torch.cos(phases), torch.sin(phases)], dim=1)


class ConditionEmbedding(nn.Module):
    """t (B,) and redshift (B,) -> (B, dimensions) (section 5.1 of the paper).

    periods: of the fastest and the slowest wave of the redshift embedding [redshift].
    bin_width: of redshift bins, all of whose redshifts count as its middle; None: as they are.
    """

    def __init__(
        self,
        dimensions: int,
        periods: tuple[float, float] = (0.05, 4.0),
        bin_width: float | None = None,
    ):
        super().__init__()
        self.dimensions, self.periods, self.bin_width = dimensions, periods, bin_width
        self.t = nn.Linear(dimensions, dimensions)
        self.redshift = nn.Linear(dimensions, dimensions)
        self.mix = nn.Linear(dimensions, dimensions)

    def forward(self, t: Tensor, redshift: Tensor) -> Tensor:
        if self.bin_width:
            redshift = (torch.floor(redshift / self.bin_width) + 0.5) * self.bin_width
        together = self.t(sinusoids(t, self.dimensions, *T_PERIODS))
        together = together + self.redshift(sinusoids(redshift, self.dimensions, *self.periods))
        mixed: Tensor = self.mix(nn.functional.silu(together))
        return mixed
