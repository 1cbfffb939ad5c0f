"""What is wrong with survey images: at the rates `RATES`, and none of it without `defects`.

Saturated stars, gaps in the coverage, pixels that went wrong and haloes that the sky's subtraction
took away are part of the published files; their global extremes are -25,241 and 3,648 counts.
"""

from functools import lru_cache

import numpy as np
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.survey import BANDS, SKY_SIGMA
from galddpm.mock.surroundings import Star

RATES = {"zero band": 0.003, "zero area": 0.010, "artefact": 0.004}  # shares of the stamps
SATURATED = 18.0  # i [mag] of stars that bleed and show spikes
FULL_WELL = 550.0  # [count] in i where a pixel saturates: a star of SATURATED in median seeing
SPIKES = (4, 0.03)  # how many, and their light over the star's
OVER_SUBTRACTED = (0.0, 0.15)  # of the light smoothed over SKY_MESH, range
SKY_LEFT = (0.45, 0.10)  # [rms of a sky pixel] that subtraction left, mean and scatter; calibrated
SKY_MESH = 40.0  # [pix] rms
ARTEFACTS = (-25_000.0, 3_600.0)  # [count]
SIGMA = np.array([SKY_SIGMA[band] for band in BANDS])


def draw_defects(image: Floats, light: Floats, stars: tuple[Star, ...], rng: Generator) -> str:
    """Spoils image (5, H, W) [count] in place; light: the same without noise. Names what it did."""
    smooth = _sky_mesh(light.shape[-1])
    image -= np.float32(rng.uniform(*OVER_SUBTRACTED)) * (smooth @ light @ smooth)
    image += (rng.normal(*SKY_LEFT) * SIGMA).astype(np.float32)[:, None, None]
    done = []
    for star in stars:
        if star.magnitude < SATURATED:
            done.append("saturated star")
            _saturate(image, star, rng)
    for name, spoil in (
        ("zero band", _zero_band),
        ("zero area", _zero_area),
        ("artefact", _artefact),
    ):
        if rng.random() < RATES[name]:
            done.append(name)
            spoil(image, rng)
    return ", ".join(done)


@lru_cache(maxsize=2)
def _sky_mesh(side: int) -> Floats:
    """What smooths stamps of this side along an axis, (side, side): far faster than filters."""
    distance = np.arange(side)[:, None] - np.arange(side)
    weights = np.exp(-0.5 * (distance / SKY_MESH) ** 2) / (SKY_MESH * np.sqrt(2 * np.pi))
    matrix: Floats = weights.astype(np.float32)
    return matrix


def _saturate(image: Floats, star: Star, rng: Generator) -> None:
    """Clips the core, and draws a trail along the columns and spikes along the diagonals."""
    height, width = image.shape[1:]
    column, row = np.rint(star.point.places[0] + (width // 2, height // 2)).astype(int)
    rows, columns = np.indices((height, width))
    length = 6 * 10 ** (0.3 * (SATURATED - star.magnitude))  # [pix]
    count, share = SPIKES
    x, y = columns - column, rows - row
    distance = np.hypot(x, y) + 1
    angle = np.arctan2(y, x) + rng.normal(0.78, 0.02)
    off = np.abs(np.sin(count / 2 * angle)) * distance / (count / 2)  # [pix] from the nearest spike
    spikes = np.exp(-0.5 * (off / 1.2) ** 2 - distance / (3 * length)) / distance
    spikes *= share / max(spikes.sum(), 1e-9)
    image += (star.point.flux[:, None, None] * spikes).astype(np.float32)
    trail = (np.abs(x) < 1.5) & (np.abs(y) < length)
    for band, full in zip(image, FULL_WELL * star.point.flux / star.point.flux[2], strict=True):
        np.minimum(band, np.float32(full), out=band)
        band[trail] = np.maximum(band[trail], np.float32(0.7 * full))


def _zero_band(image: Floats, rng: Generator) -> None:
    image[rng.integers(len(BANDS))] = 0


def _zero_area(image: Floats, rng: Generator) -> None:
    """Beyond a straight edge, as at the end of the survey's area, in one band or in all."""
    height, width = image.shape[1:]
    rows, columns = np.indices((height, width))
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(6, 0.5 * width)
    beyond = (columns - width / 2) * np.cos(angle) + (rows - height / 2) * np.sin(angle) > reach
    bands = slice(None) if rng.random() < 0.5 else int(rng.integers(len(BANDS)))
    image[bands] = np.where(beyond, 0, image[bands])


def _artefact(image: Floats, rng: Generator) -> None:
    """A few pixels in a row of one band, far from any light's value."""
    height, width = image.shape[1:]
    row, column = int(rng.integers(height)), int(rng.integers(width - 6))
    value = ARTEFACTS[int(rng.integers(2))] * rng.random() ** 3
    image[rng.integers(len(BANDS)), row, column : column + int(rng.integers(1, 6))] = value
