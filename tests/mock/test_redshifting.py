"""A galaxy moved farther away, against what cosmology says of a Gaussian one."""

import numpy as np
import pytest
from astropy.cosmology import Planck18

from galddpm.data.survey import BANDS, PIXEL_SCALE, SEEING
from galddpm.mock.redshifting import FWHM_IN_SIGMA, redshifted
from galddpm.mock.spectra import band_fluxes

SIGMA = 5.0  # of a galaxy, seen through the PSF [pix]
Y, X = np.mgrid[:64, :64] - 32.0


def gaussian(flux):
    profile = np.exp(-(X**2 + Y**2) / (2 * SIGMA**2))
    return np.array(flux)[:, None, None] * profile / profile.sum()


def measured(plane):
    """(flux, sigma) of a Gaussian by its moments."""
    return plane.sum(), np.sqrt((plane * (X**2 + Y**2)).sum() / plane.sum() / 2)


@pytest.mark.parametrize(("redshift", "to"), [(0.1, 0.3), (0.2, 1.0), (0.3, 0.3)])
def test_it_is_smaller_and_dimmer_as_cosmology_says(redshift, to):
    seen = redshifted(gaussian([10.0, 20.0, 30.0, 40.0, 50.0]), 1.0, redshift, to)
    shrink = (
        Planck18.angular_diameter_distance(redshift) / Planck18.angular_diameter_distance(to)
    ).value
    fluxes, sigmas = zip(*(measured(plane) for plane in seen), strict=True)
    for band, sigma in zip(BANDS, sigmas, strict=True):
        psf = SEEING[band] / FWHM_IN_SIGMA / PIXEL_SCALE
        expected = np.sqrt((SIGMA * shrink) ** 2 + (1 - shrink**2) * psf**2)
        assert sigma == pytest.approx(expected, rel=0.02)
    colours = np.array(fluxes) / fluxes[2] / (np.array([10, 20, 30, 40, 50]) / 30)
    expected = band_fluxes(1.0, to) / band_fluxes(1.0, redshift)
    np.testing.assert_allclose(colours, expected, rtol=0.01)


def test_the_i_band_dims_by_distance_and_by_the_spectrum():
    """Bolometric light falls with the square of the luminosity distance; what is left is the
    spectrum's part, which for an elliptical seen bluer is a loss of up to two magnitudes."""
    light = gaussian([1.0, 1.0, 1000.0, 1.0, 1.0])
    ratio = measured(redshifted(light, 0.0, 0.1, 0.5)[2])[0] / 1000
    by_distance = (Planck18.luminosity_distance(0.1) / Planck18.luminosity_distance(0.5)).value ** 2
    assert 10 ** (-0.4 * 2.0) < ratio / by_distance < 1


def test_no_galaxy_is_moved_nearer():
    with pytest.raises(ValueError, match=r"redshifted: 0\.1 is nearer by angle than 0\.2"):
        redshifted(gaussian(np.ones(5)), 0.0, 0.2, 0.1)
