"""Averages of the weights whose length is chosen after training (Karras et al. 2024,
arXiv:2312.02696, section 3).

A power-function average at time t is (g + 1) / t^(g + 1) times the integral of tau^g theta(tau)
over 0 < tau < t: it forgets in proportion to the time passed. Its width is its standard deviation
in time over t. Training keeps two widths and now and then a snapshot of both; any other width is a
weighted sum of snapshots, whose weights follow from the profiles tau^g alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from galddpm.errors import UserError
from galddpm.training.checkpoint import load_tensors, prefixed, save_tensors, without_prefix

WIDTHS = (0.05, 0.10)  # that are kept (section 3.2)
EVERY = 8  # steps between two updates, which are much alike; each costs as much as a step of AdamW
FOLDER = "averages"  # of the run folder

Profile = tuple[float, float]  # (time t at which the average ends, exponent g)


def exponent(width: float) -> float:
    """g of a width in (0, 0.28]: the largest root of (g + 1) / ((g + 2)^2 (g + 3)) = width^2.

    Raises ValueError for a width beyond, which no average over all of [0, t] has.
    """
    if not 0 < width <= 0.28:
        raise ValueError(f"width of an average: found {width:g}, expected more than 0, up to 0.28")
    roots = np.roots([1, 7, 16 - width**-2, 12 - width**-2])
    return float(roots.real[np.abs(roots.imag) < 1e-9].max())


def product(a: Profile, b: Profile) -> float:
    """The integral of two profiles (g + 1) tau^g / t^(g + 1), each from 0 to its t."""
    (t_a, g_a), (t_b, g_b) = a, b
    together = g_a + g_b + 1
    powers = together * np.log(min(t_a, t_b)) - (g_a + 1) * np.log(t_a) - (g_b + 1) * np.log(t_b)
    return (g_a + 1) * (g_b + 1) / together * np.exp(powers)


def weights_of(held: Sequence[Profile], wanted: Profile) -> np.ndarray:
    """Weights of the profiles held, of sum 1, whose sum comes nearest to the one wanted."""
    size = len(held)
    normal = np.ones((size + 1, size + 1))  # least squares, and a multiplier for the sum
    normal[:size, :size] = [[product(a, b) for b in held] for a in held]
    normal[size, size] = 0.0
    right = [*(product(a, wanted) for a in held), 1.0]
    return np.linalg.lstsq(normal, np.array(right), rcond=None)[0][:size]


class PowerAverages:
    """Two averages of a model's weights, and their snapshots in a folder."""

    def __init__(self, model: nn.Module, folder: Path):
        self.folder = Path(folder)
        self.tensors = [_weights(model) for _ in WIDTHS]

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps, if that is one of every `EVERY`."""
        if step % EVERY:
            return
        weights = list(dict(model.named_parameters()).values())
        for width, tensors in zip(WIDTHS, self.tensors, strict=True):
            kept = (1 - EVERY / step) ** (exponent(width) + 1)
            torch._foreach_lerp_(list(tensors.values()), weights, 1 - kept)

    def save(self, step: int) -> None:
        """A snapshot after `step` steps."""
        save_tensors(self.folder / f"{step:09d}.safetensors", self.state(), {"step": step})

    def state(self) -> dict[str, Tensor]:
        pairs = zip(WIDTHS, self.tensors, strict=True)
        return {k: v for width, tensors in pairs for k, v in prefixed(f"{width}", tensors).items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Undo `state`."""
        for width, tensors in zip(WIDTHS, self.tensors, strict=True):
            for name, tensor in without_prefix(f"{width}", state).items():
                tensors[name].copy_(tensor)


def averaged(folder: Path, width: float) -> dict[str, Tensor]:
    """The weights at the end of a run, averaged over the given width, from its snapshots.

    Raises UserError where there are none, or for an impossible width.
    """
    files = sorted(Path(folder).glob("*.safetensors"))
    if not files:
        raise UserError(f"{folder}: no snapshots of averages; train with training.snapshot_every")
    try:
        wanted = (_step(files[-1]), exponent(width))
    except ValueError as error:
        raise UserError(str(error)) from None
    held = [(_step(file), exponent(kept)) for file in files for kept in WIDTHS]
    weights = weights_of(held, wanted).reshape(len(files), len(WIDTHS))
    total: dict[str, Tensor] = {}
    for file, shares in zip(files, weights, strict=True):
        tensors, _ = load_tensors(file)
        for kept, share in zip(WIDTHS, shares, strict=True):
            for name, tensor in without_prefix(f"{kept}", tensors).items():
                total[name] = total.get(name, 0.0) + share * tensor.double()
    return {name: tensor.float() for name, tensor in total.items()}


def _step(file: Path) -> float:
    return float(file.stem)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}
