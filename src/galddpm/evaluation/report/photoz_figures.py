"""Figures about redshift: what the CNN sees (paper, fig. 2), and colours by redshift."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galddpm.arrays import Floats, Ints
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.photoz.metrics import OUTLIER, hsc_loss, scaled_error
from galddpm.evaluation.report.figures import COLOUR, MARKER, label, mean_points
from galddpm.evaluation.statistics.matching import Selection

LEAST_SHOWN = 5  # galaxies in a bin for a point


def redshift_scatter(
    real: Catalog, generated: Catalog, chosen: Selection, report: Mapping[str, Any], title: str
) -> Figure:
    """Estimated against true redshift of both sides, and the mean HSC loss by redshift."""
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    axes = figure.subplots(1, 3)
    sides = (("real", real, chosen.real), ("generated", generated, chosen.generated))
    farthest = max(catalog.redshift[rows].max() for _, catalog, rows in sides)
    for axis, (side, catalog, rows) in zip(axes, sides, strict=False):
        true, estimated = catalog.redshift[rows], _estimated(catalog)[rows]
        axis.plot(true, estimated, ".", ms=2, alpha=0.5, color=COLOUR[side])
        line = np.array([0, farthest])
        axis.plot(line, line, color="#444", lw=1)
        for sign in (-1, 1):
            axis.plot(line, line + sign * OUTLIER * (1 + line), "--", color="#999", lw=0.8)
        metrics = report["redshift"][side]
        text = f"NMAD {metrics['nmad']:.3f}, outliers {metrics['outlier_fraction']:.1%}"
        limits = {"xlim": (0, farthest), "ylim": (0, farthest)}
        axis.set(xlabel="redshift", ylabel="redshift seen", title=f"{side}: {text}", **limits)
    _draw_losses(axes[2], sides, report["redshift"]["by_redshift"])
    figure.suptitle(title)
    return figure


def colours_by_redshift(
    bins: Sequence[Mapping[str, Any]], names: Sequence[str], title: str
) -> Figure:
    """Mean colours and magnitudes in bins of redshift."""
    columns = -(-len(names) // 2)
    figure = Figure(figsize=(2.7 * columns, 5.4), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, sharex=True)
    for axis, name in zip(axes.flat, names, strict=False):
        for side, offset in (("real", -0.02), ("generated", 0.02)):
            points = mean_points(bins, name, side)
            if len(points):
                x, mean, low, high = points.T
                style: dict[str, Any] = {
                    "color": COLOUR[side],
                    "marker": MARKER[side],
                    "ms": 3,
                    "lw": 1,
                }
                reach = np.maximum([mean - low, high - mean], 0)
                axis.errorbar(x + offset, mean, yerr=reach, label=side, capsize=2, **style)
        axis.set_ylabel(label(name))
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for column in axes.T:
        lowest = [axis for axis in column if axis.get_visible()][-1]
        lowest.set_xlabel("redshift")
        lowest.tick_params(labelbottom=True)
    handles, texts = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, texts, loc="outside upper right", ncols=2, frameon=False)
    figure.suptitle(title)
    return figure


def _estimated(catalog: Catalog) -> Floats:
    return next(iter(catalog.bands.values()))["z_phot"]


def _draw_losses(
    axis: Axes, sides: Sequence[tuple[str, Catalog, Ints]], bins: Sequence[Mapping[str, Any]]
) -> None:
    """Mean loss in bins of redshift, with the standard error of the mean."""
    for side, catalog, rows in sides:
        true, estimated = catalog.redshift[rows], _estimated(catalog)[rows]
        loss = hsc_loss(scaled_error(estimated=estimated, true=true))
        points = []
        for one in bins:
            inside = (true >= one["low"]) & (true < one["high"]) & np.isfinite(loss)
            if inside.sum() >= LEAST_SHOWN:
                values = loss[inside]
                error = values.std() / np.sqrt(len(values))
                points.append((true[inside].mean(), values.mean(), error))
        if points:
            x, mean, error = np.array(points).T
            style: dict[str, Any] = {
                "color": COLOUR[side],
                "marker": MARKER[side],
                "ms": 4,
                "capsize": 2,
            }
            axis.errorbar(x, mean, yerr=error, lw=1, label=side, **style)
    axis.set(xlabel="redshift", ylabel="mean HSC loss", title="loss by redshift", ylim=(0, None))
    if axis.get_legend_handles_labels()[0]:  # none where no bin holds enough galaxies
        axis.legend(frameon=False)
