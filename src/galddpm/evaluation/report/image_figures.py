"""The figures that say why the image test decides as it does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from galddpm.evaluation.report.figures import COLOUR

SHOWN = ("measure", "band", "scale", "radius")  # properties of a statistic
TITLES = {"measure": "kind", "band": "band", "scale": "scale [pix]", "radius": "radius [pix]"}
LEAST = 0.01  # share for a bar
GREY = "#777777"


def carriers(images: Mapping[str, Any], names: Mapping[str, str]) -> Figure:
    """Which statistics tell the sides apart, and how sure the classifier is of each galaxy."""
    figure = Figure(figsize=(3.0 * (len(SHOWN) + 1), 3.6), layout="constrained")
    *bars, last = figure.subplots(1, len(SHOWN) + 1)
    for axis, group in zip(bars, SHOWN, strict=True):
        of_group = images["carried_by"][group]
        shares = {name: share for name, share in of_group.items() if abs(share) >= LEAST}
        axis.barh(range(len(shares)), list(shares.values()), color=COLOUR["generated"])
        axis.axvline(0, color=GREY, lw=0.8)
        axis.set(yticks=range(len(shares)), yticklabels=list(shares), xlabel="share")
        axis.set_title(TITLES[group])
        axis.invert_yaxis()
    sides = {"real": names["real"], "generated": names["generated"], "floor": "two real samples"}
    for place, (side, text) in enumerate(sides.items()):
        low, less, middle, more, high = images["log_ratio"][side]
        colour = COLOUR.get(side, GREY)
        last.plot([low, high], [place] * 2, color=colour, lw=1)
        last.plot([less, more], [place] * 2, color=colour, lw=5)
        last.plot(middle, place, "o", color="white", mec=colour)
        last.annotate(text, (middle, place), (0, 8), textcoords="offset points", ha="center")
    last.axvline(0, color=GREY, lw=0.8)
    last.set(yticks=[], ylim=(len(sides) - 0.5, -0.7), xlabel="ln(p generated / p real)")
    last.set_title("how sure of each galaxy")
    return figure


def example_rows(images: Mapping[str, Any], which: str) -> dict[str, Any]:
    """Rows of the galaxies that convince `most` or `least`, and of real ones beside them."""
    found = images["convincing"][which]
    return {side: np.array([pair[side] for pair in found]) for side in ("real", "generated")}
