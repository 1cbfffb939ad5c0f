"""How the noise level and the redshift enter the network."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from galddpm.networks.blocks import zero_initialised

T_PERIODS = (2 * math.pi, 2e4 * math.pi)  # of t = 0..T [steps] (Vaswani et al. 2017, section 3.5)
NEW_CONDITIONS = "embedding.others."  # in the names of weights, which begin as if there were none
PLACE_PERIODS = (0.02, 4.0)  # of a condition's place in its range


def sinusoids(values: Tensor, dimensions: int, shortest: float, longest: float) -> Tensor:
    """(B,) -> (B, dimensions): cosines and sines of periods spaced evenly in their logarithm."""
    ramp = torch.linspace(0, 1, dimensions // 2, device=values.device, dtype=values.dtype)
    periods = shortest * (longest / shortest) ** ramp
    phases = 2 * math.pi * values[:, None] / periods
    return torch.cat([torch.cos(phases), torch.sin(phases)], dim=1)


class ConditionEmbedding(nn.Module):
    """t (B,) and what is asked for -> (B, dimensions) (section 5.1 of the paper).

    What is asked for is redshifts (B,), or (B, 1 + K) with K further conditions. One that is NaN or
    outside its range is unknown, which adds nothing; with redshifts alone all are.

    periods: of the fastest and the slowest wave of the redshift embedding [redshift].
    bin_width: of redshift bins, all of whose redshifts count as its middle; None: as they are.
    ranges: of the further conditions, each in its own unit.
    """

    def __init__(
        self,
        dimensions: int,
        periods: tuple[float, float] = (0.05, 4.0),
        bin_width: float | None = None,
        ranges: Sequence[tuple[float, float]] = (),
    ):
        super().__init__()
        self.dimensions, self.periods, self.bin_width = dimensions, periods, bin_width
        self.ranges = tuple(ranges)
        self.t = nn.Linear(dimensions, dimensions)
        self.redshift = nn.Linear(dimensions, dimensions)
        self.mix = nn.Linear(dimensions, dimensions)
        # zero, so that a model that did not know them begins as it was
        others = (zero_initialised(nn.Linear(dimensions, dimensions)) for _ in ranges)
        self.others = nn.ModuleList(others)

    def forward(self, t: Tensor, condition: Tensor) -> Tensor:
        redshift, *others = condition.unbind(dim=1) if condition.ndim == 2 else [condition]
        if self.bin_width:
            redshift = (torch.floor(redshift / self.bin_width) + 0.5) * self.bin_width
        together = self.t(sinusoids(t, self.dimensions, *T_PERIODS))
        together = together + self.redshift(sinusoids(redshift, self.dimensions, *self.periods))
        for layer, values, span in zip(self.others, others, self.ranges, strict=False):
            together = together + self._known(layer, values, span)
        mixed: Tensor = self.mix(nn.functional.silu(together))
        return mixed

    def _known(self, layer: nn.Module, values: Tensor, span: tuple[float, float]) -> Tensor:
        """What values (B,) of a condition add, nothing where they are unknown."""
        known = (values >= span[0]) & (values <= span[1])
        place = (torch.where(known, values, span[0]) - span[0]) / (span[1] - span[0])
        waves = sinusoids(place, self.dimensions, *PLACE_PERIODS)
        added: Tensor = layer(waves) * known[:, None]
        return added
