"""Turning a source by 180 degrees: around which point, and what is then seen where."""

import numpy as np
import scipy.fft

from galddpm.arrays import Array, Bools, Floats
from galddpm.evaluation.measurement.morphology import Ellipse

AROUND = 2  # [pix] how far the centre of symmetry may lie from the centroid


def symmetry_centre(image: Floats, ellipse: Ellipse) -> tuple[float, float]:
    """(x, y) [pix] of the point around which the image differs least from itself turned by 180
    degrees, in the sum of squares; within `AROUND` of the centroid.

    The sum over pixels of I(p) I(2c - p) is the autoconvolution at 2c, whose peak a parabola finds.
    """
    shape = [scipy.fft.next_fast_len(2 * length, real=True) for length in image.shape]
    product = scipy.fft.irfft2(scipy.fft.rfft2(image, shape) ** 2, shape)
    first = [max(round(2 * (place - AROUND)), 1) for place in (ellipse.y, ellipse.x)]
    near = product[tuple(slice(start, start + 4 * AROUND + 1) for start in first)]
    row, column = np.unravel_index(np.argmax(near), near.shape)
    peak = first[0] + int(row), first[1] + int(column)
    y = peak[0] + vertex(product[peak[0] - 1 : peak[0] + 2, peak[1]])
    x = peak[1] + vertex(product[peak[0], peak[1] - 1 : peak[1] + 2])
    return x / 2, y / 2


def vertex(values: Floats) -> float:
    """Where the parabola through three values at -1, 0 and 1 has its vertex, at most 1/2 away."""
    below, middle, above = values
    bend = below - 2 * middle + above
    return float(np.clip((below - above) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def turned_around(image: Floats, x: float, y: float) -> tuple[Floats, Bools]:
    """The image turned by 180 degrees around (x, y), and where this shows pixels of the stamp."""
    height, width = image.shape
    waves = np.conj(scipy.fft.rfft2(image))
    phase_y = phases(scipy.fft.fftfreq(height), 2 * y)
    phase_x = phases(scipy.fft.rfftfreq(width), 2 * x)
    turned: Floats = scipy.fft.irfft2(waves * phase_y[:, None] * phase_x, image.shape)
    return turned, opposite(np.ones_like(image, dtype=bool), x, y)


def phases(frequency: Floats, shift: float) -> Array:
    """What moves waves by `shift` [pix]; the shortest wave has no direction to go to."""
    phase = np.exp(-2j * np.pi * shift * frequency)
    moved: Array = np.where(np.abs(frequency) == 0.5, phase.real, phase)
    return moved


def opposite(mask: Bools, x: float, y: float) -> Bools:
    """The mask turned by 180 degrees around the half-pixel nearest to (x, y), False outside."""
    height, width = mask.shape
    rows = round(2 * y) - np.arange(height)
    columns = round(2 * x) - np.arange(width)
    inside = [(place >= 0) & (place < n) for place, n in ((rows, height), (columns, width))]
    turned: Bools = mask[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    shown: Bools = turned & inside[0][:, None] & inside[1]
    return shown
