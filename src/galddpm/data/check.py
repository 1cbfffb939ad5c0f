"""What is in a file of the schema, and what is odd about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import ROWS_PER_READ, GalaxyFile
from galddpm.data.hdf5 import open_hdf5
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from galddpm.interrupts import raise_if_requested

HUGE = 3000.0  # [count] in one pixel: brighter than magnitude 18.3, an artefact or a star's core
OPTIONAL = ("object_id", "specz_redshift_err", "ra", "dec", "specz_name")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass
class PixelCounts:
    """What a pass over all pixels found."""

    non_finite: list[int] = field(default_factory=list)  # rows
    huge: int = 0  # galaxies with a pixel beyond HUGE
    constant: int = 0  # galaxies with a band of equal pixels
    zero_border: int = 0  # galaxies whose outermost rows are exactly zero


def explain(path: Path, progress: Callable[..., Any]) -> Iterator[str]:
    """Lines about the file. Raises UserError after them for a fault that keeps it from being used,
    or at once where there is nothing to be said of it."""
    galaxies = GalaxyFile(path)
    with open_hdf5(galaxies.path) as file:
        held, dtype = set(file), file["image"].dtype
    yield (
        f"{path}: {len(galaxies):,} galaxies, {galaxies.shape[1]} bands,"
        f" {galaxies.shape[2]} x {galaxies.shape[3]} pixels, {dtype}"
    )
    yield "redshift: " + _summary(galaxies.redshift)
    yield _identities(galaxies.object_id, "object_id" in held)
    missing = [name for name in OPTIONAL if name not in held]
    if missing:
        yield f"optional data sets missing: {', '.join(missing)}"
    yield _undetected(galaxies, held)
    counts = count_pixels(galaxies, progress)
    yield f"galaxies with a pixel beyond {HUGE:g} counts (artefacts, saturation): {counts.huge}"
    yield f"galaxies with a band of equal pixels: {counts.constant}"
    yield f"galaxies with a border of exact zeros (padding): {counts.zero_border}"
    if counts.non_finite:
        raise UserError(
            f"{path}: image: row {counts.non_finite[0]} has a non-finite pixel"
            f" ({len(counts.non_finite)} such galaxies), expected finite counts;"
            " data.non_finite: drop in a config leaves them out of the training"
        )


def count_pixels(galaxies: GalaxyFile, progress: Callable[..., Any]) -> PixelCounts:
    """One pass over all pixels, a block at a time."""
    counts = PixelCounts()
    with open_hdf5(galaxies.path) as file:
        for start in progress(
            range(0, len(galaxies), ROWS_PER_READ), desc="checking", unit="block"
        ):
            raise_if_requested()
            image = file["image"][start : start + ROWS_PER_READ]
            finite = np.isfinite(image).all(axis=(1, 2, 3))
            counts.non_finite += (start + np.flatnonzero(~finite)).tolist()
            image = image[finite]
            counts.huge += int((np.abs(image) > HUGE).any(axis=(1, 2, 3)).sum())
            spread = image.max(axis=(2, 3)) - image.min(axis=(2, 3))
            counts.constant += int((spread == 0).any(axis=1).sum())
            edges = np.abs(image[..., [0, -1], :]).sum(axis=(1, 2, 3))
            counts.zero_border += int((edges == 0).sum())
    return counts


def _summary(values: Floats) -> str:
    quantiles = ", ".join(f"{v:.3f}" for v in np.quantile(values, QUANTILES))
    percent = ", ".join(f"{100 * q:g}" for q in QUANTILES)
    return f"{values.min():.3f} to {values.max():.3f}; {percent} %: {quantiles}"


def _identities(object_id: Ints, held: bool) -> str:
    if not held:
        return "object ids: none, row numbers stand in"
    repeated = len(object_id) - len(np.unique(object_id))
    merged = len(np.unique(object_id)) - len(np.unique(object_id.astype(np.float64)))
    return f"object ids: {repeated} repeated; {merged} would be lost if read as float64"


def _undetected(galaxies: GalaxyFile, held: set[str]) -> str:
    """Zeros in a band's morphology mean that SExtractor detected nothing there."""
    names = {band: f"{band}_major_axis" for band in BANDS if f"{band}_major_axis" in held}
    if not names:
        return "morphology: none"
    zeros = {band: int((galaxies.column(name) == 0).sum()) for band, name in names.items()}
    listed = ", ".join(f"{band} {count}" for band, count in zeros.items())
    return f"galaxies without a detection, by band (morphology of zeros): {listed}"
