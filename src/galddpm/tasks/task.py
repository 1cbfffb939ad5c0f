"""What every kind of run offers to the command that trains it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from galddpm.build import Trained
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling


class Inspection(Protocol):
    """Looks at the averaged model now and then while it trains."""

    def __call__(self, model: nn.Module, images_seen: int) -> None:
        """Look at the model after so many images."""

    def exhausted(self, images_seen: int) -> bool:
        """Whether the run is to end before its plan does."""

    def chosen(self, model: nn.Module) -> nn.Module:
        """The model that the run ends with."""

    def summary(self) -> dict[str, Any]:
        """What the provenance is to tell of the looks."""


class Task(Protocol):
    """A kind of run. Making one raises UserError for a mistake that shows without data."""

    inspect_every: int | None  # images between two looks
    provenance: Mapping[str, str]  # what the results depend on besides config and data

    def make_scaling(self, galaxies: GalaxyFile) -> Scaling:
        """Flux to pixels. Raises UserError."""

    def make_model(self, scaling: Scaling, device: torch.device) -> Trained:
        """The model as training starts with it. Raises UserError."""

    def make_batches(
        self,
        galaxies: GalaxyFile,
        scaling: Scaling,
        device: torch.device,
        run: Path,
        progress: Callable[..., Any],
    ) -> Callable[[int], Any]:
        """Batch number -> batch, of the named type that `losses` takes."""

    def losses(
        self, model: Any, batch: Any, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Losses (B,), and the values (B,) by name to report them against; done: share of the plan
        that is over. model, batch: what this task makes."""

    def make_inspection(
        self, scaling: Scaling, redshifts: list[float], device: torch.device, run: Path
    ) -> Inspection:
        """What looks at the model during training; redshifts: quantiles of those trained on."""
