"""Mock galaxies, and sources of real scenes, as the judge measures them in i."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.stamp import Row, measure_detected, measure_stamps

I_BAND = 2  # place among the bands
TOGETHER = 50  # stamps fitted at a time
OFF_CENTRE = 3.0  # [pix]: a detection that far from a source is another one
STRUCTURE = ("asymmetry", "concentration", "gini", "m20", "smoothness")
ALIKE = ("snr", "half_light_radius")  # what peers have in common
PEERS = 50


def fitted(path: Path, rows: Ints) -> list[Row]:
    """Catalog rows of galaxies of a mock file, with Sersic fits, each with its own PSF."""
    found: list[Row] = []
    with h5py.File(path) as file:
        for some in np.split(rows, range(TOGETHER, len(rows), TOGETHER)):
            images, psfs = (file[name][some, I_BAND].astype(float) for name in ("image", "psf"))
            found += measure_stamps(images, psfs, [False] * len(some)) if len(some) else []
    return found


def judged(path: Path, rows: Ints) -> list[Row]:
    """The same without Sersic fits, which take most of the time."""
    with h5py.File(path) as file:
        return [_measured(file["image"][row, I_BAND].astype(float)) for row in rows]


def judged_scene(images: Floats, places: Floats, side: int = 64) -> list[Row]:
    """The same of sources at `places` (N, 2), as (row, column), of a scene (C, H, W) [count].

    Stamps are filled with zeros where the scene ends, which the judge masks. Left out are sources
    that it does not find, or not apart from a neighbour.
    """
    padded = np.pad(images[I_BAND].astype(float), side)
    corners = np.rint(places).astype(int) + side - side // 2
    rows = [_measured(padded[y : y + side, x : x + side]) for y, x in corners]
    middle = side // 2
    return [row for row in rows if np.hypot(row["x"] - middle, row["y"] - middle) < OFF_CENTRE]


def ranks(sources: Sequence[Row], galaxies: Sequence[Row]) -> Mapping[str, Floats]:
    """For each statistic of `STRUCTURE`, the share of like galaxies that have less of it than each
    source, (sources,): of the `PEERS` nearest in the logarithms of S/N and half-light radius. Even
    between 0 and 1 where sources are as galaxies are. Rows that were not measured are left out.
    """
    real, mock = (_columns(rows) for rows in (sources, galaxies))
    distance = sum(np.log(real[name][:, None] / mock[name]) ** 2 for name in ALIKE)
    peers = np.argsort(distance, axis=1)[:, :PEERS]
    return {name: (mock[name][peers] < real[name][:, None]).mean(axis=1) for name in STRUCTURE}


def _measured(image: Floats) -> Row:
    return measure_detected(image, detect(image))


def _columns(rows: Sequence[Row]) -> dict[str, Floats]:
    columns = {name: np.array([row[name] for row in rows]) for name in (*ALIKE, *STRUCTURE)}
    whole = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    return {name: column[whole] for name, column in columns.items()}
