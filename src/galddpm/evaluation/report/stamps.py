"""Pictures of galaxies, large enough to see structure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from galddpm.arrays import Floats, Ints
from galddpm.data.colour import rgb
from galddpm.data.survey import PIXEL_SCALE

if TYPE_CHECKING:  # a picture of a file needs none of what measures galaxies
    from galddpm.evaluation.catalog.table import Catalog
    from galddpm.evaluation.statistics.matching import Selection

DPI = 150  # of PNG files
SHOWN = 200  # pixels on a side of a stamp in the picture, at least
PAIRS, COLUMNS = 40, 5
GAP, TEXT = 6, 26  # pixels between stamps, and of a line of text
BAR = 2.0  # length of the scale bar [arcsec]


def stamps_in_rows(
    sides: Sequence[Floats],
    redshift: Floats,
    bands: Sequence[str],
    names: Sequence[str],
) -> Figure:
    """Galaxies of one side above those of the next (paper, fig. 5), `COLUMNS` a row.

    sides: (n, C, H, W) [count] each; redshift: (sides, n); names: of the sides. The figure is a
    picture: its PNG shows each pixel as a square. The first stamp has a scale bar.
    """
    count, pixels = len(sides[0]), sides[0].shape[-1]
    columns = min(COLUMNS, count)
    lines = -(-count // columns)
    zoom = -(-SHOWN // pixels)
    side = zoom * pixels
    line_height = len(sides) * (side + TEXT) + GAP
    canvas, labels = np.ones((lines * line_height, columns * (side + GAP) - GAP, 3)), []
    for k in range(count):
        line, column = divmod(k, columns)
        left = column * (side + GAP)
        for row, (name, stamps) in enumerate(zip(names, sides, strict=True)):
            top = line * line_height + row * (side + TEXT) + TEXT
            large = rgb(stamps[k], bands=bands)[::-1].repeat(zoom, 0).repeat(zoom, 1)
            canvas[top : top + side, left : left + side] = large
            labels.append((left + 2, top - 7, f"{name}, z = {redshift[row, k]:.2f}"))
    height, width, _ = canvas.shape
    figure = Figure(figsize=(width / DPI, height / DPI))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(canvas, interpolation="nearest", aspect="auto")
    axis.set_axis_off()
    axis.autoscale(False)
    for x, y, text in labels:
        axis.text(x, y, text, fontsize=6.5)
    bottom = TEXT + side - 10
    axis.plot([10, 10 + BAR / PIXEL_SCALE * zoom], [bottom, bottom], color="white", linewidth=1)
    axis.text(10, bottom - 5, f"{BAR:g} arcsec", fontsize=5, color="white")
    return figure


def choose_pairs(
    real: "Catalog", generated: "Catalog", chosen: "Selection", count: int = PAIRS
) -> tuple[Ints, Ints]:
    """Rows of generated galaxies evenly spread in redshift rank, and of the nearest real ones."""
    rows = chosen.generated[spread(generated.redshift[chosen.generated], count)]
    return chosen.real[nearest(real.redshift[chosen.real], generated.redshift[rows])], rows


def spread(redshift: Floats, count: int) -> Ints:
    """Places of at most `count` galaxies among redshifts (n,), evenly spread in rank."""
    ordered = np.argsort(redshift, kind="stable")
    places = (np.arange(count) + 0.5) / count * len(ordered)
    rows: Ints = ordered[np.unique(places.astype(int))]
    return rows


def nearest(redshift: Floats, wanted: Floats) -> Ints:
    """Places among redshifts (n,) of the nearest to each of those wanted, no place twice where
    there are enough."""
    apart = np.abs(redshift[:, None] - wanted)
    if len(redshift) < len(wanted):
        return np.asarray(apart.argmin(axis=0))
    wanted_by, rows = linear_sum_assignment(apart.T)  # the least sum of distances
    assert (wanted_by == np.arange(len(wanted))).all()
    return np.asarray(rows)
