"""The curve of growth around a centre, and the Petrosian radius that is read off it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from galddpm.arrays import Floats

STEP = 4  # points a pixel
RATIO = 0.2  # of the brightness at the Petrosian radius to the mean inside (Petrosian 1976)


@dataclass(frozen=True)
class Growth:
    """Light and area within the radii 0, 1/4, 1/2, ... [pix]; pixels count as rings of their own
    width, so that the curve is smooth."""

    light: Floats  # (R,) [count]
    area: Floats  # (R,) [pix^2]

    @classmethod
    def of(cls, image: Floats, radius: Floats) -> Self:
        """image: (H, W) [count]; radius: (H, W) [pix] of each pixel."""
        ring = np.rint(STEP * radius).astype(int).ravel()
        return cls(*(_within(ring, weights) for weights in (image.ravel(), None)))

    def petrosian(self) -> float:
        """The radius [pix] where the mean brightness in a ring one pixel wide falls to `RATIO` of
        that inside (Lotz et al. 2004, eq. 4); NaN where it does not."""
        half = STEP // 2
        ring = (self.light[2 * half :] - self.light[: -2 * half]) / np.maximum(
            self.area[2 * half :] - self.area[: -2 * half], 1e-9
        )
        mean = self.light[half:-half] / np.maximum(self.area[half:-half], 1e-9)
        excess = (np.abs(ring) - RATIO * np.abs(mean))[half:]  # from a radius of one pixel on
        below = np.flatnonzero(excess <= 0)
        if not len(below) or below[0] == 0:
            return np.nan
        last = below[0]
        part = excess[last - 1] / (excess[last - 1] - excess[last])
        return float((last - 1 + part + 2 * half) / STEP)


def _within(ring: Floats, weights: Floats | None) -> Floats:
    """Sums within each radius, averaged over the width of a pixel around it."""
    sums = np.cumsum(np.bincount(ring, weights))
    padded = np.cumsum(np.concatenate([np.zeros(1 + STEP // 2), sums]))
    inside: Floats = (padded[STEP:] - padded[:-STEP]) / STEP
    return inside
