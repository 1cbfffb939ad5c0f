"""The figures of a report; each function returns one matplotlib Figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from galddpm.arrays import Array, Floats, Ints
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.stamp import NUMBERS, PAPER
from galddpm.evaluation.report.judge import comparable
from galddpm.evaluation.report.stamps import DPI
from galddpm.evaluation.statistics.distributions import finite

COLOUR = {"real": "#0072B2", "generated": "#D55E00"}  # Okabe & Ito: told apart by all eyes
MARKER = {"real": "o", "generated": "s"}
LABEL = {"isophotal_area": "isophotal area", "sky_sigma": "sky rms", "snr": "S/N", "m20": "M20"}
SYMBOL = {"pix": "pix", "pix2": "pix$^2$", "ct": "count", "": ""}
LIGHT = ("flux", "half_light_radius", "sky_sigma", "concentration")
LOGARITHMIC = ("flux", "snr", "isophotal_area")
BINS = 32
LEAST_SHOWN = 10  # galaxies in a bin of redshift for a point with an error bar
SHOWN = (0.005, 0.995)  # quantiles of both sets together between which a histogram runs


def histograms(
    real: Mapping[str, Array],
    generated: Mapping[str, Array],
    columns: Sequence[str],
    title: str,
    names: Mapping[str, str],
) -> Figure:
    """Shares of galaxies by measurement (paper, fig. 3): linear above, logarithmic below."""
    figure = Figure(figsize=(3.2 * len(columns), 5.6), layout="constrained")
    axes = figure.subplots(2, len(columns), sharex="col", squeeze=False)
    for column, name in enumerate(columns):
        sides = {"real": finite(real[name]), "generated": finite(generated[name])}
        if not all(len(values) for values in sides.values()):
            _say_nothing(axes[:, column], name)
            continue
        edges = bin_edges(np.concatenate(list(sides.values())), name in LOGARITHMIC)
        for axis in axes[:, column]:
            _draw_shares(axis, sides, edges, names)
        if name in LOGARITHMIC:
            axes[1, column].set_xscale("log")
        axes[1, column].set_yscale("log")
        axes[1, column].yaxis.set_minor_formatter(NullFormatter())
        axes[1, column].set_xlabel(label(name))
    for axis, text in zip(axes[:, 0], ("share of galaxies", "share, logarithmic"), strict=True):
        axis.set_ylabel(text)
    add_legend(figure)
    figure.suptitle(title)
    return figure


def means_by_redshift(
    bins: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    title: str,
    names: Mapping[str, str],
) -> Figure:
    """Means with 95 % intervals in bins of redshift (paper, fig. 4)."""
    figure = Figure(figsize=(3.2 * len(columns), 3.2), layout="constrained")
    axes = figure.subplots(1, len(columns), squeeze=False)[0]
    for axis, name in zip(axes, columns, strict=True):
        for side, offset in (("real", -0.02), ("generated", 0.02)):
            points = mean_points(bins, name, side)
            if len(points):
                x, mean, low, high = points.T
                reach = np.maximum([mean - low, high - mean], 0)
                style: dict[str, Any] = {
                    "color": COLOUR[side],
                    "marker": MARKER[side],
                    "ms": 4,
                    "capsize": 2,
                }
                axis.errorbar(x + offset, mean, yerr=reach, lw=1, label=names[side], **style)
        axis.set(xlabel="redshift", ylabel=f"mean {label(name)}")
    add_legend(figure)
    figure.suptitle(title)
    return figure


def mean_points(bins: Sequence[Mapping[str, Any]], name: str, side: str) -> Floats:
    """(middle of the bin, mean, low, high) of each bin with enough galaxies, (bins, 4)."""
    points = [
        ((b["low"] + b["high"]) / 2, metric[f"mean_{side}"], *interval)
        for b in bins
        if (metric := b["metrics"][name])[f"n_{side}"] >= LEAST_SHOWN
        and (interval := metric[f"mean_{side}_interval"])
    ]
    return np.array(points)


def distances_and_floor(
    metrics: Mapping[str, Mapping[str, Any]], title: str, names: Mapping[str, str]
) -> Figure:
    """KS distance of every measurement with its interval, beside what two real samples give; and
    below, open, the distance at given redshift."""
    shown = [name for name, metric in metrics.items() if metric["ks"] is not None]
    figure = Figure(figsize=(6.4, 1.4 + 0.36 * max(len(shown), 1)), layout="constrained")
    axis = figure.subplots()
    for place, name in enumerate(shown):
        metric = metrics[name]
        low, high = metric["ks_interval"]
        axis.plot([low, high], [place - 0.18] * 2, color=COLOUR["generated"], lw=1.5)
        for key, y, face in (("ks", place - 0.18, None), ("conditional_ks", place + 0.18, "white")):
            if metric.get(key) is None:
                continue
            axis.plot(metric[key], y, "s", color=COLOUR["generated"], ms=5, mfc=face)
            if metric[f"{key}_floor"] is not None:
                width = metric[f"{key}_floor_95"]
                axis.barh(y, width, height=0.34, color=COLOUR["real"], alpha=0.35)
                axis.plot(metric[f"{key}_floor"], y, "|", color=COLOUR["real"], ms=7, mew=2)
    axis.set(yticks=range(len(shown)), yticklabels=[_name(name) for name in shown], xlim=(0, None))
    axis.invert_yaxis()
    axis.set_xlabel(
        f"Kolmogorov-Smirnov distance, open at given redshift;\nblue: two {names['real']} samples,"
        " mean and 95 %"
    )
    axis.set_title(title)
    return figure


def bin_edges(values: Floats, logarithmic: bool) -> Floats:
    """Edges between the shown quantiles; of equal width, or of equal ratio where that is asked."""
    if logarithmic:
        values = values[values > 0]
    low = np.quantile(values, SHOWN[0], method="lower")  # so that few values all lie between
    high = np.quantile(values, SHOWN[1], method="higher")
    if low == high:
        low, high = low - 0.5 * abs(low) - 1e-3, high + 0.5 * abs(high) + 1e-3
    if logarithmic and low > 0:
        return np.geomspace(low, high, BINS + 1)
    return np.linspace(low, high, BINS + 1)


def compared_columns(catalog: Catalog, rows: Ints, band: str) -> dict[str, Array]:
    """The columns of a histogram: galaxies compared, values that count."""
    names = {*PAPER, *LIGHT}
    return {name: comparable(catalog.bands[band], name)[rows] for name in names}


def label(name: str) -> str:
    """A measurement's name and unit, as an axis says it."""
    unit = SYMBOL[NUMBERS[name][0]] if name in NUMBERS else "mag"
    return f"{_name(name)} [{unit}]" if unit else _name(name)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG and as PDF."""
    figure.savefig(folder / f"{name}.png", dpi=DPI)
    figure.set_layout_engine("none")  # what it found stays
    figure.savefig(folder / f"{name}.pdf")


def _draw_shares(
    axis: Axes, sides: Mapping[str, Array], edges: Floats, names: Mapping[str, str]
) -> None:
    style: dict[str, dict[str, Any]] = {
        "real": {"fill": True, "alpha": 0.35},
        "generated": {"lw": 1.6},
    }
    for side, values in sides.items():
        counts = np.histogram(values, edges)[0]
        axis.stairs(
            counts / len(values), edges, color=COLOUR[side], label=names[side], **style[side]
        )


def _say_nothing(axes: Array, name: str) -> None:
    for axis in axes:
        axis.set(xticks=[], yticks=[], xlabel=label(name))
        axis.text(0.5, 0.5, "not measured", ha="center", va="center", transform=axis.transAxes)


def _name(name: str) -> str:
    return LABEL.get(name, name.replace("_", " ").replace("sersic", "Sersic"))


def add_legend(figure: Figure) -> None:
    """One legend for all axes, beside the title; none where nothing was drawn."""
    entries: dict[str, Any] = {}
    for axis in figure.axes:
        entries |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    if entries:
        where: dict[str, Any] = {"loc": "outside upper right", "ncols": len(entries)}
        figure.legend(entries.values(), entries.keys(), **where, frameon=False)
