"""The judgement: two catalogues in, one report out, with everything that was left out counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from galddpm.evaluation.distributions import Split, bootstrap_means, compare, finite, interval
from galddpm.evaluation.flags import MEANING, Flag
from galddpm.evaluation.matching import floor_splits, match_redshifts, redshifts_differ
from galddpm.evaluation.measurement import COMPARED
from galddpm.evaluation.statmorph_fit import SERSIC, STATISTICS
from galddpm.evaluation.tables import Catalog

REDSHIFT_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
NO_SERSIC = Flag.NOT_SELECTED | Flag.STATMORPH_FAILED | Flag.SERSIC_BAD | Flag.UNDETECTED
NO_STATISTICS = Flag.NOT_SELECTED | Flag.STATMORPH_FAILED | Flag.STATMORPH_BAD
COMMENT = {
    "floor": "real against real, disjoint halves, rescaled to the sample sizes in use",
    "flag": {bit.name: {"bit": int(bit), "meaning": MEANING[bit]} for bit in Flag},
}


@dataclass(frozen=True)
class Selection:
    """Which galaxies are compared, and the splits of the real ones for the floor."""

    real: np.ndarray  # rows
    generated: np.ndarray  # rows
    matched: bool
    splits: list[Split]


def select(real: Catalog, generated: Catalog, reference: Catalog | None) -> Selection:
    """All galaxies where the redshifts agree, else partners in log(1+z)."""
    matched = redshifts_differ(real.redshift, generated.redshift)
    rows = np.arange(len(real)), np.arange(len(generated))
    if matched:
        rows = match_redshifts(real.redshift, generated.redshift, np.random.default_rng(0))
    second = None if reference is None else reference.redshift
    splits = floor_splits(real.redshift, second, generated.redshift, matched)
    return Selection(*rows, matched, splits)


def judge(
    real: Catalog,
    generated: Catalog,
    reference: Catalog | None,
    chosen: Selection,
    bands: Sequence[str],
) -> dict:
    """The report as plain values; `bands` are those measured, the first one leads."""
    second = real if reference is None else reference
    by_band = {band: compare_band(real, generated, second, chosen, band) for band in bands}
    counts = {
        side: count(catalog, catalog.bands[bands[0]]) | {"compared": len(rows)}
        for side, catalog, rows in (
            ("real", real, chosen.real),
            ("generated", generated, chosen.generated),
        )
    }
    return plain(
        {
            "band": bands[0],
            "matched": chosen.matched,
            "counts": counts,
            "metrics": by_band[bands[0]],
            "by_band": {band: by_band[band] for band in bands[1:]},
            "by_redshift": compare_bins(real, generated, second, chosen, bands[0]),
            "brightness": compare_brightness(real, generated, chosen),
            "redshift": None,
            "definitions": COMMENT,
        }
    )


def count(catalog: Catalog, table: Mapping[str, np.ndarray]) -> dict:
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


def comparable(table: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """A column with NaN where its flags say that the number is none."""
    values = table[name]
    if name in SERSIC:
        return np.where(table["flag_sersic"] & NO_SERSIC, np.nan, values)
    if name in STATISTICS:
        return np.where(table["flag"] & NO_STATISTICS, np.nan, values)
    return values


def compare_band(
    real: Catalog, generated: Catalog, second: Catalog, chosen: Selection, band: str
) -> dict:
    """Every measurement of one band compared; `second` is the other side of the floor."""
    result = {}
    for name in COMPARED:
        values = [comparable(side.bands[band], name) for side in (real, generated, second)]
        result[name] = compare(
            values[0][chosen.real],
            values[1][chosen.generated],
            (values[0], values[2]),
            chosen.splits,
        )
    return result


def compare_bins(
    real: Catalog, generated: Catalog, second: Catalog, chosen: Selection, band: str
) -> list[dict]:
    """The same in bins of redshift; the last edge moves out to hold the farthest galaxy."""
    edges = np.array(REDSHIFT_EDGES)
    farthest = max(real.redshift.max(), generated.redshift.max())
    edges[-1] = max(edges[-1], np.nextafter(farthest, np.inf))
    bins = []
    for low, high in pairwise(edges):
        inside = Selection(
            within(real, chosen.real, low, high),
            within(generated, chosen.generated, low, high),
            chosen.matched,
            [(within(real, a, low, high), within(second, b, low, high)) for a, b in chosen.splits],
        )
        numbers = {"n_real": len(inside.real), "n_generated": len(inside.generated)}
        metrics = compare_band(real, generated, second, inside, band)
        bins.append({"low": low, "high": high, **numbers, "metrics": metrics})
    return bins


def within(catalog: Catalog, rows: np.ndarray, low: float, high: float) -> np.ndarray:
    """The rows whose redshift lies in [low, high)."""
    redshift = catalog.redshift[rows]
    return rows[(redshift >= low) & (redshift < high)]


def compare_brightness(real: Catalog, generated: Catalog, chosen: Selection) -> dict:
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


def plain(value):
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
