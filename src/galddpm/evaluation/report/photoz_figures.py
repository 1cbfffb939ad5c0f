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
    names = report["names"]
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
        _shade_unusable(axis, report["redshift"]["by_redshift"])
        metrics = report["redshift"][side]
        text = f"NMAD {metrics['nmad']:.3f}, outliers {metrics['outlier_fraction']:.1%}"
        limits = {"xlim": (0, farthest), "ylim": (0, farthest)}
        axis.set(
            xlabel="redshift", ylabel="redshift seen", title=f"{names[side]}: {text}", **limits
        )
    _draw_losses(axes[2], sides, report["redshift"]["by_redshift"], names)
    _shade_unusable(axes[2], report["redshift"]["by_redshift"])
    axes[2].set_xlim(0, farthest)
    figure.suptitle(title)
    return figure


def colours_by_redshift(
    bins: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    title: str,
    names: Mapping[str, str],
) -> Figure:
    """Mean colours and magnitudes in bins of redshift."""
    half = -(-len(columns) // 2)
    figure = Figure(figsize=(2.7 * half, 5.4), layout="constrained")
    axes = figure.subplots(2, half, squeeze=False, sharex=True)
    for axis, name in zip(axes.flat, columns, strict=False):
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
                axis.errorbar(x + offset, mean, yerr=reach, label=names[side], capsize=2, **style)
        axis.set_ylabel(label(name))
    for axis in axes.flat[len(columns) :]:
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


def _shade_unusable(axis: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    """Grey where the CNN is no better on real galaxies than a constant, and judges nothing."""
    for one in bins:
        if not one["usable"]:
            axis.axvspan(one["low"], one["high"], color="#bbb", alpha=0.4, lw=0, zorder=0)


def _estimated(catalog: Catalog) -> Floats:
    return next(iter(catalog.bands.values()))["z_phot"]


def _draw_losses(
    axis: Axes,
    sides: Sequence[tuple[str, Catalog, Ints]],
    bins: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
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
            axis.errorbar(x, mean, yerr=error, lw=1, label=names[side], **style)
    axis.set(xlabel="redshift", ylabel="mean HSC loss", title="loss by redshift", ylim=(0, None))
    if axis.get_legend_handles_labels()[0]:  # none where no bin holds enough galaxies
        axis.legend(frameon=False)
