"""Did the model learn galaxies by heart, or make the same few? Nearest neighbours, and twins.

Galaxies are compared as a person would compare them: centred, without most of the noise, on an
asinh stretch, in the directions in which real galaxies differ most, under the eight symmetries.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.data.symmetries import all_turns
from galddpm.evaluation.statistics.image_statistics import smoothed

SMOOTHING = 1.0  # [pix] of the Gaussian that takes the noise of a pixel
CENTRAL = 0.5  # share of the stamp's side that is compared: the galaxy, not its neighbours
WINDOW = 4.0  # [pix] of the Gaussian that the centroid is weighted with
RECENTRED = 1.5  # times the weighted centroid, which lies too near to the stamp's centre
SOFTENING = 3.0  # of asinh pixels [sky sigma]
BIN = 2  # pixels a side that are averaged
COMPONENTS = 50  # directions; what is left of a galaxy is mostly noise
BLOCK = 4096  # training galaxies at a time
NEIGHBOURS = 3  # the nearest is compared with the third: one twin in the training set hides no copy
TWIN, FAMILIAR = (
    0.7,
    0.05,
)  # of this quantile of real galaxies' distances: nearer than that are twins
COPIED = 0.01  # quantile of real galaxies' ratios below which a generated one is suspect


class Space(NamedTuple):
    """The directions in which galaxies are compared: a mean (d,) and the axes (d, COMPONENTS)."""

    mean: Tensor
    axes: Tensor

    def place(self, vectors: Tensor) -> Tensor:
        """(n, C, h, w) to (n, COMPONENTS), in float64: fast distances lose half of the digits."""
        return ((vectors.flatten(1) - self.mean) @ self.axes).double()


def vectors(image: Floats, sky_sigma: Floats) -> Tensor:
    """Centred, smoothed, stretched and averaged pixels of stamps, (n, C, H, W) -> (n, C, h, w)."""
    unit = sky_sigma.astype(np.float32)[:, None, None]
    pixels = torch.from_numpy(np.nan_to_num(image).astype(np.float32) / unit)
    pixels = _centred(smoothed(pixels, SMOOTHING))
    height, width = image.shape[-2:]
    top, left = (round(side * (1 - CENTRAL) / 2) for side in (height, width))
    centre = pixels[..., top : height - top, left : width - left]
    return torch.nn.functional.avg_pool2d(torch.asinh(centre / SOFTENING), BIN)


def _centred(pixels: Tensor) -> Tensor:
    """Each stamp moved so that its central light lies on the middle, by phases in Fourier space."""
    height, width = pixels.shape[-2:]
    y, x = (torch.arange(side) - (side - 1) / 2 for side in (height, width))
    window = torch.exp(-(y[:, None] ** 2 + x**2) / (2 * WINDOW**2))
    light = pixels.mean(1).clamp(min=0) * window
    total = light.sum((1, 2)).clamp(min=torch.finfo(light.dtype).tiny)
    down = RECENTRED * (light.sum(2) @ y) / total
    across = RECENTRED * (light.sum(1) @ x) / total
    k_y, k_x = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)
    turn = 2 * np.pi * (k_y * down[:, None, None] + k_x * across[:, None, None])
    moved = torch.fft.rfft2(pixels) * torch.polar(torch.ones_like(turn), turn)[:, None]
    centred: Tensor = torch.fft.irfft2(moved, s=(height, width))
    return centred


def find_space(vectors: Tensor) -> Space:
    """The principal components of galaxies (n, C, h, w) in all eight symmetries."""
    turns = torch.cat([turned.flatten(1) for turned in all_turns(vectors)])
    mean = turns.mean(0)
    apart = turns - mean
    _, axes = torch.linalg.eigh(apart.T @ apart)
    return Space(mean, axes[:, -COMPONENTS:])


def nearest(image: Tensor, others: Tensor, space: Space, own: bool = False) -> Tensor:
    """Distances of n vectors (n, C, h, w) to the nearest `NEIGHBOURS` of the places `others`
    (m, COMPONENTS) under the eight symmetries, (n, NEIGHBOURS), the nearest first.

    own: whether both are one set, in which no vector is its own neighbour.
    """
    near = torch.full((len(image), NEIGHBOURS), torch.inf, dtype=torch.float64)
    turns = [space.place(turned) for turned in all_turns(image)]
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK]
        distance = torch.stack([torch.cdist(places, block) for places in turns]).amin(0)
        if own:
            rows = torch.arange(start, start + len(block))
            distance[rows, rows - start] = torch.inf
        both = torch.cat([near, distance], dim=1)
        near = both.topk(NEIGHBOURS, dim=1, largest=False).values
    return near


def unique_fraction(generated: Tensor, real: Tensor, space: Space) -> float:
    """Share of the generated vectors that have no twin among themselves.

    A twin is another one nearer than `TWIN` times the `FAMILIAR` quantile of the distances of as
    many real ones to their nearest, so that a few duplicates in the real set change nothing.
    """
    count = min(len(generated), len(real))
    own = [
        nearest(side[:count], space.place(side[:count]), space, own=True)[:, 0]
        for side in (generated, real)
    ]
    return float((own[0] >= TWIN * torch.quantile(own[1], FAMILIAR)).float().mean())


def compare_memory(
    real: Tensor, generated: Tensor, training: Tensor, space: Space
) -> dict[str, Any]:
    """Nearest training galaxies of generated galaxies, against those of real ones held out.

    training: their places, (m, COMPONENTS). copied_fraction: share of the generated ones whose
    nearest training galaxy is nearer, in units of the third nearest, than those of all but 1 % of
    the real ones are, so 0.01 without memorising (the ratio of Yoon et al. 2023, which sees copies
    under fresh noise). median_ratio: of the median distances, 1 without; None where the real
    galaxies are themselves training galaxies. Both are None for a training set too small for it.
    """
    near = {
        "real": nearest(real, training, space),
        "generated": nearest(generated, training, space),
    }
    medians = {side: float(distance[:, 0].median()) for side, distance in near.items()}
    result: dict[str, Any] = {
        "n_real": len(real),
        "n_generated": len(generated),
        "n_training": len(training),
        "median_real": medians["real"],
        "median_generated": medians["generated"],
        "median_ratio": medians["generated"] / medians["real"] if medians["real"] else None,
        "copied_fraction": None,
    }
    if len(training) < NEIGHBOURS:
        return result
    ratio = {side: distance[:, 0] / distance[:, -1] for side, distance in near.items()}
    limit = torch.quantile(ratio["real"].nan_to_num(1.0), COPIED)
    copied = (ratio["generated"].nan_to_num(0.0) < limit) | (near["generated"][:, 0] == 0)
    return result | {"copied_fraction": float(copied.float().mean())}
