"""What a stamp looks like in numbers that have a name: by scale, radius, band, and symmetry.

Each stamp is split into layers of structure, differences of Gaussian smoothings, on a linear and on
an asinh stretch; in rings around the centre each layer has its moments. To these come what is left
after a turn by 180 degrees, the power spectrum, and how alike the layers of two bands are.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from galddpm.arrays import Floats

SCALES = (0.7, 1.4, 2.8, 5.6)  # [pix] of the Gaussians whose differences are the layers
RINGS = (0.0, 2.0, 4.0, 8.0, 16.0, np.inf)  # [pix] edges
LEAST_PIXELS = 4  # of a ring that is looked at: a kurtosis needs four
SOFTENING = 3.0  # of the asinh stretch [sky sigma]
WAVES = 8  # rings of the power spectrum
CENTRES = range(-1, 2)  # [pix / 2] from the stamp's middle, where a galaxy's centre is looked for
BLOCK = 64  # galaxies at a time: 5 MB of five-band 64 px stamps
ALL = "all"
SMALL = 1e-3  # [sky sigma] below which a spread is none


class Statistic(NamedTuple):
    """What a column of the table holds."""

    measure: str  # mean, spread, skewness, kurtosis, asymmetry, power or correlation
    stretch: str  # linear or asinh
    band: str  # g, or g-r where two are compared
    scale: str  # [pix] of the layer; waves of the spectrum: half their length
    radius: str  # [pix] of the ring

    def __str__(self) -> str:
        return ":".join(self)


class Table(NamedTuple):
    """Statistics (n, d) of n stamps, and what each column holds."""

    values: Floats
    names: list[Statistic]


def image_statistics(flux: Floats, sky_sigma: Floats, bands: Sequence[str]) -> Table:
    """The statistics of stamps (n, C, H, W) [count]; sky_sigma (C,) [count] is their unit.

    Pixels that are not finite count as dark.
    """
    unit = sky_sigma.astype(np.float32)[:, None, None]
    blocks = []
    for start in range(0, len(flux), BLOCK):
        pixels = torch.from_numpy(
            np.nan_to_num(flux[start : start + BLOCK].astype(np.float32)) / unit
        )
        names, columns = zip(*_columns(pixels, bands), strict=True)
        blocks.append(torch.stack(columns, 1).numpy())
    return Table(np.concatenate(blocks), list(names))


def _columns(pixels: Tensor, bands: Sequence[str]) -> Iterator[tuple[Statistic, Tensor]]:
    """Each statistic with its values (n,)."""
    rings = ring_weights(*pixels.shape[-2:])
    stretched = torch.asinh(pixels / SOFTENING)
    by_stretch = {"linear": layers(pixels), "asinh": layers(stretched)}
    for stretch, by_scale in by_stretch.items():
        for scale, layer in by_scale.items():
            for measure, values in moments(layer, rings).items():
                yield from _by_ring(measure, stretch, bands, scale, rings, values)
    pairs = [f"{one}-{other}" for one, other in pairwise(bands)]
    for scale, layer in by_stretch["asinh"].items():
        yield from _by_ring("correlation", "asinh", pairs, scale, rings, alike(layer, rings))
    yield from _by_ring("asymmetry", "asinh", bands, ALL, rings, asymmetry(stretched, rings))
    for scale, powers in power_spectrum(pixels).items():
        for band, column in zip(bands, powers.unbind(1), strict=True):
            yield Statistic("power", "linear", band, scale, ALL), column


def _by_ring(
    measure: str,
    stretch: str,
    bands: Sequence[str],
    scale: str,
    rings: Iterable[str],
    values: Tensor,
) -> Iterator[tuple[Statistic, Tensor]]:
    """The columns of values (n, bands, rings)."""
    for band, of_band in zip(bands, values.unbind(1), strict=True):
        for radius, column in zip(rings, of_band.unbind(1), strict=True):
            yield Statistic(measure, stretch, band, scale, radius), column


def ring_weights(height: int, width: int) -> dict[str, Tensor]:
    """Rings around the stamp's middle, each as the weights (H, W) of a mean over its pixels."""
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    weights = {}
    for low, high in pairwise(RINGS):
        inside = (radius >= low) & (radius < high)
        if inside.sum() >= LEAST_PIXELS:
            weights[f"{low:g}-{high:g}"] = torch.from_numpy((inside / inside.sum()).astype("f4"))
    return weights


def layers(pixels: Tensor) -> dict[str, Tensor]:
    """Structure (n, C, H, W) by scale: differences of smoothings, and what is left, as the last."""
    found, before = {}, pixels
    for scale in SCALES:
        after = smoothed(pixels, scale)
        found[f"{scale:g}"] = before - after
        before = after
    return {**found, "rest": before}


def smoothed(pixels: Tensor, sigma: float) -> Tensor:
    """Convolution of each image with a Gaussian of `sigma` [pix], as one matrix a side."""
    down, across = (
        torch.from_numpy(gaussian_filter1d(np.eye(side, dtype="f4"), sigma, axis=0))
        for side in pixels.shape[-2:]
    )
    return down @ pixels @ across.T


def moments(layer: Tensor, rings: dict[str, Tensor]) -> dict[str, Tensor]:
    """First to fourth moments of a layer within each ring, (n, C, rings) each."""
    weights = torch.stack([ring.flatten() for ring in rings.values()], 1)
    pixels = layer.flatten(2)
    square = pixels**2
    mean, second = pixels @ weights, square @ weights
    third, fourth = (square * pixels) @ weights, square.square_() @ weights
    variance = (second - mean**2).clamp(min=SMALL**2)
    skewness = (third - 3 * mean * second + 2 * mean**3) / variance**1.5
    tail = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    return {
        "mean": mean,
        "spread": variance.log() / 2,
        "skewness": skewness,
        "kurtosis": (tail / variance**2).clamp(min=SMALL).log(),
    }


def alike(layer: Tensor, rings: dict[str, Tensor]) -> Tensor:
    """How alike a layer is in neighbouring bands, within each ring, (n, C - 1, rings): the mean of
    the product over the root of that of the squares."""
    weights = torch.stack([ring.flatten() for ring in rings.values()], 1)
    pixels = layer.flatten(2)
    square = pixels.square() @ weights
    product = (pixels[:, :-1] * pixels[:, 1:]) @ weights
    return product / (square[:, :-1] * square[:, 1:]).sqrt().clamp(min=SMALL**2)


def asymmetry(pixels: Tensor, rings: dict[str, Tensor]) -> Tensor:
    """Logarithm of the rms of what a turn by 180 degrees leaves, within each ring, (n, C, rings).

    Each galaxy is turned about the half pixel, the same in all bands, that leaves least.
    """
    weights = torch.stack([ring.flatten() for ring in rings.values()], 1)
    turned = pixels.flip(-2, -1)
    height, width = pixels.shape[-2:]
    centre = (..., slice(height // 4, -(height // 4)), slice(width // 4, -(width // 4)))
    shifts = [(down, across) for down in CENTRES for across in CENTRES]
    left = [
        (pixels[centre] - turned.roll(shift, (-2, -1))[centre]).square().sum((1, 2, 3))
        for shift in shifts
    ]
    best = torch.stack(left).argmin(0)
    residual = torch.empty_like(pixels)
    for k in best.unique().tolist():
        rows = best == k
        residual[rows] = pixels[rows] - turned[rows].roll(shifts[k], (-2, -1))
    return (residual.square().flatten(2) @ weights).clamp(min=SMALL**2).log() / 2


def power_spectrum(pixels: Tensor) -> dict[str, Tensor]:
    """Logarithm of the mean power in rings of wave number, (n, C) by half a wave's length [pix]."""
    height, width = pixels.shape[-2:]
    power = torch.fft.rfft2(pixels).abs().square() / (height * width)
    k_y, k_x = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    k = torch.hypot(k_y[:, None], k_x[None])
    found = {}
    for low, high in pairwise(np.linspace(0, 0.5, WAVES + 1)):
        inside = (k > low) & (k <= high)
        found[f"{1 / (low + high):.2g}"] = power[..., inside].mean(-1).clamp(min=SMALL**2).log()
    return found
