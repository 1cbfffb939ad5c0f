"""Exponential moving average of the weights."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """average <- d average + (1 - d) weights, with d = min(decay, (1 + n) / (10 + n)) at update n.

    The warm-up keeps short runs from averaging over their first random weights. The average is a
    module of its own, in evaluation mode; the trained one is never written to.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after one more training step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages: list[Tensor] = list(self.model.parameters())
        weights: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(averages, weights, 1.0 - decay)
        self.updates += 1
