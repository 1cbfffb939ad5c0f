"""The mock beside the published catalog: quantiles, distances and pixel statistics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from galddpm.arrays import Array
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import BANDS

PERCENT = (1, 5, 16, 25, 50, 75, 84, 95, 99)
# Published quantiles at PERCENT: redshift of GalaxiesML, and the morphology of its test set in one
# band, taken as g (lizarraga_2024, testing_metrics.csv)
PUBLISHED = {
    "specz_redshift": (0.042, 0.082, 0.151, 0.213, 0.488, 0.693, 0.861, 1.966, 2.875),
    "g_major_axis": (1.16, 1.73, 2.37, 2.71, 3.94, 7.25, 9.22, 13.9, 19.9),
    "g_minor_axis": (0.80, 1.37, 1.99, 2.28, 3.05, 4.95, 6.08, 8.56, 11.3),
    "g_ellipticity": (0.011, 0.027, 0.063, 0.095, 0.190, 0.328, 0.409, 0.577, 0.729),
    "g_isophotal_area": (12, 35, 86, 122, 262, 947, 1456, 2727, 4007),
    "g_sersic_index": (0.37, 0.52, 0.70, 0.84, 1.23, 1.74, 1.99, 2.60, 3.52),
}
# Mean and standard deviation over all pixels of asinh(counts) in the 64 px files, by band
PUBLISHED_ASINH = {
    "mean": (0.1444, 0.2534, 0.3300, 0.3917, 0.4450),
    "std": (0.3631, 0.5288, 0.6352, 0.7148, 0.7955),
}
CSV_COLUMNS = {  # of the published table
    "g_major_axis": "Semi-major Axis",
    "g_minor_axis": "Semi-minor Axis",
    "g_ellipticity": "Ellipticity",
    "g_isophotal_area": "Isophotal Area",
    "g_sersic_index": "Sersic Index",
}
PIXEL_ROWS = 1000  # stamps read at a time


def g_detected(galaxies: GalaxyFile) -> Array:
    """Which rows have a detection in g: the others have morphology of zeros."""
    seen: Array = galaxies.column("g_major_axis") > 0
    return seen


def measured_columns(path: Path) -> dict[str, Array]:
    """The compared columns of a file; galaxies without a g detection are left out of morphology."""
    galaxies = GalaxyFile(path)
    columns = {name: galaxies.column(name) for name in PUBLISHED}
    detected = g_detected(galaxies)
    return {name: x if name == "specz_redshift" else x[detected] for name, x in columns.items()}


def asinh_statistics(path: Path) -> dict[str, Array]:
    """Mean and standard deviation (5,) over all pixels of asinh(counts)."""
    galaxies = GalaxyFile(path)
    total, square, count = np.zeros(len(BANDS)), np.zeros(len(BANDS)), 0
    for start in range(0, len(galaxies), PIXEL_ROWS):
        stretched = np.arcsinh(galaxies.images(slice(start, start + PIXEL_ROWS)), dtype=np.float64)
        total += stretched.sum(axis=(0, 2, 3))
        square += (stretched**2).sum(axis=(0, 2, 3))
        count += stretched[:, 0].size
    mean = total / count
    return {"mean": mean, "std": np.sqrt(square / count - mean**2)}


def quantile_ratios(columns: Mapping[str, Array]) -> dict[str, Array]:
    """Mock over published quantiles at PERCENT, by column."""
    return {name: np.percentile(columns[name], PERCENT) / PUBLISHED[name] for name in PUBLISHED}


def asinh_ratios(path: Path) -> dict[str, Array]:
    """Mock over published mean and standard deviation of asinh(counts), by band."""
    found = asinh_statistics(path)
    return {name: found[name] / PUBLISHED_ASINH[name] for name in PUBLISHED_ASINH}


def read_published(path: Path) -> dict[str, Array]:
    """The published morphology catalog, a CSV file, by our column names."""
    table = np.genfromtxt(path, delimiter=",", names=True, deletechars="", replace_space=" ")
    return {name: table[title] for name, title in CSV_COLUMNS.items()}


def ks_distances(columns: Mapping[str, Array], published: Mapping[str, Array]) -> dict[str, Any]:
    """Kolmogorov-Smirnov distance to the published catalog, by column."""
    from scipy.stats import ks_2samp

    return {name: float(ks_2samp(columns[name], published[name]).statistic) for name in published}


def draw_comparison(
    columns: Mapping[str, Array], published: Mapping[str, Array] | None = None
) -> Figure:
    """Cumulative distributions of the mock, with the published quantiles and catalog."""
    figure = Figure(figsize=(15, 3.2), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(PUBLISHED)), PUBLISHED, strict=True):
        for side, colour, label in (
            (columns, "C0", "mock"), (published or {}, "C1", "published catalog")
        ):  # fmt: skip
            if name in side:
                values = np.sort(side[name])
                axis.plot(values, np.linspace(0, 1, len(values)), color=colour, label=label)
        axis.plot(PUBLISHED[name], np.array(PERCENT) / 100, "k.", label="published quantiles")
        axis.set(xlabel=name.replace("_", " "), xscale="log", ylim=(0, 1))
        axis.set_xlim(0.5 * PUBLISHED[name][0], 2.5 * PUBLISHED[name][-1])
    figure.axes[0].set_ylabel("share below")
    figure.axes[0].legend(fontsize=8)
    return figure


def report(path: Path, published: Path | None = None) -> tuple[str, Figure]:
    """The comparison of a file as a table in text, and as a figure."""
    columns = measured_columns(path)
    catalog = read_published(published) if published else None
    distances = ks_distances(columns, catalog) if catalog else {}
    lines = [
        "calibrated: mock / published\n"
        + "quantile".ljust(20)
        + "".join(f"{p:>6} %" for p in PERCENT)
        + "      KS"
    ]
    for name, ratios in quantile_ratios(columns).items():
        distance = f"{distances[name]:8.3f}" if name in distances else ""
        lines.append(name.ljust(20) + "".join(f"{ratio:8.2f}" for ratio in ratios) + distance)
    lines.append("asinh(counts)".ljust(20) + "".join(f"{band:>8}" for band in BANDS))
    for name, ratios in asinh_ratios(path).items():
        lines.append(name.ljust(20) + "".join(f"{ratio:8.2f}" for ratio in ratios))
    return "\n".join(lines), draw_comparison(columns, catalog)
