"""What else lies in a stamp: other galaxies by published number counts, companions, stars."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.survey import PIXEL_SCALE, ZERO_POINT
from galddpm.mock.morphology import Source, build, counts
from galddpm.mock.profiles import Knots, Profile, ellipse
from galddpm.mock.selection import (
    CUMULATIVE_Z,
    EARLY,
    IRREGULAR,
    LATE,
    Chosen,
    brightest,
    draw_template,
)
from galddpm.mock.shapes import disc_axis_ratio
from galddpm.mock.spectra import dimming, kpc_per_arcsec

# log10 of galaxies per square degree and magnitude in i (COSMOS2020, The Farmer: Weaver et al.
# 2022, ApJS 258, 11), every half magnitude from 19.25 on; brighter ones fall by BRIGHT_SLOPE
COUNTS_I = np.arange(19.25, 26.5, 0.5)
LOG_COUNTS = np.array([
    3.01, 3.23, 3.44, 3.64, 3.85, 4.03, 4.21, 4.38, 4.54, 4.71, 4.86, 4.97, 5.08, 5.20, 5.29,
])  # fmt: skip
BRIGHT_SLOPE = 0.5  # dex a magnitude
BRIGHT, FAINT = 16.0, 26.5  # i [mag] of the neighbours drawn
DETAILED = 22.5  # i [mag]; brighter neighbours have bulges and arms
SIZES = (22.0, 0.38, -0.06, 0.18)  # half-light radius [arcsec] at i, slope [dex/mag], scatter [dex]
RED_SHARE = 0.2  # of neighbours below z = 1
# stars per arcmin^2 to i = 20 and slope [dex/mag] at high galactic latitude
STARS, STAR_SLOPE, STAR_RANGE = 0.8, 0.14, (15.5, 24.0)
GLARING, CLEAR = 20.0, 20.0  # brighter stars [mag] are so far from the galaxy [pix]
STAR_COLOURS = np.array(
    [[0.35, 0.10, 0.04, 0.02], [1.45, 0.95, 0.45, 0.22]]
)  # g-r .. z-y, blue, red
# luminosity function (Blanton et al. 2003, for h = 0.7) and correlation of galaxies
M_STAR, BRIGHTENING, ALPHA, DENSITY = -21.6, 1.0, -1.0, 5.0e-3  # [mag], mag per z, -, [Mpc^-3]
FAINTEST = 0.02  # luminosity of companions over that at M_STAR
CORRELATION, GAMMA = 6.0, 1.8  # length [Mpc], slope (Zehavi et al. 2011)
CROWDING = {EARLY: 2.0}  # companions of early types over those of others
NEAREST = 3.0  # [pix] to the central galaxy


@dataclass(frozen=True)
class Star:
    magnitude: float  # i
    point: Knots


@dataclass(frozen=True)
class Surroundings:
    galaxies: tuple[Source, ...]  # bright enough for their structure
    faint: tuple[Profile, ...]
    stars: tuple[Star, ...]

    def near(self, reach: float, faintest: float) -> int:
        """How many sources within `reach` [pix] of the centre along each axis are brighter in i."""
        sources = [(galaxy.place, galaxy.flux[2]) for galaxy in self.galaxies]
        sources += [(profile.place, profile.flux[2]) for profile in self.faint]
        sources += [(star.point.places[0], star.point.flux[2]) for star in self.stars]
        least = 10 ** (0.4 * (ZERO_POINT - faintest))
        return sum(bool(np.abs(xy).max() < reach and flux > least) for xy, flux in sources)


def draw_surroundings(rng: Generator, central: Source, stamp: int) -> Surroundings:
    """Unrelated galaxies, companions of the central one, and stars; stamp: its side [pix]."""
    area = (stamp * PIXEL_SCALE / 60) ** 2  # [arcmin^2]
    around = [_field(rng, magnitude) for magnitude in _magnitudes(rng, area)]
    places: list[Floats] = [rng.uniform(-stamp / 2, stamp / 2, 2) for _ in around]
    for companion, place in _companions(rng, central, stamp):
        around.append(companion)
        places.append(place)
    galaxies, faint = [], []
    for chosen, place in zip(around, places, strict=True):
        if chosen.magnitude < DETAILED:
            galaxies.append(build(rng, chosen, place))
        else:
            faint.append(_plain(rng, chosen, place))
    stars = tuple(_star(rng, stamp) for _ in range(rng.poisson(area * _star_density())))
    return Surroundings(tuple(galaxies), tuple(faint), stars)


@lru_cache(maxsize=1)
def number_density() -> tuple[Floats, Floats]:
    """i magnitudes and the galaxies per arcmin^2 brighter than each."""
    magnitudes = np.linspace(BRIGHT, FAINT, 400)
    log_counts = np.interp(magnitudes, COUNTS_I, LOG_COUNTS)
    log_counts += BRIGHT_SLOPE * np.minimum(magnitudes - COUNTS_I[0], 0)
    density = 10**log_counts / 3600
    steps = np.diff(magnitudes) * (density[1:] + density[:-1]) / 2
    return magnitudes, np.concatenate([[0.0], np.cumsum(steps)])


def _magnitudes(rng: Generator, area: float) -> Floats:
    magnitudes, below = number_density()
    chances = rng.random(rng.poisson(below[-1] * area))
    drawn: Floats = np.interp(chances * below[-1], below, magnitudes)
    return drawn


def _field(rng: Generator, magnitude: float) -> Chosen:
    """A galaxy of the field, at a redshift that is likely for its magnitude."""
    scale = max(0.0417 * magnitude - 0.744, 0.05)  # z^2 exp(-z / scale) (LSST Science Book, 3.8)
    redshift = float(np.clip(rng.gamma(3.0, scale), 0.02, CUMULATIVE_Z[-1]))
    red = rng.random() < (RED_SHARE if redshift < 1 else 0.05)
    kind = EARLY if red else (IRREGULAR if rng.random() < 0.3 else LATE)
    template = draw_template(rng, kind)
    return Chosen(redshift, kind, template, max(magnitude, brightest(template, redshift)))


def _companions(rng: Generator, central: Source, stamp: int) -> Iterator[tuple[Chosen, Floats]]:
    """Galaxies at the same redshift: a Schechter function and a projected correlation."""
    z = central.redshift
    reach = stamp / np.sqrt(2)  # [pix]
    mpc = reach * PIXEL_SCALE * kpc_per_arcsec(z) / 1000
    pairs = 2 * np.pi * projection() * CORRELATION**GAMMA * mpc ** (3 - GAMMA) / (3 - GAMMA)
    luminosity, above = _schechter()
    mean = DENSITY * above[0] * pairs * CROWDING.get(central.kind, 1.0)
    for _ in range(rng.poisson(mean)):
        bright = np.interp(rng.random() * above[0], above[::-1], luminosity[::-1])
        kind = EARLY if rng.random() < (0.5 if central.kind == EARLY else 0.25) else LATE
        template = draw_template(rng, kind)
        absolute = M_STAR - BRIGHTENING * min(z, 1.5) - 2.5 * np.log10(bright)
        magnitude = absolute + dimming(template, z)
        radius = max(reach * rng.random() ** (1 / (3 - GAMMA)), NEAREST)
        place = radius * _direction(rng)
        if magnitude < FAINT and np.abs(place).max() < stamp / 2:
            yield Chosen(z, kind, template, max(magnitude, brightest(template, z))), place


def projection() -> float:
    """w(r) / (r (r_0 / r)^gamma) of a correlation that is a power law (Davis & Peebles 1983)."""
    from scipy.special import gamma

    return float(gamma(0.5) * gamma((GAMMA - 1) / 2) / gamma(GAMMA / 2))


@lru_cache(maxsize=1)
def _schechter() -> tuple[Floats, Floats]:
    """Luminosities [L*] and the integral of the function above each [phi*]."""
    luminosity = np.geomspace(FAINTEST, 12, 300)
    density = luminosity**ALPHA * np.exp(-luminosity)
    steps = np.diff(luminosity) * (density[1:] + density[:-1]) / 2
    return luminosity, np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])


def _plain(rng: Generator, chosen: Chosen, place: Floats) -> Profile:
    """A galaxy too faint for structure."""
    middle, size, slope, scatter = SIZES
    arcsec = size * 10 ** (slope * (chosen.magnitude - middle) + rng.normal(0, scatter))
    shape = ellipse(arcsec / PIXEL_SCALE, disc_axis_ratio(rng, "thick"), rng.uniform(0, np.pi))
    return Profile(counts(chosen.magnitude, chosen.template, chosen.redshift), place, shape)


def _star_density() -> float:
    """Stars per arcmin^2 in the range that is drawn."""
    bright, faint = stars_brighter(np.array(STAR_RANGE))
    return float(faint - bright)


def stars_brighter(magnitude: Floats) -> Floats:
    """Stars per arcmin^2 that are brighter in i."""
    return STARS * 10 ** (STAR_SLOPE * (magnitude - 20))


def _star(rng: Generator, stamp: int) -> Star:
    bright, faint = (10 ** (STAR_SLOPE * i) for i in STAR_RANGE)
    magnitude = float(np.log10(rng.uniform(bright, faint)) / STAR_SLOPE)
    blue, red = STAR_COLOURS
    share = rng.beta(0.7, 0.7)
    g_r, r_i, i_z, z_y = blue + share * (red - blue)
    bands = magnitude + np.array([g_r + r_i, r_i, 0, -i_z, -i_z - z_y])
    flux = 10 ** (0.4 * (ZERO_POINT - bands))
    place = rng.uniform(-stamp / 2, stamp / 2, 2)
    if magnitude < GLARING:  # a survey takes no spectrum of a galaxy behind such a star
        place *= max(1.0, CLEAR / np.hypot(*place))
    return Star(magnitude, Knots(flux, place[None], np.ones(1)))


def _direction(rng: Generator) -> Floats:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])
