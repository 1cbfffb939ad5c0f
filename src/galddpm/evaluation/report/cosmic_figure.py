"""The figure of galaxies through cosmic time: sizes, ultraviolet light, mergers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galddpm.arrays import Floats
from galddpm.evaluation.report.figures import COLOUR, MARKER, add_legend

APART = 0.015  # redshift between the points of the two sides


def cosmic_time(found: Mapping[str, Any], title: str, names: Mapping[str, str]) -> Figure:
    """The numbers of `compare_cosmic_time`, for both sides, beside what is published."""
    figure = Figure(figsize=(17, 3.6), layout="constrained")
    size, light, density, *mergers = figure.subplots(1, 5)
    _draw(size, found["size"]["bins"], names, power=True)
    _draw_published_sizes(size, found["size"])
    size.set(ylabel="half-light radius [kpc]", yscale="log")
    _draw(light, found["ultraviolet"], names, power=True)
    light.set(ylabel="mean L at 2800 Å [erg/s/Hz]", yscale="log")
    _draw_densities(density, found["ultraviolet"])
    for axis, (name, by) in zip(
        mergers, (("gini_m20", "Gini and M20"), ("asymmetry", "asymmetry")), strict=True
    ):
        _draw(axis, found["mergers"][name], names)
        axis.set(ylabel=f"share of mergers, by {by}", ylim=(0, None))
    for axis in figure.axes:
        axis.set_xlabel("redshift")
    add_legend(figure)
    figure.suptitle(title)
    return figure


def bin_points(bins: Sequence[Mapping[str, Any]], side: str, power: bool = False) -> Floats:
    """(redshift, mean, low, high) of each bin that has a mean, (n, 4); power: of ten, of which the
    mean is the exponent."""
    points = [
        (one["redshift"], one[side]["mean"], *one[side]["mean_interval"])
        for one in bins
        if one[side]["mean_interval"]
    ]
    found = np.array(points).reshape(-1, 4)
    if power:
        found[:, 1:] = 10 ** found[:, 1:]
    return found


def _draw(
    axis: Axes, bins: Sequence[Mapping[str, Any]], names: Mapping[str, str], power: bool = False
) -> None:
    for side, offset in (("real", -APART), ("generated", APART)):
        x, value, low, high = bin_points(bins, side, power).T
        if len(x):
            reach = np.maximum([value - low, high - value], 0)
            style: dict[str, Any] = {"color": COLOUR[side], "marker": MARKER[side], "ms": 4}
            axis.errorbar(x + offset, value, reach, lw=1, capsize=2, label=names[side], **style)


def _draw_densities(axis: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    """Of ultraviolet light by comoving volume, and of star formation, over the first bin's."""
    for side in ("real", "generated"):
        points = [(one["redshift"], value) for one in bins if (value := one[side]["density"])]
        if points:
            axis.plot(
                *zip(*points, strict=True), color=COLOUR[side], marker=MARKER[side], ms=4, lw=1
            )
    axis.plot(
        [one["redshift"] for one in bins], [one["published"] for one in bins], ":", color="#444"
    )
    axis.set(ylabel="ultraviolet light by volume, over first", yscale="log")


def _draw_published_sizes(axis: Axes, size: Mapping[str, Any]) -> None:
    """Published powers of 1 + z, through the first point of the real side."""
    points = bin_points(size["bins"], "real", power=True)
    for exponent in size["published"].values() if len(points) else ():
        x = points[:, 0]
        law = points[0, 1] * ((1 + x) / (1 + x[0])) ** exponent
        axis.plot(x, law, ":", color="#444", lw=1)
