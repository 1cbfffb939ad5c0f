"""Pictures of galaxies, large enough to see structure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from galddpm.arrays import Floats, Ints
from galddpm.data.colour import rgb
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.report.figures import DPI
from galddpm.evaluation.statistics.matching import Selection

SHOWN = 200  # pixels on a side of a stamp in the picture, at least
PAIRS, COLUMNS = 40, 5
GAP, TEXT = 6, 26  # pixels between stamps, and of a line of text


def stamp_pairs(
    real: Floats,
    generated: Floats,
    redshift: Floats,
    bands: Sequence[str],
    names: Mapping[str, str],
) -> Figure:
    """Real galaxies above generated ones (paper, fig. 5), `COLUMNS` pairs a row.

    real, generated: (n, C, H, W) [count]; redshift: (2, n) of both; names: of the sides. The figure
    is a picture: its PNG shows each pixel as a square.
    """
    count = len(real)
    columns = min(COLUMNS, count)
    lines = -(-count // columns)
    zoom = -(-SHOWN // real.shape[-1])
    side = zoom * real.shape[-1]
    width, height = columns * (side + GAP) - GAP, lines * (2 * (side + TEXT) + GAP)
    canvas, labels = np.ones((height, width, 3)), []
    for k in range(count):
        line, column = divmod(k, columns)
        left = column * (side + GAP)
        for row, (key, stamps) in enumerate((("real", real), ("generated", generated))):
            top = line * (2 * (side + TEXT) + GAP) + row * (side + TEXT) + TEXT
            large = rgb(stamps[k], bands=bands)[::-1].repeat(zoom, 0).repeat(zoom, 1)
            canvas[top : top + side, left : left + side] = large
            labels.append((left + 2, top - 7, f"{names[key]}, z = {redshift[row, k]:.2f}"))
    figure = Figure(figsize=(width / DPI, height / DPI))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(canvas, interpolation="nearest", aspect="auto")
    axis.set_axis_off()
    for x, y, text in labels:
        axis.text(x, y, text, fontsize=6.5)
    return figure


def choose_pairs(
    real: Catalog, generated: Catalog, chosen: Selection, count: int = PAIRS
) -> tuple[Ints, Ints]:
    """Rows of generated galaxies evenly spread in redshift rank, and of the nearest real ones."""
    ordered = chosen.generated[np.argsort(generated.redshift[chosen.generated], kind="stable")]
    places = (np.arange(count) + 0.5) / count * len(ordered)
    rows = ordered[np.unique(places.astype(int))]
    distance = np.abs(real.redshift[chosen.real][:, None] - generated.redshift[rows])
    return chosen.real[distance.argmin(axis=0)], rows
