"""Measured against true: the figure that shows whether a fit can be trusted."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from galddpm.arrays import Array, Floats
from galddpm.evaluation.validation.simulated import NAMES, SNR_RANGES, TruthSet

COLOUR = {"ours": "#0072B2", "statmorph": "#D55E00"}
MARKER = {"ours": "o", "statmorph": "s"}
LABEL = {
    "sersic_n": "Sersic n",
    "sersic_r_eff": "$r_{eff}$ [pix]",
    "sersic_ellipticity": "ellipticity",
}
TICKS = {"sersic_n": (0.5, 1, 2, 4), "sersic_r_eff": (1, 2, 4, 8)}
GROUPS = 6  # of equal number along the truth


def truth_figure(found: TruthSet, fits: Mapping[str, Mapping[str, Array]]) -> Figure:
    """One row a parameter, one column a range of S/N: medians and the central 68 % of each fit."""
    figure = Figure(figsize=(9.6, 9), layout="constrained")
    axes = figure.subplots(len(NAMES), len(SNR_RANGES), squeeze=False, sharey="row")
    for row, name in enumerate(NAMES):
        for column, (low, high) in enumerate(SNR_RANGES):
            axis = axes[row, column]
            inside = found.snr_range == column
            truth = found.truth[name][inside]
            first = fits["ours"][name][inside]
            axis.plot(truth, first, ".", ms=2, color=COLOUR["ours"], alpha=0.4)
            ends = [truth.min(), truth.max()]
            axis.plot(ends, ends, color="#888", lw=1)
            for side, columns in fits.items():
                _draw_groups(axis, truth, columns[name][inside], side)
            if name in TICKS:
                _logarithmic(axis, TICKS[name])
            axis.set_xlabel(f"true {LABEL[name]}")
            if row == 0:
                axis.set_title(f"S/N {low} to {high}")
        spread = found.truth[name]
        axes[row, 0].set_ylabel(f"measured {LABEL[name]}")
        limits = (spread.min() / 1.6, spread.max() * 1.6) if name in TICKS else (0, 1)
        axes[row, 0].set_ylim(*limits)
    axes[0, 0].legend(frameon=False)
    return figure


def _logarithmic(axis: Axes, ticks: Sequence[float]) -> None:
    axis.set(xscale="log", yscale="log")
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(FixedLocator(ticks))
        one.set_major_formatter("{x:g}")
        one.set_minor_formatter(NullFormatter())


def _draw_groups(axis: Axes, truth: Floats, measured: Floats, side: str) -> None:
    fitted = np.isfinite(measured)
    order = np.argsort(truth[fitted])
    groups = np.array_split(order, GROUPS)
    middles = [np.median(truth[fitted][group]) for group in groups if len(group)]
    bands = [np.quantile(measured[fitted][g], (0.16, 0.5, 0.84)) for g in groups if len(g)]
    if not middles:
        return
    low, middle, high = np.array(bands).T
    x = np.array(middles) * (1 if side == "ours" else 1.02)  # side by side
    reach = [middle - low, high - middle]
    axis.errorbar(
        x,
        middle,
        yerr=reach,
        fmt=MARKER[side],
        ms=4,
        lw=1,
        capsize=2,
        color=COLOUR[side],
        label=side,
    )
