"""Measurements of one source: pure functions of an image [count, sky-subtracted] and a mask.

Positions count from 0 at the centre of the first pixel, lengths are in pixels, fluxes in counts.
The conventions are SExtractor's (Bertin & Arnouts 1996) as photutils' SourceCatalog keeps them; the
numbers equal its own, for one source and without the cost of its catalog.
"""

from dataclasses import dataclass

import numpy as np
from photutils.geometry import circular_overlap_grid, elliptical_overlap_grid
from scipy.optimize import brentq

from galddpm.arrays import Bools, Floats

KRON_FACTOR = 2.5  # of the first-moment radius, SExtractor's PHOT_AUTOPARAMS
KRON_LEAST = 1.4  # photutils' smallest first-moment radius, in units of the rms axes
KRON_REACH = 6.0  # rms axes inside which the first moment is taken
PIXEL_VARIANCE = 1 / 12  # [pix^2] of a pixel-wide top hat
SMALLEST_RADIUS = 0.1  # [pix] where the search for a radius begins


@dataclass(frozen=True)
class Ellipse:
    """Centre and second-moment ellipse of a source."""

    x: float  # [pix]
    y: float  # [pix]
    semimajor_axis: float  # [pix] 1 sigma, SExtractor's A_IMAGE
    semiminor_axis: float  # [pix] 1 sigma, SExtractor's B_IMAGE
    orientation: float  # [rad] of the major axis, from x towards y

    @property
    def ellipticity(self) -> float:
        """1 - b/a."""
        return 1 - self.semiminor_axis / self.semimajor_axis

    def radius(self, shape: tuple[int, ...]) -> Floats:
        """Elliptical distance of each pixel from the centre, in units of the axes, (H, W)."""
        y, x = np.ogrid[: shape[0], : shape[1]]
        x, y = x - self.x, y - self.y
        cos, sin = np.cos(self.orientation), np.sin(self.orientation)
        along, across = x * cos + y * sin, y * cos - x * sin
        radius: Floats = np.hypot(along / self.semimajor_axis, across / self.semiminor_axis)
        return radius


def isophotal_area(segment: Bools) -> int:
    """Number of pixels of the segment [pix^2] (SExtractor's ISOAREA)."""
    return int(segment.sum())


def moments(image: Floats, segment: Bools) -> Ellipse:
    """Light-weighted centroid and rms axes over the segment; negative pixels weigh nothing.

    An infinitely thin source is widened by the variance of a pixel (SExtractor manual, eq. 43).
    """
    y, x = np.nonzero(segment)
    light = np.maximum(image[y, x], 0.0)
    total = light.sum()
    x_0, y_0 = light @ x / total, light @ y / total
    x, y = x - x_0, y - y_0
    xx, yy, xy = light @ x**2 / total, light @ y**2 / total, light @ (x * y) / total
    while xx * yy - xy**2 < PIXEL_VARIANCE**2:
        xx, yy = xx + PIXEL_VARIANCE, yy + PIXEL_VARIANCE
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    return Ellipse(x_0, y_0, np.sqrt(mean + spread), np.sqrt(mean - spread), angle)


def without_neighbours(image: Floats, others: Bools, ellipse: Ellipse) -> Floats:
    """The image with the pixels of other sources replaced by those opposite the centre, (H, W).

    Where the opposite pixel is another source's too, or outside the stamp, the sky (0) stands.
    """
    clean = image.copy()
    y, x = np.nonzero(others)
    clean[y, x] = 0.0
    mirror_y = np.rint(2 * ellipse.y).astype(int) - y
    mirror_x = np.rint(2 * ellipse.x).astype(int) - x
    height, width = image.shape
    inside = (mirror_y >= 0) & (mirror_y < height) & (mirror_x >= 0) & (mirror_x < width)
    clean[y[inside], x[inside]] = clean[mirror_y[inside], mirror_x[inside]]
    return clean


def kron_scale(image: Floats, ellipse: Ellipse) -> tuple[float, Floats]:
    """Half-axes of the Kron aperture in units of the rms axes, and how they follow each pixel,
    (H, W) [1/count]; NaN where the light has no end.

    First moment of the light within six rms axes (Kron 1980), at least `KRON_LEAST`, times 2.5.
    """
    radius = ellipse.radius(image.shape)
    inside = radius <= KRON_REACH
    light, weighted = image[inside].sum(), (image * radius)[inside].sum()
    first_moment = weighted / light if light > 0 and weighted > 0 else KRON_LEAST
    if first_moment > KRON_REACH:
        return np.nan, np.zeros_like(image)
    if first_moment <= KRON_LEAST:
        return KRON_FACTOR * KRON_LEAST, np.zeros_like(image)
    slope = np.where(inside, KRON_FACTOR * (radius - first_moment) / light, 0.0)
    return KRON_FACTOR * first_moment, slope


def light_at_edge(image: Floats, ellipse: Ellipse, scale: float) -> float:
    """What an aperture of `scale` rms axes gains in light [count] by unit growth of its scale: the
    mean of the pixels that its edge crosses, times the growth of its area."""
    width = 1 / ellipse.semiminor_axis
    ring = np.abs(ellipse.radius(image.shape) - scale) <= width / 2
    area = 2 * np.pi * scale * ellipse.semimajor_axis * ellipse.semiminor_axis
    return float(image[ring].mean() * area) if ring.any() else 0.0


def kron_aperture(shape: tuple[int, ...], ellipse: Ellipse, scale: float) -> Floats:
    """Share of each pixel inside the ellipse of `scale` rms axes, exact, (H, W)."""
    a, b = scale * ellipse.semimajor_axis, scale * ellipse.semiminor_axis
    edges, turn = _edges(shape, ellipse), ellipse.orientation
    aperture: Floats = elliptical_overlap_grid(*edges, a, b, turn, 1, 1)
    return aperture


def light_within(image: Floats, ellipse: Ellipse, radius: float) -> float:
    """Light [count] in the circle of that radius [pix] around the centroid, exact."""
    edges = _edges(image.shape, ellipse)
    return float((image * circular_overlap_grid(*edges, radius, 1, 1)).sum())


def light_radius(image: Floats, ellipse: Ellipse, light: float, largest: float) -> float:
    """Radius [pix] of the circle around the centroid that holds so much light [count], or NaN.

    Noise can make the curve of growth fall again, so that `largest` holds less: the search then
    ends at smaller circles, as photutils' does.
    """

    def missing(radius: float) -> float:
        return light - light_within(image, ellipse, radius)

    if missing(SMALLEST_RADIUS) <= 0:
        return np.nan
    for end in np.arange(1.0, 0.0, -0.1) * largest:
        if end > SMALLEST_RADIUS and missing(end) < 0:
            radius: float = brentq(missing, SMALLEST_RADIUS, end, xtol=1e-9)
            return radius
    return np.nan


def _edges(shape: tuple[int, ...], ellipse: Ellipse) -> tuple[float, float, float, float, int, int]:
    """The stamp's edges relative to the centre and its size, as photutils' geometry takes them."""
    height, width = shape
    left, bottom = -0.5 - ellipse.x, -0.5 - ellipse.y
    return left, left + width, bottom, bottom + height, width, height
