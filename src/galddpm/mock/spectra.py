"""Colours of redshifted spectra through the HSC filters.

Galaxies: the Coleman, Wu & Weedman (1980) templates that GalSim ships. Quasars: a power law with
the strongest lines (Vanden Berk et al. 2001). Absorption between the galaxies: Madau (1995).
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from galddpm.arrays import Floats
from galddpm.data import cosmology

FILTERS = ("hsc2017-g", "hsc2017-r", "hsc2017-i", "hsc2017-z", "hsc2017-y")
GALAXIES = ("CWW_E", "CWW_Sbc", "CWW_Scd", "CWW_Im")  # from red to blue
TEMPLATES = (*GALAXIES, "quasar", "HII region")
HII_TEMPLATE = 5.0  # its place
REDSHIFTS = np.linspace(0, 4.2, 421)
WAVELENGTHS = np.arange(3500.0, 11_000.0, 10.0)  # observed [Angstrom]
LYMAN = ((1216, 0.0036), (1026, 0.0017), (973, 0.0012), (950, 0.00093))  # [Angstrom], A_j
LYMAN_LIMIT = 912.0  # [Angstrom]
QUASAR_SLOPE = -1.56  # of f_lambda; f_nu falls as nu^-0.44
HII_SLOPE = -2.2  # of f_lambda, of a cluster of young stars with little dust
HII_LINES = ((3727, 120, 3), (4861, 60, 3), (5007, 300, 3), (4959, 100, 3), (6563, 400, 3))
QUASAR_LINES = (  # rest wavelength [Angstrom], equivalent width [Angstrom], sigma [Angstrom]
    (1216, 92, 19), (1549, 24, 14), (1909, 21, 23), (2798, 32, 34), (4861, 46, 40), (6563, 190, 48)
)  # fmt: skip


def igm_transmission(wavelength: Floats, redshift: float) -> Floats:
    """Mean transmission of intergalactic hydrogen at observed wavelengths [Angstrom].

    Madau 1995, ApJ 441, 18: Lyman lines and, below the limit, the fit to the photoelectric term.
    """
    depth = np.zeros_like(wavelength, dtype=float)
    for line, strength in LYMAN:
        blueward = wavelength < line * (1 + redshift)
        depth += np.where(blueward, strength * (wavelength / line) ** 3.46, 0)
    absorber, emitter = wavelength / LYMAN_LIMIT, 1 + redshift
    continuum = (
        0.25 * absorber**3 * (emitter**0.46 - absorber**0.46)
        + 9.4 * absorber**1.5 * (emitter**0.18 - absorber**0.18)
        - 0.7 * absorber**3 * (absorber**-1.32 - emitter**-1.32)
        - 0.023 * (emitter**1.68 - absorber**1.68)
    )
    depth += np.where(absorber < emitter, np.maximum(continuum, 0), 0)
    passed: Floats = np.exp(-depth)
    return passed


def band_fluxes(template: float, redshift: float) -> Floats:
    """Fluxes (5,) in counts relative to the i band of a template at a redshift.

    template: place in TEMPLATES; a fraction mixes two neighbours linearly.
    """
    table = _table()
    low = min(int(template), len(TEMPLATES) - 2)
    share = template - low
    mixed = (1 - share) * table[low] + share * table[low + 1]
    place = float(np.interp(redshift, REDSHIFTS, np.arange(len(REDSHIFTS))))
    step = min(int(place), len(REDSHIFTS) - 2)
    fluxes: Floats = mixed[step] + (place - step) * (mixed[step + 1] - mixed[step])
    return fluxes


def dimming(template: float, redshift: float) -> float:
    """m - M in the i band [mag]: distance modulus and K correction."""
    kind = min(round(template), len(TEMPLATES) - 1)
    return float(np.interp(redshift, REDSHIFTS, _dimming()[kind]))


def kpc_per_arcsec(redshift: float) -> float:
    """Proper length of an angle [kpc / arcsec] (Planck 2018 cosmology)."""
    return float(np.interp(redshift, REDSHIFTS, _kpc_per_arcsec()))


@lru_cache(maxsize=1)
def _dimming() -> Floats:
    """(templates, redshifts) [mag]."""
    from astropy.cosmology import Planck18

    modulus = Planck18.distmod(np.maximum(REDSHIFTS, 1e-3)).value
    brightness = _absolute()[:, :, FILTERS.index("hsc2017-i")]
    dimmed: Floats = modulus - 2.5 * np.log10(brightness / brightness[:, :1])
    return dimmed


@lru_cache(maxsize=1)
def _kpc_per_arcsec() -> Floats:
    return cosmology.kpc_per_arcsec(np.maximum(REDSHIFTS, 1e-3))


@lru_cache(maxsize=2)
def responses(filters: tuple[str, ...]) -> Floats:
    """Curves on WAVELENGTHS of filters that speclite knows, (filters, n)."""
    from speclite.filters import load_filters

    return np.stack([curve(WAVELENGTHS) for curve in load_filters(*filters)])


@lru_cache(maxsize=1)
def _absolute() -> Floats:
    """AB band fluxes of every template over REDSHIFTS, (templates, redshifts, 5)."""
    return np.array([[band_photons(name, z, FILTERS) for z in REDSHIFTS] for name in TEMPLATES])


def band_photons(template: str, redshift: float, filters: tuple[str, ...]) -> Floats:
    """AB fluxes (filters,) of a spectrum at a redshift, in units of their own.

    Photons through a filter, int f_lambda T lambda, over those of a flat f_nu, int T / lambda.
    """
    rest, spectrum = _spectrum(template)
    curves = responses(filters)
    observed = np.interp(WAVELENGTHS / (1 + redshift), rest, spectrum) / (1 + redshift)
    observed = observed * igm_transmission(WAVELENGTHS, redshift)
    flat = (curves / WAVELENGTHS).sum(axis=1)
    fluxes: Floats = (curves * observed * WAVELENGTHS).sum(axis=1) / flat
    return fluxes


@lru_cache(maxsize=1)
def _table() -> Floats:
    fluxes = _absolute()
    return fluxes / fluxes[:, :, FILTERS.index("hsc2017-i"), None]


def _galaxy(name: str) -> tuple[Floats, Floats]:
    import galsim

    path = Path(galsim.meta_data.share_dir) / "SEDs" / f"{name}_ext.sed"
    wavelength, flux = np.loadtxt(path, unpack=True)
    return wavelength, flux


@lru_cache(maxsize=len(TEMPLATES))
def _spectrum(name: str) -> tuple[Floats, Floats]:
    """(rest wavelength [Angstrom], f_lambda) of a template."""
    if name == "quasar":
        return with_lines(QUASAR_SLOPE, QUASAR_LINES)
    return with_lines(HII_SLOPE, HII_LINES) if name == "HII region" else _galaxy(name)


def with_lines(slope: float, lines: Sequence[tuple[float, float, float]]) -> tuple[Floats, Floats]:
    """(rest wavelength [Angstrom], f_lambda) of a power law with emission lines."""
    wavelength = np.arange(800.0, 12_000.0, 2.0)
    continuum = (wavelength / 2500) ** slope
    spectrum = continuum.copy()
    for centre, width, sigma in lines:
        profile = np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        spectrum += width * profile * np.interp(centre, wavelength, continuum)
    return wavelength, spectrum
