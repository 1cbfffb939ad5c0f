"""Light on pixels against GalSim's own drawing."""

import galsim
import numpy as np
import pytest

from galddpm.data.survey import BANDS, PIXEL_SCALE, SEEING, WING_BETA
from galddpm.mock.draw import Scene, light_without_noise
from galddpm.mock.morphology import Source
from galddpm.mock.profiles import Knots, Profile, ellipse
from galddpm.mock.psf import Psfs, draw_psfs
from galddpm.mock.surroundings import Surroundings

FWHM = np.array([SEEING[band] for band in BANDS]) / PIXEL_SCALE
ROUND = Psfs(FWHM, np.zeros((5, 2)))
NOTHING = Surroundings((), (), ())


def light(*parts, psfs=ROUND, side=127):
    """Of profiles and knots alone, (5, side, side)."""
    sorted_parts = {
        "profiles": tuple(part for part in parts if isinstance(part, Profile)),
        "knots": tuple(part for part in parts if isinstance(part, Knots)),
    }
    truth = (np.zeros(2), 0.5, 1, 1.0, np.ones(5), 4.0, 0.6, 0.5, 0.0, 1.0, 10.0, False)
    return light_without_noise(Scene(Source(*truth, **sorted_parts), NOTHING), psfs, side)


def moffat(band):
    return galsim.Moffat(WING_BETA[BANDS[band]], fwhm=FWHM[band])


def test_zero_point_and_centre():
    """A 20th magnitude galaxy has 631 counts at zero point 27, centred on pixel size // 2."""
    flux = 10 ** (0.4 * 7)
    image = light(Profile(np.full(5, flux), np.zeros(2), ellipse(4.0, 0.6, 0.5)))
    np.testing.assert_allclose(image.sum(axis=(1, 2)), flux, rtol=0.03)  # wings beyond the stamp
    centre = (image[2].sum(axis=1) * np.arange(127)).sum() / image[2].sum()
    assert centre == pytest.approx(63, abs=0.05)
    assert np.unravel_index(image[2].argmax(), image[2].shape) == (63, 63)


@pytest.mark.parametrize(("n", "q"), [(1.0, 0.6), (2.0, 0.8), (4.0, 0.9)])
def test_profiles_equal_galsims_own_drawing(n, q):
    image = light(Profile(np.ones(5), np.array([1.5, -2.0]), ellipse(4.0, q, 0.5), n))[0]
    shape = galsim.Sersic(n=n, half_light_radius=4.0 * np.sqrt(q))
    shape = shape.shear(q=q, beta=0.5 * galsim.radians).shift(1.5, -2.0)
    expected = galsim.Convolve(shape, moffat(0)).drawImage(nx=127, ny=127, scale=1.0).array
    assert np.abs(image - expected).max() < 0.005 * expected.max()


def test_points_are_the_psf():
    image = light(Knots(np.ones(5), np.array([[2.0, -1.0]]), np.ones(1)), side=63)[2]
    expected = moffat(2).shift(2.0, -1.0).drawImage(nx=63, ny=63, scale=1.0).array
    assert np.abs(image - expected).max() < 0.005 * expected.max()


def test_knots_are_gaussians_that_share_the_flux():
    places, shares = np.array([[0.0, 0.0], [9.0, 4.0]]), np.array([0.75, 0.25])
    image = light(Knots(np.full(5, 8.0), places, shares, 1.3))[1]
    spots = [
        share * 8 * galsim.Gaussian(sigma=1.3).shift(*place)
        for place, share in zip(places, shares, strict=True)
    ]
    whole = galsim.Convolve(galsim.Sum(spots), moffat(1))
    expected = whole.drawImage(nx=127, ny=127, scale=1.0).array
    assert np.abs(image - expected).max() < 0.005 * expected.max()


def test_stored_planes_are_the_psf_of_the_image():
    psfs = draw_psfs(np.random.default_rng(3))
    planes = psfs.planes()
    np.testing.assert_allclose(planes.sum(axis=(1, 2)), 1, rtol=1e-6)
    star = light(Knots(np.ones(5), np.zeros((1, 2)), np.ones(1)), psfs=psfs)[:, 48:79, 48:79]
    star /= star.sum(axis=(1, 2), keepdims=True)
    assert np.abs(planes - star).max() < 0.01 * star.max()
    assert (np.abs(psfs.fwhm / FWHM - 1) < 0.5).all()
