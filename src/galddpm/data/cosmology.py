"""Lengths, light and volumes at a redshift, in the Planck 2018 cosmology."""

import numpy as np

from galddpm.arrays import Floats
from galddpm.data.survey import ZERO_POINT

AB_ZERO = -48.6  # magnitude of 1 erg / s / cm^2 / Hz


def kpc_per_arcsec(redshift: Floats) -> Floats:
    """Proper length of an angle [kpc / arcsec]."""
    from astropy.cosmology import Planck18

    if not len(redshift):  # of which astropy makes an error
        return redshift
    length: Floats = Planck18.kpc_proper_per_arcmin(redshift).value / 60
    return length


def comoving_volume(low: float, high: float) -> float:
    """Between two redshifts, of the whole sky [Mpc^3]."""
    from astropy.cosmology import Planck18

    return float(Planck18.comoving_volume(high).value - Planck18.comoving_volume(low).value)


def spectral_luminosity(flux: Floats, redshift: Floats) -> Floats:
    """L_nu [erg / s / Hz] at the emitted frequency, of flux density at the observed one [count]."""
    from astropy.cosmology import Planck18

    if not len(redshift):
        return redshift
    density = flux * 10 ** (-0.4 * (ZERO_POINT - AB_ZERO))  # [erg / s / cm^2 / Hz]
    distance = Planck18.luminosity_distance(redshift).to_value("cm")
    luminosity: Floats = 4 * np.pi * distance**2 * density / (1 + redshift)
    return luminosity
