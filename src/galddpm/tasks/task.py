"""What every kind of run offers to the command that trains it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from galddpm import build
from galddpm.build import Trained
from galddpm.config.schema import AnyConfig
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


class Task(ABC):
    """A kind of run. Making one raises UserError for a mistake that shows without data.

    Scaling and batches are those of the config's training file, unless a kind has others.
    """

    config: AnyConfig
    inspect_every: int | None  # images between two looks
    provenance: Mapping[str, str] = MappingProxyType({})  # depended on besides config and data

    def make_scaling(self, galaxies: GalaxyFile) -> Scaling:
        """Flux to pixels. Raises UserError."""
        return build.make_scaling(self.config, galaxies)

    def make_batches(
        self,
        galaxies: GalaxyFile,
        scaling: Scaling,
        device: torch.device,
        run: Path,
        progress: Callable[..., Any],
    ) -> Callable[[int], Any]:
        """Batch number -> batch, of the named type that `losses` takes."""
        return build.make_stream(self.config, galaxies, scaling, device, run, progress)

    @abstractmethod
    def make_model(self, scaling: Scaling, device: torch.device) -> Trained:
        """The model as training starts with it. Raises UserError."""

    @abstractmethod
    def losses(
        self, model: Any, batch: Any, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Losses (B,), and the values (B,) by name to report them against; done: share of the plan
        that is over. model, batch: what this task makes."""

    @abstractmethod
    def make_inspection(
        self, scaling: Scaling, redshifts: list[float], device: torch.device, run: Path
    ) -> Inspection:
        """What looks at the model during training; redshifts: quantiles of those trained on."""
