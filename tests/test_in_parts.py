"""A batch in parts: the numbers of the whole, in the memory of a part."""

import pytest
import torch
from torch import nn

from galddpm.commands import train
from galddpm.in_parts import in_parts
from galddpm.training.checkpoint import load_tensors
from helpers.galaxies import write_simple
from helpers.trained import SMALL, SMALL_CNN

ROWS = 7
DENOISER = SMALL.replace("process: {", "process: {weighting: equal, ")


class Counting(nn.Module):
    """A small network that notes how many rows it is given."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 64), nn.GELU(), nn.Linear(64, 3))
        self.seen = []

    def forward(self, x, t):
        self.seen.append(len(x))
        output: torch.Tensor = self.layers(x) * t[:, None]
        return output


def gradients(parts):
    """Of a loss that is not a sum over rows."""
    torch.manual_seed(0)
    network, x, t = Counting().double(), torch.randn(ROWS, 5).double(), torch.rand(ROWS).double()
    output = in_parts(network, parts, x, t)
    output.std().backward()
    return [parameter.grad for parameter in network.parameters()], network.seen


@pytest.mark.parametrize(("parts", "sizes"), [(1, [7]), (2, [4, 3]), (7, [1] * 7), (50, [1] * 7)])
def test_gradients_are_those_of_the_whole(parts, sizes):
    whole, _ = gradients(1)
    found, seen = gradients(parts)
    for expected, gradient in zip(whole, found, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-14)
    again = [] if parts == 1 else sizes[::-1]  # in the backward pass
    assert seen == sizes + again


def test_only_the_rows_are_kept_of_parts():
    network, x, t = Counting(), torch.randn(ROWS, 5), torch.rand(ROWS)
    saved = []
    for parts in (1, 7):
        kept = []

        def keep(tensor, kept=kept):
            kept.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            in_parts(network, parts, x, t)
        saved.append(sum(kept))
    assert saved[0] > ROWS * 64  # what is between the layers
    assert saved[1] <= x.numel() + t.numel()


def test_without_gradients_a_batch_is_whole():
    network = Counting()
    with torch.no_grad():
        in_parts(network, 3, torch.randn(ROWS, 5), torch.rand(ROWS))
    assert network.seen == [ROWS]


@pytest.mark.parametrize("config", [DENOISER, SMALL_CNN])
def test_runs_in_parts_train_to_the_same_weights(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_simple(tmp_path / "galaxies.hdf5", 40, size=16)
    (tmp_path / "small.yaml").write_text(config)
    weights = []
    for parts in ("1", "3"):
        asked = ["--run-dir", f"in{parts}", "--set", f"training.parts={parts}"]
        train.main(["--config", "small.yaml", *asked])
        weights.append(load_tensors(tmp_path / f"in{parts}" / "model.safetensors")[0])
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=0, atol=1e-5)
    assert any((weights[0][name] != weights[1][name]).any() for name in weights[0])  # by rounding
