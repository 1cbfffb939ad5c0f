"""Which galaxies spectroscopic surveys chose: redshift, kind and magnitude of the central source.

Every number that was tuned, so that the measured catalog has the published distributions (see
check.py), stands in KNOBS.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from galddpm.mock.spectra import dimming

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

EARLY, LATE, QUASAR, IRREGULAR = 0, 1, 2, 3  # kinds, as truth files name them
QUASAR_TEMPLATE, BLUEST = 4.0, 3.0  # places among the spectra
FAINTEST = 25.0  # i of the faintest galaxies with spectra [mag]
BRIGHTEST = -24.5  # absolute i magnitude that no galaxy passes; quasars do

# Medians and shares at redshifts z. They begin with the limits of the surveys in the data (local
# galaxies to r = 17.8, luminous red ones to i = 19.9, flux-limited ones to i = 22.5, deep ones to
# 25, quasars to i = 22) and were then calibrated.
KNOBS: dict[str, Any] = {
    "z": (0.03, 0.10, 0.20, 0.30, 0.45, 0.60, 0.80, 1.00, 1.50, 2.00, 3.00, 4.00),
    "early_i": (16.6, 16.75, 17.85, 18.95, 19.9, 20.35, 21.3, 22.0, 23.0, 23.5, 24.0, 24.0),
    "late_i": (16.8, 17.45, 18.9, 20.4, 22.0, 22.25, 22.45, 22.8, 23.2, 23.5, 24.0, 24.0),
    "early_share": (0.38, 0.43, 0.50, 0.55, 0.58, 0.53, 0.35, 0.22, 0.13, 0.09, 0.05, 0.05),
    "quasar_share": (0, 0, 0, 0, 0, 0, 0.02, 0.08, 0.35, 0.60, 0.60, 0.60),
    "scatter": (0.95, 0.8),  # of early and of late ones [mag]
    "quasar_i": (22.0, 0.8),  # median, scatter [mag]
    "size_shift": (0.0, -0.15),  # of early and of late ones, beyond the published relation [dex]
}


@dataclass(frozen=True)
class Chosen:
    """What a survey knows of a galaxy."""

    redshift: float
    kind: int
    template: float  # place among the spectra
    magnitude: float  # i [mag]


def choose(rng: Generator) -> Chosen:
    """A galaxy with a spectroscopic redshift."""
    redshift = float(np.interp(rng.random(), CUMULATIVE / CUMULATIVE[-1], CUMULATIVE_Z))
    kind = _kind(rng, redshift)
    if kind == QUASAR:
        return Chosen(redshift, kind, QUASAR_TEMPLATE, float(rng.normal(*KNOBS["quasar_i"])))
    template = draw_template(rng, kind)
    median = knob("early_i" if kind == EARLY else "late_i", redshift)
    magnitude = FAINTEST
    while magnitude >= FAINTEST:
        magnitude = float(rng.normal(median, KNOBS["scatter"][kind != EARLY]))
    return Chosen(redshift, kind, template, max(magnitude, brightest(template, redshift)))


def draw_template(rng: Generator, kind: int) -> float:
    """A place among the spectra: early types near the reddest, irregular ones near the bluest."""
    if kind == EARLY:
        return float(rng.beta(1.2, 5.0))
    middle = 2.2 if kind == IRREGULAR else 1.0
    return float(np.clip(rng.normal(middle, 0.45), 0.25, BLUEST))


def brightest(template: float, redshift: float) -> float:
    """The i magnitude of a galaxy of the brightest luminosity at a redshift."""
    return BRIGHTEST + dimming(template, redshift)


def knob(name: str, redshift: float) -> float:
    return float(np.interp(redshift, KNOBS["z"], KNOBS[name]))


def _kind(rng: Generator, redshift: float) -> int:
    chance = rng.random()
    quasar = knob("quasar_share", redshift)
    if chance < quasar:
        return QUASAR
    if chance < quasar + (1 - quasar) * knob("early_share", redshift):
        return EARLY
    return IRREGULAR if rng.random() < irregular_share(redshift) else LATE


def irregular_share(redshift: float) -> float:
    """Of galaxies that are not early: one in ten nearby, half beyond z = 2 (Conselice 2014)."""
    return float(np.interp(redshift, (0.0, 0.5, 1.0, 2.0), (0.08, 0.15, 0.3, 0.5)))
