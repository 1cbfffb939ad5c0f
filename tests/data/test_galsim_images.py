"""Galaxies as GalSim has them are those that were given."""

import galsim
import numpy as np
import pytest

import galddpm
from galddpm.data.survey import BANDS, PIXEL_SCALE
from galddpm.errors import UserError
from helpers.galaxies import simple_galaxies

DRAWN = {"scale": PIXEL_SCALE, "method": "no_pixel"}


@pytest.fixture(scope="module")
def images():
    return simple_galaxies(2, seed=3, size=48)["image"]


def test_drawn_where_they_were_they_are_the_same_pixels(images):
    galaxies = galddpm.to_galsim(images)
    assert [list(galaxy) for galaxy in galaxies] == [list(BANDS)] * 2
    for galaxy, expected in zip(galaxies, images, strict=True):
        for band, stamp in zip(BANDS, expected, strict=True):
            drawn = galaxy[band].drawImage(nx=48, ny=48, **DRAWN).array
            np.testing.assert_allclose(drawn, stamp, atol=1e-4 * stamp.max())
            assert galaxy[band].flux == pytest.approx(stamp.sum(), rel=1e-6)


def test_a_smooth_galaxy_elsewhere_in_a_scene_keeps_flux_size_and_place():
    true = galsim.Convolve(galsim.Exponential(half_light_radius=0.8), galsim.Gaussian(fwhm=0.7))
    stamp = true.withFlux(300).drawImage(nx=64, ny=64, **DRAWN).array
    galaxy = galddpm.to_galsim(stamp[None, None], bands="i")[0]["i"]
    scene = galsim.ImageF(128, 128, scale=PIXEL_SCALE)
    galaxy.shift(20.3 * PIXEL_SCALE, -10.6 * PIXEL_SCALE).drawImage(
        scene, add_to_image=True, method="no_pixel"
    )
    expected = true.withFlux(300).shift(20.3 * PIXEL_SCALE, -10.6 * PIXEL_SCALE)
    expected = expected.drawImage(nx=128, ny=128, **DRAWN).array
    assert scene.array.sum() == pytest.approx(300, rel=0.01)
    assert np.abs(scene.array - expected).max() < 0.01 * expected.max()


def test_what_is_no_galaxy_is_refused(images):
    with pytest.raises(UserError, match=r"found shape \(5, 48, 48\), expected \(n, 5"):
        galddpm.to_galsim(images[0])
    with pytest.raises(UserError, match="not finite"):
        galddpm.to_galsim(np.full((1, 5, 8, 8), np.nan))


def test_without_galsim_the_extra_is_named(images, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "galsim", None)
    with pytest.raises(UserError, match=r"galsim is not installed; pip install .*mock"):
        galddpm.to_galsim(images)
