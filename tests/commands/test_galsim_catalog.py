"""Galaxies as GalSim's RealGalaxyCatalog: GalSim reads it, and draws what was given."""

import galsim
import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from galddpm.commands import data
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.survey import BANDS, PIXEL_SCALE
from galddpm.errors import UserError
from helpers.galaxies import NOISE, simple_galaxies

SIDE = 48


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "galaxies.hdf5"
    write_galaxies(path, simple_galaxies(3, seed=3, size=SIDE))
    return path


def redrawn(catalog, row):
    """A galaxy of the catalog, taken out of its PSF and seen through it again."""
    galaxy = galsim.RealGalaxy(catalog, index=row)
    seen = galsim.Convolve(
        galaxy, catalog.getPSF(row), gsparams=galsim.GSParams(kvalue_accuracy=1e-6)
    )
    return seen.drawImage(nx=SIDE, ny=SIDE, scale=PIXEL_SCALE, method="no_pixel").array


def test_galsim_draws_what_was_given(source, capsys):
    data.main(["galsim", str(source)])
    out = source.with_name("galaxies_galsim.fits")
    assert capsys.readouterr().out == f"{out}: 3 galaxies\n"
    catalog, galaxies = galsim.RealGalaxyCatalog(str(out)), GalaxyFile(source)
    images = galaxies.images(slice(0, 3))[:, BANDS.index("i")]
    assert len(catalog) == 3
    np.testing.assert_array_equal(catalog.cat["REDSHIFT"], galaxies.redshift)
    np.testing.assert_allclose(catalog.stamp_flux, images.sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(catalog.variance**0.5, NOISE[BANDS.index("i")], rtol=0.2)
    for row, image in enumerate(images):
        np.testing.assert_array_equal(catalog.getGalImage(row).array, image)
        # noise finer than the PSF is lost, and at the edges light that the PSF spreads beyond
        off = gaussian_filter(redrawn(catalog, row) - image, 1.5)[8:-8, 8:-8]
        assert np.abs(off).max() < 0.01 * image.max()


def test_nothing_is_overwritten_unless_asked(source):
    (images := source.with_name("galaxies_galsim_images.fits")).write_text("mine")
    with pytest.raises(UserError, match="galaxies_galsim_images.fits: exists"):
        data.main(["galsim", str(source)])
    assert images.read_text() == "mine"
    data.main(["galsim", str(source), "--overwrite", "--band", "g"])
    catalog = galsim.RealGalaxyCatalog(str(source.with_name("galaxies_galsim.fits")))
    assert set(catalog.band) == {"g"}


def test_a_band_that_is_not_there_is_refused(source):
    with pytest.raises(UserError, match="--band: found 'u', expected one of g, r, i, z, y"):
        data.main(["galsim", str(source), "--band", "u"])
    assert list(source.parent.iterdir()) == [source]


def test_bands_and_pixels_are_those_of_the_file(source):
    with h5py.File(source, "a") as file:
        file.attrs["bands"], file.attrs["pixel_scale"] = "i,z,y,g,r", 0.2
    data.main(["galsim", str(source), "--band", "i"])
    catalog = galsim.RealGalaxyCatalog(str(source.with_name("galaxies_galsim.fits")))
    first = GalaxyFile(source).images([0])[0, 0]
    np.testing.assert_array_equal(catalog.getGalImage(0).array, first)
    assert set(catalog.pixel_scale) == {0.2}
