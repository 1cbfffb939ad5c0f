"""What a step keeps is counted once, and weights apart."""

import torch
from torch import nn
from torch.nn.functional import gelu

from galddpm.benchmarks.memory import saved_bytes, step_memory
from galddpm.config.load import parse_config

CONFIG = {
    "data": {"training": "a", "validation": "b", "testing": "c", "image_size": 16},
    "network": {"channels": [8], "bottleneck": 8, "blocks": 1, "attention": [], "embedding": 16},
    "training": {"images": 100},
}


class Convolution(nn.Module):
    """Keeps its input and what the GELU takes in, twice, which is one tensor."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(5, 7, 3, padding=1)

    def forward(self, x, t, redshift):
        between = self.layer(x)
        return gelu(between) + between.square()


def test_a_network_by_hand():
    saved = saved_bytes(Convolution(), parse_config(CONFIG, "here"))
    assert saved == 4 * 16 * 16 * (5 + 7)


def test_adamw_keeps_two_moments_and_muon_one():
    sizes = {}
    for optimiser in ("adamw", "muon"):
        training = CONFIG["training"] | {"optimiser": optimiser}
        sizes[optimiser] = step_memory(parse_config(CONFIG | {"training": training}, "here"))
    assert sizes["adamw"]["weights"] * 4 == sizes["muon"]["weights"] * 5
    assert sizes["adamw"]["image"] == sizes["muon"]["image"] > 0
    assert torch.is_grad_enabled()
