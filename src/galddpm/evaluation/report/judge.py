"""The judgement: two catalogs in, one report out, with everything that was left out counted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galddpm.arrays import Array, Floats, Ints
from galddpm.evaluation.catalog.colours import colours, in_magnitudes
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.flags import MEANING, Flag
from galddpm.evaluation.measurement.sersic_columns import SERSIC
from galddpm.evaluation.measurement.stamp import COMPARED
from galddpm.evaluation.photoz.comparison import compare_redshifts
from galddpm.evaluation.statistics.classifiers import compare_by_trees
from galddpm.evaluation.statistics.cosmic_time import Population, compare_cosmic_time
from galddpm.evaluation.statistics.distributions import (
    bootstrap_means,
    compare,
    finite,
    floor,
    interval,
)
from galddpm.evaluation.statistics.matching import Selection
from galddpm.evaluation.statistics.multivariate import (
    compare_covariance,
    compare_energy,
    compare_frechet,
)
from galddpm.evaluation.statistics.redshift_bins import (
    Bin,
    conditional_distance,
    redshift_bins,
)
from galddpm.evaluation.statistics.trends import compare_trends

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
    catalogs = real, generated, second
    sides = [columns(catalog, lead) for catalog in catalogs]
    compared = populations((real, generated), sides, chosen)
    metrics = compare_columns(sides, chosen)
    bins = redshift_bins(real.redshift, generated.redshift, second.redshift, chosen)
    for name, distance in metrics.items():
        distance |= conditional_distance(sides[0][name], sides[1][name], sides[2][name], bins)
    edges = [bins[0].low, *(one.high for one in bins)]
    redshift = compare_redshifts(real, generated, (chosen.real, chosen.generated), edges)
    may_judge = redshift is not None and redshift["usable"]
    report: dict[str, Any] = plain(
        {
            "band": lead,
            "matched": chosen.matched,
            "counts": {
                "real": count(real, lead, chosen.real),
                "generated": count(generated, lead, chosen.generated),
            },
            "metrics": metrics,
            "by_band": {band: compare_band(catalogs, band, chosen) for band in others},
            "by_redshift": [compare_bin(sides, one) for one in bins],
            "trends": compare_trends(*((some.redshift, some.columns) for some in compared)),
            "cosmic_time": compare_cosmic_time(*compared),
            "joint": compare_joint(catalogs, sides, chosen, may_judge),
            "brightness": compare_brightness(real, generated, chosen),
            "redshift": redshift,
            "definitions": COMMENT,
        }
    )
    return report


def count(catalog: Catalog, band: str, compared: Ints) -> dict[str, Any]:
    """How many galaxies there are, were found, were fitted, are compared, and carry each flag."""
    table = catalog.bands[band]
    status = {name: int((table["status"] == name).sum()) for name in np.unique(table["status"])}
    statuses = {name: status.get(name, 0) for name in ("ok", "edge", "undetected", "bad_pixels")}
    return {
        "total": len(catalog),
        "detected": statuses["ok"] + statuses["edge"],
        **statuses,
        "statmorph_selected": int(((table["flag"] & Flag.NOT_SELECTED) == 0).sum()),
        "sersic_ok": int(np.isfinite(comparable(table, "sersic_n")).sum()),
        "compared": len(compared),
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
) -> dict[str, dict[str, Any]]:
    """Every column compared.

    sides: columns of the real set, the generated one, and the other side of the floor.
    """
    real, generated, second = sides
    result = {}
    for name in real:
        a, b = real[name][chosen.real], generated[name][chosen.generated]
        sizes = len(finite(a)), len(finite(b))
        null = floor(real[name], second[name], chosen.splits, sizes)
        result[name] = compare(a, b, null, ratio=not in_magnitudes(name))
    return result


def compare_band(catalogs: Sequence[Catalog], band: str, chosen: Selection) -> dict[str, Any]:
    """The same in a band that does not lead."""
    return compare_columns([columns(catalog, band, COMPARED) for catalog in catalogs], chosen)


def compare_bin(sides: Sequence[Mapping[str, Array]], one: Bin) -> dict[str, Any]:
    """The same in a bin of redshift."""
    chosen = one.chosen
    numbers = {"n_real": len(chosen.real), "n_generated": len(chosen.generated)}
    return {"low": one.low, "high": one.high, **numbers, "metrics": compare_columns(sides, chosen)}


def populations(
    catalogs: Sequence[Catalog], sides: Sequence[Mapping[str, Array]], chosen: Selection
) -> list[Population]:
    """The galaxies that are compared, real and generated ones."""
    return [
        Population(
            catalog.redshift[rows],
            {name: values[rows] for name, values in table.items()},
            {band: flux[rows] for band, flux in catalog.aperture.items()},
        )
        for catalog, table, rows in zip(
            catalogs, sides, (chosen.real, chosen.generated), strict=False
        )
    ]


def compare_joint(
    catalogs: Sequence[Catalog],
    sides: Sequence[Mapping[str, Array]],
    chosen: Selection,
    by_cnn: bool,
) -> dict[str, Any]:
    """Distances in many measurements at once: energy, trees, and the CNN's features where these are
    known and, `by_cnn`, the CNN may judge."""
    whole = [np.stack([table[name] for name in TOGETHER], axis=1) for table in sides]
    every = [np.column_stack(list(table.values())) for table in sides]
    if not any(on_a_grid(catalog.redshift) for catalog in catalogs):
        every = [
            np.column_stack([catalog.redshift, table])
            for catalog, table in zip(catalogs, every, strict=True)
        ]
    together = covariant(catalogs, sides)
    result: dict[str, Any] = {
        "energy": compare_energy(whole[0], whole[1], whole[2], chosen),
        "covariance": compare_covariance(together[0], together[1], together[2], chosen),
        "trees": compare_by_trees(every[0], every[1], every[2], chosen),
        "frechet": None,
    }
    features = [catalog.features for catalog in catalogs if catalog.features is not None]
    if by_cnn and len(features) == len(catalogs):
        real, generated, second = features
        result["frechet"] = compare_frechet(real, generated, second, chosen)
    return result


def on_a_grid(redshift: Floats) -> bool:
    """Whether most redshifts occur more than once, by which alone a set would be told."""
    return len(np.unique(redshift)) < len(redshift) / 2


def covariant(catalogs: Sequence[Catalog], sides: Sequence[Mapping[str, Array]]) -> list[Floats]:
    """Magnitude, size, ellipticity, concentration and colours of each side, (n, d): what
    arXiv:2604.22917 judges generated galaxies by together."""
    lead, *_ = catalogs[0].bands
    colour = [name for name in colours(catalogs[0].aperture) if not name.startswith("magnitude_")]
    names = (f"magnitude_{lead}", *COVARIANT, *colour)
    return [np.stack([table[name] for name in names], axis=1) for table in sides]


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
