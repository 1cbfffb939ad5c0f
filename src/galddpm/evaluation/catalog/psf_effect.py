"""What a small error in the PSF's width does to the Sersic index of the galaxies at hand."""

from typing import Any

import numpy as np

from galddpm.evaluation.catalog.measure_file import one_thread
from galddpm.evaluation.catalog.side import Side
from galddpm.evaluation.measurement.psf import widened
from galddpm.evaluation.measurement.stamp import measure_stamps

WIDER = 1.05  # times the width that was taken
GALAXIES = 32  # drawn at random from those with a fit: a few seconds
INDEX = "sersic_n"


def psf_effect(side: Side) -> dict[str, Any]:
    """Index with a wider PSF over that of the catalog, in its leading band: median, and 16 and 84 %
    quantiles; None where nothing is fitted."""
    work, (band, table) = side.measurement, next(iter(side.catalog.bands.items()))
    fitted = np.flatnonzero(table["flag_sersic"] == 0)
    drawn = np.random.default_rng(0).permutation(fitted)[:GALAXIES]
    ratios = np.full(1, np.nan)
    if len(drawn):
        images = side.images(drawn)[:, work.bands.index(band)].astype(np.float64)
        planes = [work.psfs.of(band, range(row, row + 1)).squeeze() for row in drawn.tolist()]
        psfs = np.stack([widened(plane, WIDER) for plane in planes])
        with one_thread():
            wide = measure_stamps(images, psfs, [False] * len(drawn))
        ratios = np.array([row[INDEX] for row in wide]) / table[INDEX][drawn]
    known = ratios[np.isfinite(ratios)]
    low, middle, high = np.quantile(known, (0.16, 0.5, 0.84)) if len(known) else [None] * 3
    return {
        "width_factor": WIDER,
        "galaxies": len(known),
        "index_ratio": middle,
        "index_ratio_spread": [low, high] if len(known) else None,
    }
