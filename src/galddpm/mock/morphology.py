"""What a galaxy is made of: bulge, disc, bar, arms, knots, tails, nucleus."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.survey import PIXEL_SCALE, ZERO_POINT
from galddpm.mock.profiles import EXPONENTIAL, Knots, Profile, ellipse, rounded_index
from galddpm.mock.selection import (
    BLUEST,
    EARLY,
    IRREGULAR,
    LATE,
    QUASAR,
    Chosen,
    brightest,
    draw_template,
)
from galddpm.mock.shapes import disc_axis_ratio, draw_size, early_axis_ratio, log_mass
from galddpm.mock.spectra import HII_TEMPLATE, band_fluxes, kpc_per_arcsec
from galddpm.mock.structure import TEXTURE, Disc

RESOLVED = 2.5  # half-light radius [pix] below which a disc's structure cannot be seen
FAINT = 24.0  # i [mag] beyond which it drowns in the sky
BAR_SHARE = 0.45  # of spirals (Masters et al. 2011: .29 strong ones; .6 with weak ones)
ARMS = ((2, 0.60), (3, 0.15), (4, 0.10), (0, 0.15))  # number of arms and how often; 0: flocculent
TRUNCATED, EDGES = 0.75, (1.5, 3.0)  # share of discs, range [scale length] (Pohlen & Trujillo 2006)
NO_EDGE = 20.0  # [scale length]
KNOT_SLOPE = -1.9  # of the luminosity function of HII regions (Kennicutt et al. 1989)
KNOT_RANGE = 40.0  # brightest over faintest
HOST_FAINTER = (1.5, 0.7)  # a quasar's host than the nucleus, mean and scatter [mag]


@dataclass(frozen=True)
class Source:
    """A galaxy, its truth and its parts."""

    place: Floats  # (2,) x, y from the stamp's centre [pix]
    redshift: float
    kind: int
    template: float
    flux: Floats  # (5,) of all parts [count]
    r_eff: float  # half-light radius along the major axis [pix]
    axis_ratio: float
    angle: float  # [rad]
    bulge_share: float  # of the i-band light
    sersic_n: float  # of the bulge, or of the whole where there is no disc
    log_mass: float  # [sun]
    merger: bool
    profiles: tuple[Profile, ...] = ()
    knots: tuple[Knots, ...] = ()
    discs: tuple[Disc, ...] = ()


@dataclass(frozen=True)
class Frame:
    """Where a galaxy lies and how it is turned."""

    place: Floats  # (2,) x, y from the stamp's centre [pix]
    r_eff: float  # [pix]
    axis_ratio: float
    angle: float  # [rad]
    redshift: float

    @property
    def scale(self) -> float:
        """Scale length of the exponential disc of this half-light radius [pix]."""
        return self.r_eff / float(EXPONENTIAL)

    def on_sky(self, x: Floats, y: Floats) -> Floats:
        """Places (n, 2) [pix] of points in the disc's plane [scale length]."""
        plane = ellipse(self.scale, self.axis_ratio, self.angle)
        return self.place + np.stack([x, y], axis=-1) @ plane.T

    def profile(self, flux: Floats, sersic_n: float, size: float = 1.0, q: float = 0) -> Profile:
        shape = ellipse(size * self.r_eff, q or self.axis_ratio, self.angle)
        return Profile(flux, self.place, shape, rounded_index(sersic_n))


def build(rng: Generator, chosen: Chosen, place: Floats) -> Source:
    """The galaxy that belongs to what a survey knows of it."""
    if chosen.kind == QUASAR:
        return _quasar(rng, chosen, place)
    mass = log_mass(chosen.kind, chosen.template, chosen.magnitude, chosen.redshift)
    size = draw_size(rng, chosen.kind, mass, chosen.redshift)
    make = {EARLY: _early, LATE: _spiral, IRREGULAR: _irregular}[chosen.kind]
    made = make(rng, chosen, place, size, mass)
    room = 10 ** (0.4 * (chosen.magnitude - brightest(chosen.template, chosen.redshift))) - 1
    merging = rng.random() <= merging_share(chosen.redshift) and room > 0
    return _merging(rng, made, room) if merging else made


def counts(magnitude: float, template: float, redshift: float) -> Floats:
    """(5,) [count] of an i magnitude."""
    return 10 ** (0.4 * (ZERO_POINT - magnitude)) * band_fluxes(template, redshift)


def merging_share(redshift: float) -> float:
    """Galaxies with a second nucleus and tails: 2 % (1 + z)^2, at most a quarter."""
    return min(0.02 * (1 + redshift) ** 2, 0.25)


def _early(rng: Generator, chosen: Chosen, place: Floats, size: float, mass: float) -> Source:
    """An elliptical or a lenticular galaxy; the more massive the more peaked."""
    light = counts(chosen.magnitude, chosen.template, chosen.redshift)
    angle, lenticular = float(rng.uniform(0, np.pi)), rng.random() < 0.4
    axis_ratio = disc_axis_ratio(rng, "thick") if lenticular else early_axis_ratio(rng)
    frame = Frame(place, size, axis_ratio, angle, chosen.redshift)
    index = rounded_index(rng.normal(3.6 + 1.2 * (mass - 11), 0.7))
    if not lenticular:
        index = max(index, 2.5)
        share = 1.0
        parts: tuple[Profile, ...] = (frame.profile(light, index),)
    else:
        share = float(rng.uniform(0.35, 0.75))
        bulge = frame.profile(share * light, index, 0.5, max(axis_ratio, 0.65))
        parts = (bulge, frame.profile((1 - share) * light, 1.0, 1.4))
    return _source(chosen, light, frame, share, index, mass, profiles=parts)


def _spiral(rng: Generator, chosen: Chosen, place: Floats, size: float, mass: float) -> Source:
    angle = float(rng.uniform(0, np.pi))
    frame = Frame(place, size, disc_axis_ratio(rng), angle, chosen.redshift)
    lateness = float(np.clip((chosen.template - 0.4) / 1.6, 0, 1))  # 0: Sa, 1: Sd
    share = float(rng.beta(1.5, 3 + 9 * lateness))
    index = rounded_index(rng.normal(3.5, 0.7) if share > 0.2 else rng.normal(1.8, 0.5))
    barred = rng.random() < BAR_SHARE
    bar = float(rng.uniform(0.06, 0.2)) * (1 - share) if barred else 0.0
    clumpy = chosen.redshift > 1 and rng.random() < 0.5
    spots = float(rng.uniform(0.1, 0.3) if clumpy else rng.uniform(0.01, 0.08) * (0.4 + lateness))
    spots *= 1 - share - bar
    smooth = 1 - share - bar - spots

    def part(amount: float, shift: float) -> Floats:
        template = float(np.clip(chosen.template + shift, 0, BLUEST))
        return amount * counts(chosen.magnitude, template, chosen.redshift)

    profiles = [frame.profile(part(share, -0.8), index, 0.25, max(frame.axis_ratio, 0.6))]
    young = float(rng.uniform(0.25, 0.55))
    arms = _wound(rng, frame, lateness, barred)
    disc = _disc(rng, frame, part(smooth * (1 - young), -0.35), part(smooth * young, 0.6), **arms)
    if barred:
        profiles.append(_bar(rng, frame, part(bar, -0.5), arms))
    knots = _spots(rng, disc, spots, chosen, clumpy)
    return _finished(chosen, frame, share, index, mass, profiles, knots, disc)


def _irregular(rng: Generator, chosen: Chosen, place: Floats, size: float, mass: float) -> Source:
    """A thick disc without arms, most of its young stars in a few clumps off its centre."""
    angle = float(rng.uniform(0, np.pi))
    frame = Frame(place, size, disc_axis_ratio(rng, "thick"), angle, chosen.redshift)
    spots, young = float(rng.uniform(0.05, 0.2)), float(rng.uniform(0.4, 0.7))
    light = (1 - spots) * counts(chosen.magnitude, chosen.template, chosen.redshift)
    none = {"arms": 0, "pitch": 0.5, "strength": 0.0, "phase": 0.0, "inner": 0.0, "ring": 0.0}
    disc = _disc(rng, frame, (1 - young) * light, young * light, rough=1.0, **none)
    knots = _spots(rng, disc, spots, chosen, chosen.redshift > 0.5)
    return _finished(chosen, frame, 0.0, 1.0, mass, [], knots, disc)


def _quasar(rng: Generator, chosen: Chosen, place: Floats) -> Source:
    """A point on a galaxy that is a magnitude or two fainter, and no brighter than galaxies are."""
    kind = EARLY if rng.random() < 0.4 else LATE
    fainter = max(float(rng.normal(*HOST_FAINTER)), 0.3)
    template = draw_template(rng, kind)
    magnitude = max(chosen.magnitude + fainter, brightest(template, chosen.redshift))
    made = build(rng, Chosen(chosen.redshift, kind, template, magnitude), place)
    point = Knots(
        counts(chosen.magnitude, chosen.template, chosen.redshift), place[None], np.ones(1)
    )
    return replace(
        made, kind=QUASAR, template=chosen.template, flux=made.flux + point.flux,
        knots=(*made.knots, point),
    )  # fmt: skip


def _finished(
    chosen: Chosen, frame: Frame, share: float, index: float, mass: float,
    profiles: list[Profile], knots: Knots, disc: Disc,
) -> Source:  # fmt: skip
    """The parts as drawn: where structure cannot be seen, the disc is a plain exponential."""
    light = disc.old + disc.young + sum(part.flux for part in profiles) + knots.flux
    discs: tuple[Disc, ...] = (disc,)
    if frame.r_eff < RESOLVED or chosen.magnitude > FAINT:
        profiles, discs = [*profiles, frame.profile(disc.old + disc.young, 1.0)], ()
    return _source(
        chosen, light, frame, share, index, mass,
        profiles=tuple(profiles), knots=(knots,), discs=discs,
    )  # fmt: skip


def _source(
    chosen: Chosen, light: Floats, frame: Frame, share: float, index: float, mass: float,
    **parts: tuple[Any, ...],
) -> Source:  # fmt: skip
    return Source(
        frame.place, chosen.redshift, chosen.kind, chosen.template, light, frame.r_eff,
        frame.axis_ratio, frame.angle, share, index, mass, False, **parts,
    )  # fmt: skip


def _wound(rng: Generator, frame: Frame, lateness: float, barred: bool) -> dict[str, Any]:
    """The arms of a spiral, which begin at the ends of its bar; open ones in late types."""
    numbers, shares = zip(*ARMS, strict=True)
    arms = 2 if barred else int(rng.choice(numbers, p=shares))
    pitch = np.radians(np.clip(rng.normal(10 + 18 * lateness, 4), 6, 40)) * rng.choice((-1, 1))
    inner = float(rng.uniform(0.8, 1.6) if barred else rng.uniform(0.2, 0.6))
    ring = inner if barred and rng.random() < 0.3 else 0.0
    return {
        "arms": arms, "pitch": float(pitch), "inner": inner, "ring": ring,
        "strength": float(rng.uniform(0.6, 1.6)), "phase": float(rng.uniform(0, 2 * np.pi)),
    }  # fmt: skip


def _disc(
    rng: Generator, frame: Frame, old: Floats, young: Floats, rough: float = 0.5, **arms: Any
) -> Disc:
    texture = (int(rng.integers(TEXTURE[0])), int(rng.integers(TEXTURE[1])))
    flocculence = rough * float(rng.uniform(0.6, 1.4)) * (1.0 if arms["arms"] else 1.6)
    dust = float(rng.lognormal(-0.5, 0.5))
    edge = float(rng.uniform(*EDGES)) if rng.random() < TRUNCATED else NO_EDGE
    return Disc(
        old, young, frame.place, frame.r_eff, frame.axis_ratio, frame.angle, frame.redshift,
        flocculence=flocculence, dust=dust, edge=edge, texture=texture, **arms,
    )  # fmt: skip


def _bar(rng: Generator, frame: Frame, light: Floats, arms: dict[str, Any]) -> Profile:
    """A flat bar in the plane of the disc, from one arm's beginning to the other's."""
    along = (np.log(arms["inner"]) / np.tan(arms["pitch"])) - arms["phase"] / arms["arms"]
    plane = ellipse(frame.scale, frame.axis_ratio, frame.angle)
    shape = plane @ ellipse(0.5 * arms["inner"], float(rng.uniform(0.25, 0.45)), along)
    return Profile(light, frame.place, shape, 0.5)


def _spots(rng: Generator, disc: Disc, share: float, chosen: Chosen, clumpy: bool) -> Knots:
    """Star-forming regions along the arms; in clumpy discs few, large and bright."""
    kpc = 1 / (kpc_per_arcsec(chosen.redshift) * PIXEL_SCALE)  # [pix]
    count = int(rng.integers(3, 8) if clumpy else rng.integers(8, 60))
    radius = np.clip(rng.gamma(2.5, 0.7, count), disc.inner, 4.5)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    if disc.arms:
        crest = (2 * np.pi * rng.integers(disc.arms, size=count) - disc.phase) / disc.arms
        azimuth = crest + np.log(radius) / np.tan(disc.pitch) + rng.normal(0, 0.2, count)
    frame = Frame(disc.place, disc.r_eff, disc.axis_ratio, disc.angle, disc.redshift)
    places = frame.on_sky(radius * np.cos(azimuth), radius * np.sin(azimuth))
    slope = KNOT_SLOPE + 1
    bright = (1 - rng.random(count) * (1 - KNOT_RANGE**slope)) ** (1 / slope)
    sigma = kpc * float(rng.uniform(0.4, 0.8) if clumpy else rng.uniform(0.08, 0.25))
    light = share * counts(chosen.magnitude, HII_TEMPLATE, chosen.redshift)
    return Knots(light, places, bright / bright.sum(), sigma)


def _merging(rng: Generator, galaxy: Source, room: float) -> Source:
    """A second nucleus beside the galaxy, and a tail that bends away from it.

    room: light that both may have at most, over the galaxy's.
    """
    away, bend = float(rng.uniform(0, 2 * np.pi)), float(rng.choice((-1, 1)) * rng.uniform(1.5, 3))
    apart = float(rng.uniform(0.5, 1.6)) * galaxy.r_eff
    place = galaxy.place + apart * np.array([np.cos(away), np.sin(away)])
    share, in_tail = float(rng.uniform(0.15, 0.8)), float(rng.uniform(0.03, 0.12))
    cut = min(1.0, room / (share + in_tail))
    second = cut * share * galaxy.flux
    angle, q = float(rng.uniform(0, np.pi)), float(rng.uniform(0.5, 0.95))
    nucleus = Profile(second, place, ellipse(0.6 * galaxy.r_eff, q, angle), 2.0)
    way = np.linspace(0, 1, 40)
    radius, azimuth = (apart + 2.5 * galaxy.r_eff * way), away + bend * way
    path = galaxy.place + radius[:, None] * np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1)
    fading = np.exp(-2 * way)
    light = cut * in_tail * galaxy.flux
    tail = Knots(light, path, fading / fading.sum(), 0.3 * galaxy.r_eff)
    return replace(
        galaxy, merger=True, flux=galaxy.flux + second + tail.flux,
        profiles=(*galaxy.profiles, nucleus), knots=(*galaxy.knots, tail),
    )  # fmt: skip
