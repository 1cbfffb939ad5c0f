"""Sizes and axis ratios: what is published of galaxies' intrinsic shapes, seen from anywhere."""

import numpy as np
from numpy.random import Generator

from galddpm.data.survey import PIXEL_SCALE
from galddpm.mock.selection import EARLY, KNOBS
from galddpm.mock.spectra import dimming, kpc_per_arcsec

SOLAR_I = 4.52  # absolute AB magnitude of the sun in i (Willmer 2018)
MASS_TO_LIGHT = (2.0, 1.1)  # early, other, in i [sun]
# half-light radii at 5e10 solar masses and slopes with mass (van der Wel et al. 2014); at z = 0
# from their evolution, (1 + z)^-1.48 and (1 + z)^-0.75
SIZE_Z = (0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75)
LOG_SIZE = (
    (0.74, 0.60, 0.42, 0.22, 0.09, -0.05, -0.06),
    (0.93, 0.86, 0.78, 0.70, 0.65, 0.55, 0.51),
)  # [kpc]
SIZE_SLOPE = (
    (0.75, 0.75, 0.71, 0.76, 0.76, 0.76, 0.79),
    (0.25, 0.25, 0.22, 0.22, 0.23, 0.22, 0.18),
)
SIZE_SCATTER = (0.12, 0.18)  # [dex] (same)
FLATTEST_SLOPE = (9.9, 11.5)  # log masses [sun] beyond which sizes no longer change
SMALLEST, LARGEST = 0.5, 120.0  # half-light radius [pix]
# bright early types: share, mean and scatter of the intrinsic axis ratios b/a and c/a of oblate,
# prolate and triaxial ones (Kimm & Yi 2007)
EARLY_SHAPES = (
    (0.29, (1.0, 0.0), (0.44, 0.15)), (0.26, (0.72, 0.12), (0.72, 0.12)),
    (0.45, (0.92, 0.05), (0.78, 0.08)),
)  # fmt: skip
THICKNESS = {"disc": (0.20, 0.05), "thick": (0.40, 0.10)}  # intrinsic c/a: mean, scatter


def log_mass(kind: int, template: float, magnitude: float, redshift: float) -> float:
    """log10 of the stellar mass [sun]."""
    absolute = magnitude - dimming(template, redshift)
    return float(np.log10(MASS_TO_LIGHT[kind != EARLY]) - 0.4 * (absolute - SOLAR_I))


def draw_size(rng: Generator, kind: int, mass: float, redshift: float) -> float:
    """Half-light radius along the major axis [pix], from log mass and redshift."""
    late = int(kind != EARLY)
    size = np.interp(redshift, SIZE_Z, LOG_SIZE[late])
    slope = np.interp(redshift, SIZE_Z, SIZE_SLOPE[late])
    size += slope * (np.clip(mass, *FLATTEST_SLOPE) - np.log10(5e10))
    size += rng.normal(0, SIZE_SCATTER[late]) + KNOBS["size_shift"][late]
    return float(np.clip(10**size / (kpc_per_arcsec(redshift) * PIXEL_SCALE), SMALLEST, LARGEST))


def early_axis_ratio(rng: Generator) -> float:
    """Of a triaxial ellipsoid seen from a random direction."""
    shares = np.cumsum([share for share, _, _ in EARLY_SHAPES])
    _, middle, short = EARLY_SHAPES[int(np.searchsorted(shares, rng.random() * shares[-1]))]
    b = float(np.clip(rng.normal(*middle), 0.3, 1.0))
    c = b if middle == short else float(np.clip(rng.normal(*short), 0.2, b))
    return seen_axis_ratio(b, c, float(rng.uniform(-1, 1)), float(rng.uniform(0, 2 * np.pi)))


def disc_axis_ratio(rng: Generator, thickness: str = "disc") -> float:
    """Of an oblate disc seen from a random direction."""
    c = float(np.clip(rng.normal(*THICKNESS[thickness]), 0.1, 0.7))
    return float(np.sqrt(rng.random() ** 2 * (1 - c**2) + c**2))


def seen_axis_ratio(b: float, c: float, cosine: float, phi: float) -> float:
    """Axis ratio of an ellipsoid with axes 1 >= b >= c, from a direction (Binney 1985)."""
    sine2, cosine2 = 1 - cosine**2, cosine**2
    inner = (np.sin(phi) ** 2 + (np.cos(phi) / b) ** 2) / c**2
    one = cosine2 * inner + sine2 / b**2
    two = cosine * np.sin(2 * phi) * (1 - 1 / b**2) / c**2
    three = ((np.sin(phi) / b) ** 2 + np.cos(phi) ** 2) / c**2
    root = np.hypot(one - three, two)
    return float(np.sqrt((one + three - root) / (one + three + root)))
