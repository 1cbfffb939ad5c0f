"""Fourier transforms of light profiles, of points and of the PSF, on the waves of a canvas.

GalSim gives the transform of each round profile once, as a table over the wavenumber; shapes,
sizes and places are then linear maps of the wave vector, which is many times faster than asking
GalSim for every galaxy. A canvas is a square of pixels that repeats itself beyond its edges.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from galddpm.arrays import Array, Floats

WAVENUMBERS = np.concatenate([[0.0], np.geomspace(1e-3, 3e3, 900)])  # in units of 1 / r_eff
INDEX_STEP = 0.5  # Sersic indices are rounded to it: GalSim needs up to a second for a table


@dataclass(frozen=True)
class Profile:
    """A Sersic profile: the round one of half-light radius 1, mapped by `shape` and moved."""

    flux: Floats  # (5,) [count]
    place: Floats  # (2,) x, y from the stamp's centre [pix]
    shape: Floats  # (2, 2) [pix]
    sersic_n: float = 1.0


@dataclass(frozen=True)
class Knots:
    """Round Gaussian spots of one size, such as star-forming regions; of size 0, points."""

    flux: Floats  # (5,) of all of them [count]
    places: Floats  # (n, 2) x, y from the stamp's centre [pix]
    shares: Floats  # (n,) of the flux, sum 1
    sigma: float = 0.0  # [pix]


def ellipse(r_eff: float, axis_ratio: float, angle: float) -> Floats:
    """Shape (2, 2) of an ellipse; r_eff: half-light radius along the major axis [pix]."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return turn @ np.diag([r_eff, r_eff * axis_ratio])


@lru_cache(maxsize=8)
def waves(canvas: int) -> tuple[Floats, Floats]:
    """Wave vectors k_y (canvas, 1) and k_x (1, canvas // 2 + 1) [rad/pix] of a real transform."""
    k_y = 2 * np.pi * np.fft.fftfreq(canvas).astype(np.float32)
    k_x = 2 * np.pi * np.fft.rfftfreq(canvas).astype(np.float32)
    return k_y[:, None], k_x[None]


def profile_wave(profile: Profile, canvas: int) -> Array:
    """Transform (canvas, canvas // 2 + 1) of a profile of unit flux, complex64."""
    if profile.sersic_n == 1:
        amplitude = (1 + (stretched(profile.shape, canvas) / EXPONENTIAL) ** 2) ** np.float32(-1.5)
    else:
        amplitude = transform(sersic_table(profile.sersic_n), profile.shape, canvas)
    return amplitude * moved(profile.place, canvas)


def knots_wave(knots: Knots, canvas: int) -> Array:
    """Transform of spots that share unit flux: a product of two matrices of phases."""
    k_y, k_x = waves(canvas)
    rows = np.exp(-1j * k_y * knots.places[:, 1].astype(np.float32)) * knots.shares
    columns = np.exp(-1j * knots.places[:, 0].astype(np.float32)[:, None] * k_x)
    wave: Array = (rows @ columns).astype(np.complex64)
    if knots.sigma > 0:
        blur = -0.5 * knots.sigma**2
        wave *= (np.exp(blur * k_y**2) * np.exp(blur * k_x**2)).astype(np.float32)
    return wave


def psf_wave(beta: float, fwhm: float, shear: Floats, canvas: int) -> Array:
    """Transform of a sheared Moffat PSF and of the square pixel it falls on, float32."""
    one, two = shear
    shape = fwhm * np.array([[1 + one, two], [two, 1 - one]]) / np.sqrt(1 - one**2 - two**2)
    k_y, k_x = waves(canvas)
    pixel = np.sinc(k_y / (2 * np.pi)) * np.sinc(k_x / (2 * np.pi))
    wave: Array = transform(moffat_table(beta), shape, canvas) * pixel.astype(np.float32)
    return wave


def transform(table: Floats, shape: Floats, canvas: int) -> Floats:
    """Transform (canvas, canvas // 2 + 1) of a round profile, mapped by `shape`, float32."""
    return np.interp(stretched(shape, canvas), WAVENUMBERS, table).astype(np.float32)


def stretched(shape: Floats, canvas: int) -> Floats:
    """|shape^T k|: where the round profile's transform is looked up, (canvas, canvas // 2 + 1)."""
    k_y, k_x = waves(canvas)
    (xx, xy), (yx, yy) = shape.astype(np.float32)
    k: Floats = np.sqrt((xx * k_x + yx * k_y) ** 2 + (xy * k_x + yy * k_y) ** 2)
    return k


def moved(place: Floats, canvas: int) -> Array:
    """Phases (canvas, canvas // 2 + 1) of a source at x, y [pix], complex64."""
    k_y, k_x = waves(canvas)
    phases: Array = np.exp(-1j * np.float32(place[1]) * k_y) * np.exp(
        -1j * np.float32(place[0]) * k_x
    )
    return phases


EXPONENTIAL = np.float32(1.6783469900166605)  # half-light radius over scale length


def rounded_index(sersic_n: float) -> float:
    """The nearest index that is drawn, 0.5 to 6."""
    return float(np.clip(round(sersic_n / INDEX_STEP) * INDEX_STEP, 0.5, 6.0))


@lru_cache(maxsize=64)
def sersic_table(sersic_n: float) -> Floats:
    """Transform of a Sersic profile of unit flux and half-light radius at WAVENUMBERS."""
    import galsim

    return _table(galsim.Sersic(n=sersic_n, half_light_radius=1))


@lru_cache(maxsize=16)
def moffat_table(beta: float) -> Floats:
    """Transform of a Moffat profile of unit flux and FWHM at WAVENUMBERS."""
    import galsim

    return _table(galsim.Moffat(beta=beta, fwhm=1))


def _table(profile: object) -> Floats:
    values = [profile.kValue(float(k), 0.0).real for k in WAVENUMBERS]  # type: ignore[attr-defined]
    return np.array(values)
