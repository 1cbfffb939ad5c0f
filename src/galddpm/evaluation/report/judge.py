"""The judgement: two catalogs in, one report out, with everything that was left out counted."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from galddpm.arrays import Array, Floats, Ints
from galddpm.evaluation.catalog.colours import colours
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.flags import MEANING, Flag
from galddpm.evaluation.measurement.sersic_columns import SERSIC
from galddpm.evaluation.measurement.stamp import COMPARED
from galddpm.evaluation.photoz.comparison import compare_redshifts
from galddpm.evaluation.statistics.classifiers import compare_by_trees
from galddpm.evaluation.statistics.distributions import (
    bootstrap_means,
    compare,
    finite,
    floor,
    floor_summary,
    interval,
)
from galddpm.evaluation.statistics.matching import Selection
from galddpm.evaluation.statistics.multivariate import (
    compare_covariance,
    compare_energy,
    compare_frechet,
)
from galddpm.evaluation.statistics.trends import TRENDS, compare_trends

REDSHIFT_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
NOT_FITTED = Flag.SERSIC_BAD | Flag.UNDETECTED | Flag.BAD_PIXELS
NO_SERSIC = NOT_FITTED | Flag.SERSIC_POOR
TOGETHER = (  # measurements of the energy distance: those that every galaxy has
    "ellipticity",
    "semimajor_axis",
    "isophotal_area",
    "half_light_radius",
    "flux",
    "snr",
    "sky_sigma",
)
COVARIANT = ("half_light_radius", "ellipticity", "concentration")  # and magnitude and colours
COMMENT = {
    "floor": "real against real, disjoint halves, rescaled to the sample sizes in use",
    "flag": {bit.name: {"bit": int(bit), "meaning": MEANING[bit]} for bit in Flag},
}


def judge(
    real: Catalog,
    generated: Catalog,
    reference: Catalog | None,
    chosen: Selection,
    bands: Sequence[str],
) -> dict[str, Any]:
    """The report as plain values; `bands` are those measured, the first one leads."""
    lead, *others = bands
    second = real if reference is None else reference
    sides = [columns(catalog, lead) for catalog in (real, generated, second)]
    metrics, _ = compare_columns(sides, chosen)
    counts = {
        side: count(catalog, catalog.bands[lead]) | {"compared": len(rows)}
        for side, catalog, rows in (
            ("real", real, chosen.real),
            ("generated", generated, chosen.generated),
        )
    }
    bins, conditional = compare_bins((real, generated, second), sides, chosen)
    for name, distance in conditional.items():
        metrics[name] |= distance
    edges = [bins[0]["low"], *(b["high"] for b in bins)]
    rows = chosen.real, chosen.generated
    report: dict[str, Any] = plain(
        {
            "band": lead,
            "matched": chosen.matched,
            "counts": counts,
            "metrics": metrics,
            "by_band": {
                band: compare_columns(
                    [columns(side, band, COMPARED) for side in (real, generated, second)], chosen
                )[0]
                for band in others
            },
            "by_redshift": bins,
            "trends": trends(real, generated, sides, chosen),
            "joint": compare_joint((real, generated, second), sides, chosen),
            "brightness": compare_brightness(real, generated, chosen),
            "redshift": compare_redshifts(real, generated, rows, edges),
            "definitions": COMMENT,
        }
    )
    return report


def count(catalog: Catalog, table: Mapping[str, Array]) -> dict[str, Any]:
    """How many galaxies there are, were found, were fitted, and carry each flag."""
    status = {name: int((table["status"] == name).sum()) for name in np.unique(table["status"])}
    statuses = {name: status.get(name, 0) for name in ("ok", "edge", "undetected", "bad_pixels")}
    return {
        "total": len(catalog),
        "detected": statuses["ok"] + statuses["edge"],
        **statuses,
        "statmorph_selected": int(((table["flag"] & Flag.NOT_SELECTED) == 0).sum()),
        "sersic_ok": int(np.isfinite(comparable(table, "sersic_n")).sum()),
        "flagged": {
            bit.name: int(((table["flag"] | table["flag_sersic"]) & bit > 0).sum()) for bit in Flag
        },
    }


def comparable(table: Mapping[str, Array], name: str) -> Floats:
    """A column with NaN where its flags say that the number is none."""
    values = table[name]
    if name in SERSIC:
        return np.where(table["flag_sersic"] & NO_SERSIC, np.nan, values)
    if name == "sersic_chi2":  # which says how poor a fit is
        return np.where(table["flag_sersic"] & NOT_FITTED, np.nan, values)
    return values


def columns(catalog: Catalog, band: str, names: Sequence[str] | None = None) -> dict[str, Array]:
    """What is compared of a band; colours and magnitudes too where no names are given."""
    table = {name: comparable(catalog.bands[band], name) for name in names or COMPARED}
    return table if names else table | colours(catalog.aperture)


def compare_columns(
    sides: Sequence[Mapping[str, Array]], chosen: Selection
) -> tuple[dict[str, dict[str, Any]], dict[str, Array]]:
    """Every column compared, and the distances of its floor, (splits, 2).

    sides: columns of the real set, the generated one, and the other side of the floor.
    """
    real, generated, second = sides
    result, nulls = {}, {}
    for name in real:
        a, b = real[name][chosen.real], generated[name][chosen.generated]
        sizes = len(finite(a)), len(finite(b))
        nulls[name] = (
            floor(real[name], second[name], chosen.splits, sizes)
            if min(sizes)
            else np.empty((0, 2))
        )
        result[name] = compare(a, b, nulls[name])
    return result, nulls


def compare_bins(
    catalogs: Sequence[Catalog], sides: Sequence[Mapping[str, Array]], chosen: Selection
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The same in bins of redshift, and from them the conditional distances of each column.

    The last edge moves out to hold the farthest galaxy.
    """
    real, generated, second = catalogs
    edges = np.array(REDSHIFT_EDGES)
    farthest = max(real.redshift.max(), generated.redshift.max())
    edges[-1] = max(edges[-1], np.nextafter(farthest, np.inf))
    bins, nulls = [], []
    for low, high in pairwise(edges):
        inside = Selection(
            within(real, chosen.real, low, high),
            within(generated, chosen.generated, low, high),
            chosen.matched,
            [(within(real, a, low, high), within(second, b, low, high)) for a, b in chosen.splits],
        )
        numbers = {"n_real": len(inside.real), "n_generated": len(inside.generated)}
        metrics, null = compare_columns(sides, inside)
        bins.append({"low": low, "high": high, **numbers, "metrics": metrics})
        nulls.append(null)
    return bins, {name: conditional_distance(name, bins, nulls) for name in sides[0]}


def conditional_distance(
    name: str, bins: Sequence[Mapping[str, Any]], nulls: Sequence[Mapping[str, Array]]
) -> dict[str, Any]:
    """The KS distances of the bins averaged with the numbers of galaxies as weights: how far the
    two sets are at given redshift. Bins without a distance are left out."""
    used = [
        (b["metrics"][name]["ks"], min(b["n_real"], b["n_generated"]), null[name][:, 0])
        for b, null in zip(bins, nulls, strict=True)
        if b["metrics"][name]["ks"] is not None and len(null[name])
    ]
    if not used:
        return {"conditional_ks": None} | floor_summary("conditional_ks", np.empty(0))
    values, weights, floors = zip(*used, strict=True)
    splits = min(map(len, floors))
    null = np.average([f[:splits] for f in floors], axis=0, weights=weights)
    average = np.average(values, weights=weights)
    return {"conditional_ks": average} | floor_summary("conditional_ks", null)


def trends(
    real: Catalog, generated: Catalog, sides: Sequence[Mapping[str, Any]], chosen: Selection
) -> dict[str, dict[str, Any]]:
    """The paper's two statements about redshift, for both sides."""
    pairs = {}
    for side, catalog, table, rows in (
        ("real", real, sides[0], chosen.real),
        ("generated", generated, sides[1], chosen.generated),
    ):
        pairs[side] = catalog.redshift[rows], {name: table[name][rows] for name in TRENDS}
    return compare_trends(pairs)


def compare_joint(
    catalogs: Sequence[Catalog], sides: Sequence[Mapping[str, Array]], chosen: Selection
) -> dict[str, Any]:
    """Distances in many measurements at once: energy, trees, and the CNN's features where known."""
    whole = [np.stack([table[name] for name in TOGETHER], axis=1) for table in sides]
    every = [
        np.column_stack([catalog.redshift, *table.values()])
        for catalog, table in zip(catalogs, sides, strict=True)
    ]
    together = covariant(catalogs, sides)
    result: dict[str, Any] = {
        "energy": compare_energy(whole[0], whole[1], whole[2], chosen),
        "covariance": compare_covariance(together[0], together[1], together[2], chosen),
        "trees": compare_by_trees(every[0], every[1], every[2], chosen),
        "frechet": None,
    }
    features = [catalog.features for catalog in catalogs if catalog.features is not None]
    if len(features) == len(catalogs):
        real, generated, second = features
        result["frechet"] = compare_frechet(real, generated, second, chosen)
    return result


def covariant(catalogs: Sequence[Catalog], sides: Sequence[Mapping[str, Array]]) -> list[Floats]:
    """Magnitude, size, ellipticity, concentration and colours of each side, (n, d): what
    arXiv:2604.22917 judges generated galaxies by together."""
    lead, *_ = catalogs[0].bands
    colour = [name for name in colours(catalogs[0].aperture) if not name.startswith("magnitude_")]
    names = (f"magnitude_{lead}", *COVARIANT, *colour)
    return [np.stack([table[name] for name in names], axis=1) for table in sides]


def within(catalog: Catalog, rows: Ints, low: float, high: float) -> Ints:
    """The rows whose redshift lies in [low, high)."""
    redshift = catalog.redshift[rows]
    return rows[(redshift >= low) & (redshift < high)]


def compare_brightness(real: Catalog, generated: Catalog, chosen: Selection) -> dict[str, Any]:
    """Mean over all pixels of asinh(counts), generated over real, in every band of the files."""
    rng = np.random.default_rng(0)
    result = {}
    for band in real.brightness:
        a = finite(real.brightness[band][chosen.real])
        b = finite(generated.brightness[band][chosen.generated])
        ratios = bootstrap_means(b, rng), bootstrap_means(a, rng)
        whole = len(ratios[0]) and len(ratios[1])
        result[band] = {
            "asinh_ratio": b.mean() / a.mean() if whole else None,
            "asinh_ratio_interval": interval(ratios[0] / ratios[1]) if whole else None,
        }
    return result


def plain(value: Any) -> Any:
    """The same with Python's own types and None for what is not finite, as JSON needs it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
