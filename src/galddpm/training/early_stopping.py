"""Stops a run that no longer gets better on held-out data, and keeps its best weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from galddpm.training.checkpoint import load_tensors, load_weights, save_tensors


@dataclass
class EarlyStopping:
    """Called with a model and the images seen, remembers the weights of the lowest `score`.

    score: the loss of a model on held-out data. patience: images without a better one after which
    the run is `exhausted`. path: where the best weights are kept; a resumed run finds them there.
    """

    score: Callable[[nn.Module], float]
    patience: int
    path: Path

    def __post_init__(self) -> None:
        self.loss, self.images_seen = float("inf"), 0
        if self.path.exists():
            _, best = load_tensors(self.path)
            self.loss, self.images_seen = best["loss"], best["images_seen"]

    def __call__(self, model: nn.Module, images_seen: int) -> None:
        loss = self.score(model)
        if loss < self.loss:
            self.loss, self.images_seen = loss, images_seen
            save_tensors(self.path, model.state_dict(), self.summary())

    def exhausted(self, images_seen: int) -> bool:
        """Whether the run has gone on for too long without getting better."""
        return images_seen - self.images_seen >= self.patience

    def chosen(self, model: nn.Module) -> nn.Module:
        """The model with the best weights; as it is where none were kept."""
        if self.path.exists():
            load_weights(model, load_tensors(self.path)[0], self.path)
        return model

    def summary(self) -> dict[str, Any]:
        """The best loss on held-out data, and when it was reached; empty before the first look."""
        if self.loss == float("inf"):
            return {}
        return {"loss": self.loss, "images_seen": self.images_seen}
