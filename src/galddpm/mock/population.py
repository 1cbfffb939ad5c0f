"""What is in the catalog: redshifts, types, magnitudes, sizes, shapes and neighbours.

Every number that was tuned, so that the measured catalog has the published distributions (see
check.py), stands in KNOBS with its source or reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.survey import PIXEL_SCALE, ZERO_POINT
from galddpm.mock.spectra import band_fluxes, dimming, kpc_per_arcsec

SOLAR_I = 4.52  # absolute AB magnitude of the sun in i (Willmer 2018)

# Spectroscopic redshifts of GalaxiesML: cumulative share at the ends of the published bins, and the
# published quantiles inside the first and last ones.
CUMULATIVE_Z = np.array([
    0.01, 0.017, 0.042, 0.082, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 1.75,
    2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0,
])  # fmt: skip
BIN_SHARES = (  # [%] from z = 0, to 0.1 and so on
    7.54, 15.69, 10.78, 7.57, 9.94, 14.09, 9.84, 5.99, 3.95, 2.47, 3.15, 1.88, 1.21,
    1.03, 1.24, 1.48, 0.85, 0.54, 0.39, 0.18, 0.19,
)  # fmt: skip
CUMULATIVE = np.array([0, 0.1, 1, 5, *np.cumsum(BIN_SHARES)])

KNOBS: dict[str, Any] = {
    # z: median i magnitude, its scatter, early-type share, quasar share. Survey limits (bright
    # local r < 17.8, luminous red i < 19.9, flux-limited i < 22.5, deep to 25), then calibrated.
    "z": (0.03, 0.10, 0.20, 0.30, 0.45, 0.60, 0.80, 1.00, 1.50, 2.00, 2.50, 3.00, 4.00),
    "i_median": (17.5, 17.8, 18.6, 20.0, 20.75, 21.05, 21.5, 22.1, 22.8, 23.0, 23.1, 23.2, 23.4),
    "i_scatter": (0.7, 0.8, 1.0, 1.2, 1.3, 1.3, 1.2, 1.2, 1.0, 1.0, 1.0, 1.0, 1.0),
    "early_share": (0.35, 0.40, 0.45, 0.50, 0.65, 0.65, 0.40, 0.25, 0.15, 0.10, 0.05, 0.05, 0.05),
    "quasar_share": (0, 0, 0, 0, 0, 0, 0.02, 0.08, 0.35, 0.60, 0.60, 0.60, 0.60),
    "quasar_i": (21.6, 0.9),  # median, scatter [mag]: flux limit near 22
    "mass_to_light": (2.0, 1.1),  # early, late, in i [sun]
    # on the published mass-size relation, whose table starts at z = 0.25
    "size_factor": (1.0, 1.03, 1.0, 0.85, 0.65, 0.55, 0.55, 0.55, 0.55, 0.55, 0.55, 0.55, 0.55),
    "size_scatter": (0.12, 0.18),  # [dex] (van der Wel et al. 2014)
    "early_axis_ratio": (0.97, 0.12),  # mean, scatter before the cut at 1; rounder than published,
    # because blends with companions add to the measured ellipticity
    "disc_thickness": (0.30, 0.06),  # intrinsic ratio of discs
    "neighbours": 170.0,  # [arcmin^-2] to the faint limit
    "neighbour_i": (17.0, 26.0, 0.25),  # bright, faint limit and slope of the counts [mag]
    "companions": 1.45,  # mean number of physical companions, at the same redshift
    "companion_radius": 22.0,  # scatter of their distance along each axis [pix]
    "companion_i": (20.9, 1.0),  # median, scatter [mag]
}
# half-light radii at 5e10 solar masses and slopes with mass (van der Wel et al. 2014)
SIZE_Z = (0.25, 0.75, 1.25, 1.75, 2.25, 2.75)
LOG_SIZE = ((0.60, 0.42, 0.22, 0.09, -0.05, -0.06), (0.86, 0.78, 0.70, 0.65, 0.55, 0.51))  # [kpc]
SIZE_SLOPE = ((0.75, 0.71, 0.76, 0.76, 0.76, 0.79), (0.25, 0.22, 0.22, 0.23, 0.22, 0.18))
SMALLEST, LARGEST = 0.5, 28.0  # half-light radius [pix]
EARLY, LATE, QUASAR = 0, 1, 2
BLUEST, QUASAR_TEMPLATE = 3.0, 4.0  # places among the spectra


@dataclass(frozen=True)
class Profile:
    """One component: a Sersic profile, or points that share the flux."""

    flux: Floats  # (5,) [count]
    x: float  # offset from the stamp's centre [pix]
    y: float
    r_eff: float = 0.0  # half-light radius along the major axis [pix]
    axis_ratio: float = 1.0
    angle: float = 0.0  # [rad] from the x axis
    sersic_n: float = 1.0
    points: Floats | None = None  # (n, 2) offsets from (x, y) [pix], instead of the profile


@dataclass(frozen=True)
class Galaxy:
    """The central source, its truth, and the sources around it."""

    redshift: float
    kind: int  # EARLY, LATE or QUASAR
    template: float
    flux: Floats  # (5,) of the central source [count]
    r_eff: float  # half-light radius along the major axis [pix]
    axis_ratio: float
    angle: float  # [rad]
    bulge_share: float  # of the i-band light
    central: tuple[Profile, ...]
    neighbours: tuple[Profile, ...]


def draw_galaxy(rng: Generator, stamp: int) -> Galaxy:
    """A galaxy and its surroundings for a stamp of `stamp` pixels on a side."""
    redshift = float(np.interp(rng.random(), CUMULATIVE / CUMULATIVE[-1], CUMULATIVE_Z))
    kind = _kind(rng, redshift)
    template = _template(rng, kind)
    magnitude = _magnitude(rng, kind, redshift)
    r_eff = _size(rng, kind, template, magnitude, redshift)
    axis_ratio, angle = _axis_ratio(rng, kind), float(rng.uniform(0, np.pi))
    centre = rng.normal(0, 0.25, 2)
    share = _bulge_share(rng, kind)
    shape = (r_eff, axis_ratio, angle)
    central = _components(rng, kind, template, magnitude, redshift, share, shape, centre)
    around = tuple(_neighbours(rng, stamp, redshift))
    flux = sum((part.flux for part in central[1:]), central[0].flux)
    return Galaxy(redshift, kind, template, flux, *shape, share, central, around)


def _fluxes(magnitude: float, template: float, redshift: float) -> Floats:
    """(5,) [count] of an i magnitude."""
    return 10 ** (0.4 * (ZERO_POINT - magnitude)) * band_fluxes(template, redshift)


def _knob(name: str, redshift: float) -> float:
    return float(np.interp(redshift, KNOBS["z"], KNOBS[name]))


def _kind(rng: Generator, redshift: float) -> int:
    chance = rng.random()
    quasar = _knob("quasar_share", redshift)
    if chance < quasar:
        return QUASAR
    return EARLY if chance < quasar + (1 - quasar) * _knob("early_share", redshift) else LATE


def _template(rng: Generator, kind: int) -> float:
    if kind == QUASAR:
        return QUASAR_TEMPLATE
    return float(rng.beta(1.2, 5.0) if kind == EARLY else np.clip(rng.normal(0.9, 0.5), 0.2, 3.0))


def _magnitude(rng: Generator, kind: int, redshift: float) -> float:
    if kind == QUASAR:
        return float(rng.normal(*KNOBS["quasar_i"]))
    return float(rng.normal(_knob("i_median", redshift), _knob("i_scatter", redshift)))


def _size(rng: Generator, kind: int, template: float, magnitude: float, redshift: float) -> float:
    """Half-light radius along the major axis [pix], from mass and redshift."""
    if kind == QUASAR:
        return 0.0
    absolute = magnitude - dimming(template, redshift)
    mass = KNOBS["mass_to_light"][kind] * 10 ** (-0.4 * (absolute - SOLAR_I))
    log_size = np.interp(redshift, SIZE_Z, LOG_SIZE[kind])
    slope = np.interp(redshift, SIZE_Z, SIZE_SLOPE[kind])
    log_size += slope * np.clip(np.log10(mass / 5e10), -1.5, 1.0)
    log_size += rng.normal(0, KNOBS["size_scatter"][kind])
    kpc_per_pixel = kpc_per_arcsec(redshift) * PIXEL_SCALE
    size = _knob("size_factor", redshift) * 10**log_size / kpc_per_pixel
    return float(np.clip(size, SMALLEST, LARGEST))


def _axis_ratio(rng: Generator, kind: int) -> float:
    if kind == EARLY:
        return float(np.clip(rng.normal(*KNOBS["early_axis_ratio"]), 0.3, 1))
    if kind == QUASAR:
        return 1.0
    thickness = np.clip(rng.normal(*KNOBS["disc_thickness"]), 0.1, 0.5)
    return float(np.sqrt(rng.random() ** 2 * (1 - thickness**2) + thickness**2))


def _bulge_share(rng: Generator, kind: int) -> float:
    if kind == QUASAR:
        return 1.0
    return float(rng.uniform(0.6, 1.0) if kind == EARLY else rng.beta(1.2, 6.0))


def _components(
    rng: Generator, kind: int, template: float, magnitude: float, redshift: float, share: float,
    shape: tuple[float, float, float], centre: Floats,
) -> tuple[Profile, ...]:  # fmt: skip
    """Bulge, disc and star-forming knots; the bulge is redder than the disc."""
    (r_eff, axis_ratio, angle), (x, y) = shape, centre
    if kind == QUASAR:
        light = _fluxes(magnitude, template, redshift)
        return (Profile(light, x, y, points=np.zeros((1, 2))),)
    knots = rng.uniform(0.0, 0.25) * (1 - share) if kind == LATE else 0.0
    bulge = share * _fluxes(magnitude, 0.5 * template, redshift)
    disc = (1 - share - knots) * _fluxes(magnitude, min(template + 0.3, 3.0), redshift)
    parts = [Profile(disc, x, y, r_eff, axis_ratio, angle, 1.0)]
    if kind == EARLY:
        return (*parts, Profile(bulge, x, y, r_eff, axis_ratio, angle, 2.0))
    parts.append(Profile(bulge, x, y, 0.45 * r_eff, max(axis_ratio, 0.6), angle, 2.0))
    points = _scattered(rng, int(rng.integers(4, 16)), *shape)
    light = knots * _fluxes(magnitude, BLUEST, redshift)
    return (*parts, Profile(light, x, y, points=points))


def _scattered(rng: Generator, count: int, r_eff: float, axis_ratio: float, angle: float) -> Floats:
    """Offsets (count, 2) [pix] of knots in a disc whose half-light radius is r_eff."""
    along = rng.normal(0, r_eff / 1.18, count)  # half of a round Gaussian lies inside 1.18 sigma
    across = rng.normal(0, r_eff / 1.18 * axis_ratio, count)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([along * cosine - across * sine, along * sine + across * cosine], axis=1)


def _neighbours(rng: Generator, stamp: int, redshift: float) -> Iterator[Profile]:
    """Unrelated sources at the density of the sky, and now and then a companion."""
    area = (stamp * PIXEL_SCALE / 60) ** 2  # [arcmin^2]
    bright, faint, slope = KNOBS["neighbour_i"]
    counts = 10 ** (slope * (np.array([bright, faint]) - faint))
    for _ in range(rng.poisson(KNOBS["neighbours"] * area)):
        magnitude = faint + np.log10(rng.uniform(*counts)) / slope
        place = rng.uniform(-stamp / 2, stamp / 2, 2)
        around = min(float(rng.lognormal(-0.4, 0.6)), CUMULATIVE_Z[-1])
        yield _neighbour(rng, magnitude, rng.uniform(1, 3), around, place)
    for _ in range(rng.poisson(KNOBS["companions"])):
        magnitude = rng.normal(*KNOBS["companion_i"])
        place = rng.normal(0, KNOBS["companion_radius"], 2)
        yield _neighbour(rng, magnitude, _template(rng, EARLY), redshift, place)


def _neighbour(
    rng: Generator, magnitude: float, template: float, redshift: float, place: Floats
) -> Profile:
    flux, (x, y) = _fluxes(magnitude, template, redshift), place
    r_eff = 10 ** rng.normal(-0.055 * (magnitude - 22), 0.18) * 0.45 / PIXEL_SCALE
    size, angle = float(np.clip(r_eff, SMALLEST, LARGEST)), float(rng.uniform(0, np.pi))
    return Profile(flux, x, y, size, _axis_ratio(rng, LATE), angle)
