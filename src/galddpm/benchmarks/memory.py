"""What a training step keeps in memory, counted on one image."""

import torch
from torch import Tensor

from galddpm import build
from galddpm.config.schema import Config

ADAMW, MUON = 2, 1  # numbers that the optimiser keeps for each weight


def step_memory(config: Config) -> dict[str, float]:
    """Bytes in fp32: `image`, what the network's forward pass keeps of each image for its backward
    pass (in bfloat16 about half of it); `weights`, those of model, average, gradients and
    optimiser. The backward pass takes about a third more than `image` for what it is working on.
    """
    network = build.make_network(config).train()
    saved = saved_bytes(network, config)
    numbers = sum(parameter.numel() for parameter in network.parameters())
    kept = MUON if config.training.optimiser == "muon" else ADAMW
    return {"image": float(saved), "weights": 4.0 * numbers * (3 + kept)}


def saved_bytes(network: torch.nn.Module, config: Config) -> int:
    """Bytes that one image leaves for the backward pass, besides weights."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = (
            tensor  # alive, so that no other takes its place
        )
        return tensor

    side = config.data.image_size
    x = torch.zeros(1, len(config.data.bands), side, side)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(x, torch.ones(1), torch.ones(1))
    return sum(t.untyped_storage().nbytes() for place, t in kept.items() if place not in weights)
