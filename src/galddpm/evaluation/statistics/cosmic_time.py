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
from galddpm.evaluation.statistics.distributions import interval

SIDES = ("real", "generated")
RESAMPLES = 500
LEAST = 20  # galaxies a side in a bin
# half an interval of a difference that still says something: in exponent, in log10, in share
TELLING = {"size": 0.5, "ultraviolet": 0.2, "mergers": 0.1}
# r_eff by (1 + z)^exponent at fixed mass (van der Wel et al. 2014, arXiv:1404.2844)
PUBLISHED_SIZES = {"late types at one mass": -0.75, "early types at one mass": -1.48}
SIZE_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 4.0)
REST = 2800.0  # [Angstrom], near ultraviolet
# its observed wavelength lies between the bands from .71 to 2.49
ULTRAVIOLET_EDGES = (0.72, 0.9, 1.1, 1.4, 1.8, 2.48)
STARS_PER_LIGHT = 1.15e-28  # [M_sun / yr / (erg / s / Hz)], Madau & Dickinson 2014, section 3.1
MERGER_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 4.0)
LEAST_SNR = 50.0  # Gini, M20 and asymmetry of fainter or smaller ones are noise and PSF (Lotz et
LEAST_RADIUS = 3.0  # [pix]  al. 2004, arXiv:astro-ph/0311352)
ASYMMETRIC = 0.35  # mergers by asymmetry (Conselice 2003, arXiv:astro-ph/0303065)


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
    drawn: list[Floats] = []
    result: dict[str, Any] = {}
    for seed, (side, some) in enumerate((("real", real), ("generated", generated))):
        size = radius_kpc(some)
        known = np.isfinite(size)
        log_z, log_size = np.log1p(some.redshift[known]), np.log(size[known])
        if len(log_size) < LEAST or np.ptp(log_z) == 0:
            drawn.append(np.empty(0))
            result[side] = {"n": len(log_size), "exponent": None, "exponent_interval": None}
            continue
        pick = picks(len(log_size), seed)
        x, y = log_z[pick], log_size[pick]
        x = x - x.mean(axis=1, keepdims=True)
        slopes = (x * y).sum(axis=1) / (x**2).sum(axis=1)
        drawn.append(slopes)
        result[side] = {
            "n": len(log_size),
            "exponent": slopes[0],
            "exponent_interval": interval(slopes[1:]),
        }
    difference = drawn[1] - drawn[0] if all(map(len, drawn)) else np.empty(0)
    logarithms = [np.log10(radius_kpc(some)) for some in (real, generated)]
    bins = in_bins(real, generated, logarithms, SIZE_EDGES, TELLING["size"])
    result |= {"bins": bins, "published": PUBLISHED_SIZES}
    return result | difference_of(difference, TELLING["size"])


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
        line["published"] = star_formation((low + high) / 2)
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
    return in_bins(real, generated, looking, MERGER_EDGES, TELLING["mergers"])


def in_bins(
    real: Population,
    generated: Population,
    values: Sequence[Floats],
    edges: Sequence[float],
    telling: float,
) -> list[dict[str, Any]]:
    """Mean of the values (N,) of each side in bins of redshift, and the difference of both."""
    lines = []
    for k, (low, high) in enumerate(pairwise(edges)):
        line: dict[str, Any] = {"low": low, "high": high}
        drawn = []
        for seed, (some, value) in enumerate(zip((real, generated), values, strict=True)):
            inside = (some.redshift >= low) & (some.redshift < high) & np.isfinite(value)
            means = resampled(value[inside], 2 * k + seed)
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
    """Half-light radius along the major axis of the Sersic fit, without the PSF, (N,) [kpc]."""
    angle = np.asarray(some.columns["sersic_r_eff"]) * PIXEL_SCALE
    return angle * kpc_per_arcsec(some.redshift)


def ultraviolet(some: Population) -> Floats:
    """L_nu at 2800 Angstrom in the rest frame, (N,) [erg / s / Hz].

    Between two bands the flux density goes by a power of wavelength; NaN where the wavelength lies
    beyond the bands, or a flux is not positive.
    """
    if len(some.aperture) < 2:
        return np.full(len(some), np.nan)
    pivot = np.log([PIVOT[band] for band in some.aperture])
    flux = np.stack(list(some.aperture.values()), axis=1)
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


def resampled(values: Floats, seed: int) -> Floats:
    """The mean, and those of resampled galaxies; empty for fewer than `LEAST`."""
    if len(values) < LEAST:
        return np.empty(0)
    means: Floats = values[picks(len(values), seed)].mean(axis=1)
    return means


def picks(count: int, seed: int) -> Array:
    """Rows (1 + RESAMPLES, count): all of them, then draws with replacement."""
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    return np.vstack([np.arange(count), drawn])
