"""Evolution, as astronomers test it: the more stringent tests that the paper's last section wants.

How large galaxies are at each redshift, how much ultraviolet light they send out, and so how many
young stars there are, and how many look like mergers. Both sides are measured alike and compared
with each other; published relations stand beside them, but a sample that is selected by brightness
need not follow those: the galaxies of GalaxiesML are the brighter the farther.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from galddpm.arrays import Array, Bools, Floats
from galddpm.data.cosmology import comoving_volume, kpc_per_arcsec, spectral_luminosity
from galddpm.data.survey import PIVOT, PIXEL_SCALE
from galddpm.evaluation.statistics.distributions import bootstrap_means, interval

SIDES = ("real", "generated")
RESAMPLES = 500
LEAST = 20  # galaxies a side in a bin
LEAST_FOR_SHARES = 100  # of which some are 0
# half an interval of a difference that still says something: in exponent, in log10, in share
TELLING = {"exponent": 0.5, "sizes": 0.05, "ultraviolet": 0.2, "mergers": 0.1}
# r_eff by (1 + z)^exponent at fixed mass (van der Wel et al. 2014, arXiv:1404.2844)
PUBLISHED_SIZES = {"late types at one mass": -0.75, "early types at one mass": -1.48}
SIZE_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 4.0)
REST = 2800.0  # [Angstrom], near ultraviolet
# its observed wavelength lies between the bands from .71 to 2.49
ULTRAVIOLET_EDGES = (0.72, 0.9, 1.1, 1.4, 1.8, 2.48)
# [M_sun / yr / (erg / s / Hz)] at 1500 Angstrom, for a Salpeter mass function (Madau & Dickinson
# 2014, section 3.1); the spectrum of young stars is flat enough for 2800
STARS_PER_LIGHT = 1.15e-28
MERGER_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 4.0)
# Gini, M20 and asymmetry of fainter or smaller galaxies are noise and PSF, as Lotz et al. 2004
# found (arXiv:astro-ph/0311352); these limits are this project's
LEAST_SNR = 50.0
LEAST_RADIUS = 3.0  # [pix]
ASYMMETRIC = 0.35  # mergers by asymmetry (Conselice 2003, arXiv:astro-ph/0303065), which asks that
# it exceed the clumpiness too; that is not asked here


@dataclass(frozen=True)
class Population:
    """Galaxies of one side that are compared."""

    redshift: Floats  # (N,)
    columns: Mapping[str, Array]  # of the leading band, NaN where nothing was measured
    aperture: Mapping[str, Floats]  # band: flux in one aperture [count]

    def __len__(self) -> int:
        return len(self.redshift)


def compare_cosmic_time(real: Population, generated: Population) -> dict[str, Any]:
    """The tests by name. Each has a verdict, as `compare_trends` gives it, and the numbers of both
    sides with 95 % intervals; None or NaN where there are fewer than `LEAST` galaxies."""
    return {
        "size": compare_sizes(real, generated),
        "ultraviolet": compare_ultraviolet(real, generated),
        "mergers": {
            name: compare_mergers(real, generated, looks)
            for name, looks in (("gini_m20", by_gini_m20), ("asymmetry", by_asymmetry))
        },
    }


def compare_sizes(real: Population, generated: Population) -> dict[str, Any]:
    """Exponent of 1 + z in the half-light radius [kpc] of the Sersic fits, and the mean log10 of it
    in bins of redshift."""
    sizes = [np.log10(radius_kpc(some)) for some in (real, generated)]
    drawn = [
        exponents(some.redshift, size, seed)
        for seed, (some, size) in enumerate(zip((real, generated), sizes, strict=True))
    ]
    result: dict[str, Any] = {
        side: {
            "n": int(np.isfinite(size).sum()),
            "exponent": found[0] if len(found) else None,
            "exponent_interval": interval(found[1:]),
        }
        for side, size, found in zip(SIDES, sizes, drawn, strict=True)
    }
    difference = drawn[1] - drawn[0] if all(map(len, drawn)) else np.empty(0)
    bins = in_bins(real, generated, sizes, SIZE_EDGES, TELLING["sizes"])
    result |= {"bins": bins, "published": PUBLISHED_SIZES}
    return result | difference_of(difference, TELLING["exponent"])


def exponents(redshift: Floats, size: Floats, seed: int) -> Floats:
    """Least-squares slope of log10 sizes (N,) against log10 (1 + z), then those of resampled
    galaxies; empty for fewer than `LEAST`."""
    known = np.isfinite(size)
    x, y = np.log10(1 + redshift[known]), size[known]
    if len(x) < LEAST or np.ptp(x) == 0:
        return np.empty(0)
    rng = np.random.default_rng(seed)
    slopes = [np.polyfit(x, y, 1)[0]]
    for _ in range(RESAMPLES):
        pick = rng.integers(len(x), size=len(x))
        slopes.append(np.polyfit(x[pick], y[pick], 1)[0])
    return np.array(slopes)


def compare_ultraviolet(real: Population, generated: Population) -> list[dict[str, Any]]:
    """Mean log10 of the rest-frame light at 2800 Angstrom [erg / s / Hz], in bins of redshift.

    star_formation: of such a galaxy [M_sun / yr], without dust. density: what the galaxies of the
    bin send out by comoving volume, were each such a one, over that of the first bin; `published`
    the same of cosmic star formation (Madau & Dickinson 2014, Eq. 15). The faint galaxies of far
    bins are not in the sample.
    """
    light = [np.log10(ultraviolet(some)) for some in (real, generated)]
    lines = in_bins(real, generated, light, ULTRAVIOLET_EDGES, TELLING["ultraviolet"])
    for line in lines:
        low, high = line["low"], line["high"]
        line["published"] = star_formation(line["redshift"])
        for side in (line["real"], line["generated"]):
            typical = np.nan if side["mean"] is None else 10 ** side["mean"]
            side["star_formation"] = typical * STARS_PER_LIGHT
            side["density"] = typical * side["n"] / comoving_volume(low, high)
    first = lines[0]["published"], {side: lines[0][side]["density"] for side in SIDES}
    for line in lines:
        line["published"] /= first[0]
        for side in SIDES:
            line[side]["density"] /= first[1][side]
    return lines


def compare_mergers(
    real: Population, generated: Population, looks: Callable[[Population], Bools]
) -> list[dict[str, Any]]:
    """Share of galaxies that look like mergers, of those that are bright and large enough for it,
    in bins of redshift."""
    looking = [
        np.where(resolved(some), looks(some).astype(np.float64), np.nan)
        for some in (real, generated)
    ]
    return in_bins(real, generated, looking, MERGER_EDGES, TELLING["mergers"], LEAST_FOR_SHARES)


def in_bins(
    real: Population,
    generated: Population,
    values: Sequence[Floats],
    edges: Sequence[float],
    telling: float,
    least: int = LEAST,
) -> list[dict[str, Any]]:
    """Mean of the values (N,) of each side in bins of redshift, of `least` galaxies or more, and
    the difference of both. redshift: the mean of the real side, or the middle of the bin."""
    lines = []
    for k, (low, high) in enumerate(pairwise(edges)):
        held = real.redshift[(real.redshift >= low) & (real.redshift < high)]
        middle = held.mean() if len(held) else (low + high) / 2
        line: dict[str, Any] = {"low": low, "high": high, "redshift": float(middle)}
        drawn = []
        for seed, (some, value) in enumerate(zip((real, generated), values, strict=True)):
            inside = (some.redshift >= low) & (some.redshift < high) & np.isfinite(value)
            means = resampled(value[inside], 2 * k + seed, least)
            drawn.append(means)
            line[SIDES[seed]] = {
                "n": int(inside.sum()),
                "mean": means[0] if len(means) else None,
                "mean_interval": interval(means[1:]),
            }
        difference = drawn[1] - drawn[0] if all(map(len, drawn)) else np.empty(0)
        lines.append(line | difference_of(difference, telling))
    return lines


def difference_of(drawn: Floats, telling: float) -> dict[str, Any]:
    """A difference, its interval, and the verdict: "differs" where that excludes 0, "agrees" where
    half of it is at most `telling`, else "too few to say". drawn: the value, then resampled ones.
    """
    if not len(drawn):
        return {"difference": None, "difference_interval": None, "verdict": "too few to say"}
    low, high = np.quantile(drawn[1:], [0.025, 0.975])
    verdict = "agrees" if (high - low) / 2 <= telling else "too few to say"
    if low > 0 or high < 0:
        verdict = "differs"
    return {"difference": drawn[0], "difference_interval": [low, high], "verdict": verdict}


def radius_kpc(some: Population) -> Floats:
    """Half-light radius along the major axis of the Sersic fit, without the PSF, (N,) [kpc]; NaN
    where it is none."""
    angle = np.asarray(some.columns["sersic_r_eff"]) * PIXEL_SCALE
    size = angle * kpc_per_arcsec(some.redshift)
    return np.where(size > 0, size, np.nan)  # at redshift 0 nothing has a size


def ultraviolet(some: Population) -> Floats:
    """L_nu at 2800 Angstrom in the rest frame, (N,) [erg / s / Hz].

    Between two bands the flux density goes by a power of wavelength; NaN where the wavelength lies
    beyond the bands, or a flux is not positive.
    """
    if len(some.aperture) < 2:
        return np.full(len(some), np.nan)
    bands = sorted(some.aperture, key=PIVOT.__getitem__)
    pivot = np.log([PIVOT[band] for band in bands])
    flux = np.stack([some.aperture[band] for band in bands], axis=1)
    wanted = np.log(REST * (1 + some.redshift))
    upper = np.searchsorted(pivot, wanted).clip(1, len(pivot) - 1)
    part = (wanted - pivot[upper - 1]) / (pivot[upper] - pivot[upper - 1])
    rows = np.arange(len(some))
    low, high = flux[rows, upper - 1], flux[rows, upper]
    known = (low > 0) & (high > 0) & (part >= 0) & (part <= 1)
    between = np.exp(
        (1 - part) * np.log(low, where=known, out=np.zeros(len(some)))
        + part * np.log(high, where=known, out=np.zeros(len(some)))
    )
    return np.where(known, spectral_luminosity(between, some.redshift), np.nan)


def star_formation(z: float) -> float:
    """Cosmic density of star formation [M_sun / yr / Mpc^3] (Madau & Dickinson 2014, Eq. 15)."""
    return float(0.015 * (1 + z) ** 2.7 / (1 + ((1 + z) / 2.9) ** 5.6))


def by_gini_m20(some: Population) -> Bools:
    """Above the line of Lotz et al. 2008 (arXiv:astro-ph/0602088): G > -.14 M20 + .33."""
    above: Bools = some.columns["gini"] > -0.14 * some.columns["m20"] + 0.33
    return above


def by_asymmetry(some: Population) -> Bools:
    above: Bools = np.asarray(some.columns["asymmetry"]) > ASYMMETRIC
    return above


def resolved(some: Population) -> Bools:
    """Galaxies whose structure is more than noise and PSF."""
    found = [some.columns[name] for name in ("gini", "m20", "asymmetry")]
    enough = (some.columns["snr"] >= LEAST_SNR) & (
        some.columns["half_light_radius"] >= LEAST_RADIUS
    )
    known: Bools = enough & np.isfinite(found).all(axis=0)
    return known


def resampled(values: Floats, seed: int, least: int) -> Floats:
    """The mean, then those of resampled galaxies; empty for fewer than `least`."""
    if len(values) < least:
        return np.empty(0)
    return np.append(values.mean(), bootstrap_means(values, np.random.default_rng(seed)))
