"""Pixels of a galaxy and its surroundings, as Hyper Suprime-Cam would see them.

GalSim gives every profile's Fourier transform; profiles are added there, multiplied by the PSF of
each band and transformed back together, which is many times faster than drawing one by one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.random import Generator

from galddpm.arrays import Array, Floats
from galddpm.data.survey import (
    BANDS,
    ELECTRONS_PER_COUNT,
    MOFFAT_BETA,
    NEIGHBOUR_CORRELATION,
    PIXEL_SCALE,
    SEEING,
    SKY_SIGMA,
)
from galddpm.mock.population import Galaxy, Profile

SEEING_SCATTER = 0.10  # of the logarithm, half of it common to the bands of a galaxy
PSF_SHEAR = 0.01  # scatter of each component of the PSF's ellipticity
PSF = 41  # [pix] side of the PSF's image
MARGIN = 33  # pixels around the stamp that keep the periodic transform from wrapping round


def by_band(values: Mapping[str, float]) -> Floats:
    """One number a band, (5,), in the order of the files."""
    return np.array([values[band] for band in BANDS])


def draw_stamp(galaxy: Galaxy, rng: Generator, size: int) -> Floats:
    """(5, size, size) float32 [count], with sky and photon noise; the centre is pixel size // 2."""
    light = light_without_noise(galaxy, size, *draw_seeing(rng))
    return light + noise(light, rng)


def draw_seeing(rng: Generator) -> tuple[Floats, Floats]:
    """FWHM (5,) [pix] and shear (5, 2) of a galaxy's PSFs."""
    common, each = rng.normal(0, SEEING_SCATTER / np.sqrt(2)), rng.normal(0, 1, len(BANDS))
    scatter = common + SEEING_SCATTER / np.sqrt(2) * each
    fwhm = by_band(SEEING) / PIXEL_SCALE * np.exp(scatter)
    return fwhm, rng.normal(0, PSF_SHEAR, (len(BANDS), 2))


def light_without_noise(galaxy: Galaxy, size: int, fwhm: Floats, shear: Floats) -> Floats:
    """(5, size, size) float32 [count]."""
    grid = size + MARGIN
    profiles = (*galaxy.central, *galaxy.neighbours)
    waves = np.stack([transform(profile, grid) for profile in profiles])
    flux = np.stack([profile.flux for profile in profiles], axis=1).astype(np.complex64)
    bands = (flux @ waves.reshape(len(profiles), -1)).reshape(-1, *waves.shape[1:])
    bands *= np.stack([psf_transform(*psf, grid) for psf in zip(fwhm, shear, strict=True)])
    pixels = scipy.fft.irfft2(scipy.fft.ifftshift(bands, axes=1), s=(grid, grid))
    pixels = np.roll(pixels, (size // 2, size // 2), axis=(1, 2))
    return np.ascontiguousarray(pixels[:, :size, :size], dtype=np.float32)


def noise(light: Floats, rng: Generator) -> Floats:
    """Sky and photon noise (5, size, size) float32 [count], correlated between adjacent pixels."""
    white = rng.standard_normal(light.shape, dtype=np.float32)
    gain = by_band(ELECTRONS_PER_COUNT).astype(np.float32)[:, None, None]
    sky = by_band(SKY_SIGMA).astype(np.float32)[:, None, None]
    return correlated(white) * np.sqrt(sky**2 + np.maximum(light, 0) / gain)


def correlated(white: Floats) -> Floats:
    """White noise (..., H, W) smoothed along both axes, of the same variance.

    The kernel (a, 1, a) gives adjacent pixels the correlation 2 a / (1 + 2 a^2).
    """
    wanted = NEIGHBOUR_CORRELATION
    a = np.float32((1 - np.sqrt(1 - 2 * wanted**2)) / (2 * wanted))
    for axis in (-2, -1):
        white = white + a * (np.roll(white, 1, axis) + np.roll(white, -1, axis))
    return white / (1 + 2 * a**2)


def transform(profile: Profile, grid: int) -> Array:
    """Fourier transform (grid, grid // 2 + 1) of a profile of unit flux, complex64."""
    import galsim

    if profile.points is not None:
        return point_transform(profile.points + np.array([profile.x, profile.y]), grid)
    radius = profile.r_eff * np.sqrt(profile.axis_ratio)  # shearing keeps the area
    if profile.sersic_n == 1:
        shape = galsim.Exponential(half_light_radius=radius)
    else:
        shape = galsim.Sersic(n=profile.sersic_n, half_light_radius=radius)
    shape = shape.shear(q=profile.axis_ratio, beta=profile.angle * galsim.radians)
    return _wave(shape.shift(profile.x, profile.y), grid)


def point_transform(points: Floats, grid: int) -> Array:
    """Transform of points (n, 2) that share unit flux: a product of two matrices of phases."""
    k_y = 2 * np.pi / grid * np.arange(-(grid // 2), grid // 2)
    k_x = 2 * np.pi / grid * np.arange(grid // 2 + 1)
    rows = np.exp(-1j * np.outer(k_y, points[:, 1]))
    return (rows @ np.exp(-1j * np.outer(points[:, 0], k_x)) / len(points)).astype(np.complex64)


def psf_transform(fwhm: float, shear: Floats, grid: int) -> Array:
    """Transform of the PSF and of the pixel it falls on."""
    import galsim

    psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=fwhm).shear(g1=shear[0], g2=shear[1])
    return _wave(psf, grid) * _pixel_transform(grid)


def mean_psf() -> Floats:
    """The PSF of median seeing in each band, as pixels see it, (5, 41, 41) float32 of unit sum."""
    import galsim

    profiles = [galsim.Moffat(beta=MOFFAT_BETA, fwhm=fwhm) for fwhm in by_band(SEEING)]
    planes = [psf.drawImage(nx=PSF, ny=PSF, scale=PIXEL_SCALE).array for psf in profiles]
    return np.stack([plane / plane.sum() for plane in planes])


@lru_cache(maxsize=2)
def _pixel_transform(grid: int) -> Array:
    import galsim

    return _wave(galsim.Pixel(1.0), grid)


def _wave(shape: Any, grid: int) -> Array:
    """A GalSim profile on the half plane that a real transform needs."""
    import galsim

    bounds = galsim.BoundsI(0, grid // 2, -(grid // 2), grid // 2 - 1)
    image = galsim.ImageCF(bounds, scale=2 * np.pi / grid)
    shape._drawKImage(image)  # unlike drawKImage it does not move the origin to the middle
    wave: Array = image.array
    return wave
