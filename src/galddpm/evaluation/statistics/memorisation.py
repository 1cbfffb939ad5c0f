"""Did the model learn galaxies by heart? Distances to the nearest training galaxy, and twins."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.data.symmetries import all_turns

MOST = 1000  # galaxies a side, from the first on
BIN = 2  # pixels a side that are averaged: shape counts, not the noise of a pixel
CENTRAL = 0.5  # share of the stamp's side that is compared: the galaxy, not its neighbours
SOFTENING = 5.0  # of asinh pixels [sky sigma]
BLOCK = 4096  # training galaxies at a time
TWIN = 0.5  # of the smallest distance between two real galaxies, below which two are one
COPIED = 0.01  # quantile of the real galaxies' distances below which a generated one is suspect


def vectors(image: Floats, sky_sigma: Floats) -> Tensor:
    """asinh pixels of the stamp's centre, averaged over BIN x BIN, (n, C, H, W) -> (n, C, h, w)."""
    height, width = image.shape[-2:]
    top, left = (round(side * (1 - CENTRAL) / 2) for side in (height, width))
    centre = np.nan_to_num(image[..., top : height - top, left : width - left])
    soft = SOFTENING * sky_sigma[:, None, None]
    pixels = torch.from_numpy(np.arcsinh(centre / soft).astype(np.float32))
    return torch.nn.functional.avg_pool2d(pixels, BIN)


def nearest(image: Tensor, others: Tensor, own: bool = False) -> Tensor:
    """Distance of each of n vectors to the nearest of `others` under the eight symmetries, (n,).

    own: whether both are one set, in which no vector is its own neighbour.
    """
    near = torch.full((len(image),), torch.inf)
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK].flatten(1)
        for turned in all_turns(image):
            distance = torch.cdist(turned.flatten(1), block)
            if own:
                rows = torch.arange(start, start + block.shape[0])
                distance[rows, rows - start] = torch.inf
            near = torch.minimum(near, distance.min(dim=1).values)
    return near


def unique_fraction(generated: Tensor, real: Tensor) -> float:
    """Share of the generated vectors that have no twin among themselves: another one nearer than
    `TWIN` times the smallest distance between two real ones."""
    least = float(nearest(real, real, own=True).min())
    return float((nearest(generated, generated, own=True) >= TWIN * least).float().mean())


def compare_memory(real: Tensor, generated: Tensor, training: Tensor) -> dict[str, Any]:
    """Nearest training galaxies of generated galaxies, against those of real ones held out.

    copied_fraction: share of the generated ones nearer than all but 1 % of the real ones are, so
    0.01 without memorising. median_ratio: of the median distances, 1 without; None where the real
    galaxies are themselves training galaxies.
    """
    distance = {
        side: nearest(x, training) for side, x in (("real", real), ("generated", generated))
    }
    limit = torch.quantile(distance["real"], COPIED)
    medians = {side: float(values.median()) for side, values in distance.items()}
    return {
        "n_real": len(real),
        "n_generated": len(generated),
        "n_training": len(training),
        "median_real": medians["real"],
        "median_generated": medians["generated"],
        "median_ratio": medians["generated"] / medians["real"] if medians["real"] else None,
        "copied_fraction": float((distance["generated"] < limit).float().mean()),
    }
