"""The redshifts that a CNN sees in real and generated galaxies, side by side."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.photoz.metrics import (
    constant_nmad,
    nmad,
    redshift_metrics,
    scaled_error,
)
from galddpm.evaluation.statistics.distributions import LEAST, interval

USABLE = 1 / 3  # of a constant's NMAD: a CNN that is worse on real galaxies judges nothing
# The same in a bin of redshift. There the best constant is near everywhere, so a CNN that sees no
# more than the bin has a ratio of 1, and one whose estimates scatter as much as the redshifts do
# has one of about 1 too.
USABLE_IN_BIN = 0.8
LEAST_IN_BIN = 30  # real galaxies, whose NMADs then scatter by a fifth
RESAMPLES = 1000


def compare_redshifts(
    real: Catalog, generated: Catalog, rows: tuple[Ints, Ints], edges: Sequence[float]
) -> dict[str, Any] | None:
    """Metrics of both sides, and the ratio of their NMADs; None where no redshift was estimated.

    rows: of each side that are compared. The ratio is None, with the reason beside it, where the
    CNN is too poor on real galaxies to judge generated ones, or has seen fewer than `LEAST` of a
    side. In
    each bin of `by_redshift` it is `usable` where its NMAD is at most `USABLE_IN_BIN` of that of
    the best constant there.
    """
    sides = {}
    for side, catalog, chosen in (("real", real, rows[0]), ("generated", generated, rows[1])):
        table = next(iter(catalog.bands.values()))
        columns = catalog.redshift, table["z_phot"], table["z_phot_error"]
        sides[side] = [column[chosen] for column in columns]
    if not all(np.isfinite(estimated).any() for _, estimated, _ in sides.values()):
        return None
    result: dict[str, Any] = {side: _metrics(*columns) for side, columns in sides.items()}
    constant = constant_nmad(sides["real"][0])
    seen = min(int(np.isfinite(estimated).sum()) for _, estimated, _ in sides.values())
    usable = seen >= LEAST and result["real"]["nmad"] <= USABLE * constant
    result |= {"constant_nmad": constant, "usable": bool(usable), "reason": None}
    result |= {"nmad_ratio": None, "nmad_ratio_interval": None}
    if usable:
        result["nmad_ratio"] = result["generated"]["nmad"] / result["real"]["nmad"]
        result["nmad_ratio_interval"] = interval(_ratios(sides))
    elif seen < LEAST:
        result["reason"] = f"redshifts of {seen} galaxies of a side are seen, fewer than {LEAST}"
    else:
        result["reason"] = (
            f"the CNN's NMAD on real galaxies, {result['real']['nmad']:.3f}, is more than a third"
            f" of a constant's, {constant:.3f}: it judges nothing"
        )
    return result | {"by_redshift": _by_redshift(sides, edges)}


def _metrics(true: Floats, estimated: Floats, error: Floats) -> dict[str, Any]:
    return redshift_metrics(estimated=estimated, true=true, error=error)


def _by_redshift(sides: dict[str, Any], edges: Sequence[float]) -> list[dict[str, Any]]:
    bins = []
    for low, high in pairwise(edges):
        line: dict[str, Any] = {"low": low, "high": high}
        for side, columns in sides.items():
            inside = (columns[0] >= low) & (columns[0] < high)
            line[side] = _metrics(*(column[inside] for column in columns))
            if side == "real":
                known = inside & np.isfinite(columns[1])
                line |= _right_to_judge(columns[0][known], line[side]["nmad"])
        bins.append(line)
    return bins


def _right_to_judge(true: Floats, nmad: float | None) -> dict[str, Any]:
    """Whether the CNN sees more of real galaxies in a bin than that they lie in it."""
    if nmad is None:
        return {"constant_nmad": None, "usable": False}
    constant = constant_nmad(true)
    usable = len(true) >= LEAST_IN_BIN and nmad <= USABLE_IN_BIN * constant
    return {"constant_nmad": constant, "usable": bool(usable)}


def _ratios(sides: dict[str, Any]) -> Floats:
    """Bootstrapped ratios of NMADs, generated over real."""
    rng = np.random.default_rng(0)
    drawn = {}
    for side, (true, estimated, _) in sides.items():
        dz = scaled_error(estimated=estimated, true=true)
        dz = dz[np.isfinite(dz)]
        picks = (rng.integers(len(dz), size=len(dz)) for _ in range(RESAMPLES))
        drawn[side] = np.array([nmad(dz[pick]) for pick in picks])
    ratios: Floats = drawn["generated"] / drawn["real"]
    return ratios
