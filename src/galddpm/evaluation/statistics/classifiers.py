"""Classifier two-sample tests: how often can a learner tell generated galaxies from real ones?

Lopez-Paz & Oquab 2017 (arXiv:1610.06545). An accuracy of 0.5 means that it cannot.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from torch import nn

from galddpm.arrays import Floats
from galddpm.evaluation.statistics.distributions import LEAST
from galddpm.evaluation.statistics.matching import Selection

FOLDS = 5
MOST = 4000  # galaxies a side for the trees
TREES = {"max_iter": 60, "max_leaf_nodes": 15, "learning_rate": 0.1, "random_state": 0}
FLOORS = 3  # splits of the real set on which the same is done
Z_95 = 1.96  # of the binomial interval
PIXEL_MOST, PIXEL_FOLDS, PIXEL_EPOCHS, PIXEL_BATCH = 1000, 2, 8, 32
SOFTENING = 5.0  # of asinh pixels [sky sigma]


def compare_by_trees(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> dict[str, Any]:
    """Accuracy of gradient-boosted trees on tables (n, d) that may have missing values.

    reference: the other real table of the floor.
    """
    sides = real[chosen.real], generated[chosen.generated]
    floors = [(real[first], reference[other]) for first, other in chosen.splits[:FLOORS]]
    return _compare(sides, floors, tree_accuracy, MOST)


def compare_by_pixels(real: Floats, generated: Floats, sky_sigma: Floats) -> dict[str, Any]:
    """Accuracy of a small CNN on asinh pixels of images (n, C, H, W) [count].

    sky_sigma: (C,) [count], by which pixels are softened. The floor is that of two halves of the
    real set.
    """
    soft = SOFTENING * sky_sigma[:, None, None]
    sides = [np.arcsinh(np.nan_to_num(x) / soft).astype(np.float32) for x in (real, generated)]
    half = np.random.default_rng(1).permutation(len(real))
    floors = [(sides[0][half[::2]], sides[0][half[1::2]])]
    return _compare(sides, floors, pixel_accuracy, PIXEL_MOST)


def _compare(
    sides: Sequence[Floats],
    floors: Sequence[tuple[Floats, Floats]],
    accuracy: Callable[[Floats, Floats], float],
    most: int,
) -> dict[str, Any]:
    """Accuracy on equal numbers of each side, its binomial interval, and the mean of the floor."""
    rng = np.random.default_rng(0)
    count = min(*map(len, sides), most)
    result: dict[str, Any] = {"n": count, "accuracy": None, "accuracy_interval": None}
    result |= {"accuracy_floor": None, "reason": None}
    if count < LEAST:
        return result | {"reason": f"{count} galaxies on a side, fewer than {LEAST}"}
    found = accuracy(*(_draw(side, count, rng) for side in sides))
    reach = Z_95 * np.sqrt(found * (1 - found) / (2 * count))
    sizes = [min(*map(len, pair), count) for pair in floors]
    null = [
        accuracy(*(_draw(side, size, rng) for side in pair))
        for pair, size in zip(floors, sizes, strict=True)
        if size >= LEAST // 2
    ]
    result |= {"accuracy": found, "accuracy_interval": [found - reach, min(1.0, found + reach)]}
    return result | {"accuracy_floor": float(np.mean(null)) if null else None}


def tree_accuracy(a: Floats, b: Floats) -> float:
    """Share of rows told right by trees that were not grown on them, in `FOLDS` folds."""
    values, side = np.concatenate([a, b]), np.repeat([0, 1], [len(a), len(b)])
    right = np.zeros(len(side), dtype=bool)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(values, side):
        trees = HistGradientBoostingClassifier(**TREES).fit(values[train], side[train])
        right[test] = trees.predict(values[test]) == side[test]
    return float(right.mean())


def pixel_accuracy(a: Floats, b: Floats) -> float:
    """The same by a small CNN on pixels (n, C, H, W)."""
    pixels = torch.from_numpy(np.concatenate([a, b]))
    side = torch.from_numpy(np.repeat([0.0, 1.0], [len(a), len(b)])).float()
    right = torch.zeros(len(side), dtype=torch.bool)
    folds = StratifiedKFold(PIXEL_FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(np.zeros(len(side)), side.numpy()):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = _trained(pixels[train], side[train])
        with torch.inference_mode():
            said = torch.cat([model(part)[:, 0] for part in pixels[test].split(256)]) > 0
        right[test] = said == (side[test] > 0.5)
    return float(right.float().mean())


def _trained(pixels: torch.Tensor, side: torch.Tensor) -> nn.Module:
    """A CNN that tells the sides apart, trained on randomly turned images."""
    widths = [pixels.shape[1], 16, 32, 64]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.GroupNorm(1, outputs)]
        layers += [nn.GELU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 1))
    steps = PIXEL_EPOCHS * -(-len(side) // PIXEL_BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(PIXEL_EPOCHS):
        for rows in torch.randperm(len(side)).split(PIXEL_BATCH):
            turned = torch.rot90(pixels[rows], int(torch.randint(4, ())), dims=(2, 3))
            said = model(turned.flip(-1) if torch.rand(()) < 0.5 else turned)[:, 0]
            nn.functional.binary_cross_entropy_with_logits(said, side[rows]).backward()
            optimiser.step()
            optimiser.zero_grad()
            rate.step()
    return model.eval()


def _draw(table: Floats, count: int, rng: np.random.Generator) -> Floats:
    return table[np.sort(rng.choice(len(table), count, replace=False))]
