"""Bins of redshift, and how far two sets are apart at given redshift.

A model that ignores redshift can have the right distribution of every measurement over all
galaxies. In bins of redshift it cannot.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.evaluation.statistics.distributions import (
    LEAST,
    distances,
    finite,
    floor,
    floor_summary,
)
from galddpm.evaluation.statistics.matching import Selection

EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


class Bin(NamedTuple):
    """The galaxies compared whose redshift lies in [low, high)."""

    low: float
    high: float
    chosen: Selection

    def measured(self, real: Floats, generated: Floats) -> int:
        """How many galaxies of the smaller side have a measurement; arguments: all galaxies'."""
        sides = (real, self.chosen.real), (generated, self.chosen.generated)
        return min(len(finite(values[rows])) for values, rows in sides)

    def joined(self, higher: "Bin") -> "Bin":
        """This bin and its higher neighbour as one."""
        a, b = self.chosen, higher.chosen
        both = zip(a.splits, b.splits, strict=True)
        splits = [(np.append(c, e), np.append(d, f)) for (c, d), (e, f) in both]
        rows = np.append(a.real, b.real), np.append(a.generated, b.generated)
        return Bin(self.low, higher.high, Selection(*rows, a.matched, splits))


def redshift_bins(
    real: Floats, generated: Floats, reference: Floats, chosen: Selection
) -> list[Bin]:
    """The galaxies compared, and the splits of the floor, by redshift.

    real, generated, reference: redshifts of all galaxies. The last edge moves out to hold the
    farthest galaxy.
    """
    edges = np.array(EDGES)
    edges[-1] = max(edges[-1], np.nextafter(max(real.max(), generated.max()), np.inf))
    bins = []
    for low, high in pairwise(edges.tolist()):

        def inside(redshift: Floats, rows: Ints, low: float = low, high: float = high) -> Ints:
            return rows[(redshift[rows] >= low) & (redshift[rows] < high)]

        splits = [(inside(real, a), inside(reference, b)) for a, b in chosen.splits]
        rows = inside(real, chosen.real), inside(generated, chosen.generated)
        bins.append(Bin(low, high, Selection(*rows, chosen.matched, splits)))
    return bins


def merged(bins: Sequence[Bin], real: Floats, generated: Floats) -> list[Bin]:
    """Neighbouring bins joined until each holds `LEAST` measured galaxies of both sides; none where
    all together hold fewer. real, generated: the measurement of all galaxies."""
    full: list[Bin] = []
    rest: Bin | None = None
    for one in bins:
        rest = one if rest is None else rest.joined(one)
        if rest.measured(real, generated) >= LEAST:
            full.append(rest)
            rest = None
    if full and rest is not None:
        full[-1] = full[-1].joined(rest)
    return full


def conditional_distance(
    real: Floats, generated: Floats, reference: Floats, bins: Sequence[Bin]
) -> dict[str, Any]:
    """The KS distances in `merged` bins, averaged with the numbers of galaxies as weights, with the
    floor of the same average, and the edges that were used. None where there are too few galaxies.

    real, generated, reference: one measurement of all galaxies, NaN where there is none.
    """
    used = merged(bins, real, generated)
    if not used:
        none = {"conditional_ks": None, "conditional_edges": None}
        return none | floor_summary("conditional_ks", np.empty(0))
    found, weights, nulls = [], [], []
    for _, _, chosen in used:
        here, there = finite(real[chosen.real]), finite(generated[chosen.generated])
        sizes = len(here), len(there)
        found.append(distances(here, there)[0])
        weights.append(min(sizes))
        nulls.append(floor(real, reference, chosen.splits, sizes)[:, 0])
    splits = min(map(len, nulls))
    null = np.average([one[:splits] for one in nulls], axis=0, weights=weights)
    return {
        "conditional_ks": np.average(found, weights=weights),
        "conditional_edges": [used[0].low, *(one.high for one in used)],
    } | floor_summary("conditional_ks", null)
