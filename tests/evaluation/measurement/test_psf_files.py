"""PSF files and their mistakes; a PSF for all galaxies, and one for each."""

import h5py
import numpy as np
import pytest
from astropy.io import fits

from galddpm.data.galaxiesml import write_galaxies
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from galddpm.evaluation.measurement.psf_files import held_psfs, read_psf

CUBE = np.arange(1.0, 51).reshape(2, 5, 5)


def test_image_serves_all_bands_and_is_normalised(tmp_path):
    fits.PrimaryHDU(np.full((5, 7), 2.0, dtype=np.float32)).writeto(tmp_path / "psf.fits")
    psfs = read_psf(tmp_path / "psf.fits", BANDS, 9)
    for band in BANDS:
        np.testing.assert_allclose(psfs.of(band, range(3, 5)), np.full((5, 7), 1 / 35))


def test_cube_has_a_plane_a_band(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(CUBE)]).writeto(tmp_path / "psf.fits")
    psfs = read_psf(tmp_path / "psf.fits", ("g", "r"), 9)
    np.testing.assert_allclose(psfs.of("r", range(1)), CUBE[1] / CUBE[1].sum())


def test_each_galaxy_has_its_own_from_fits_and_from_hdf5(tmp_path):
    planes = np.random.default_rng(0).uniform(1, 2, (9, 2, 5, 5))
    fits.PrimaryHDU(planes).writeto(tmp_path / "psf.fits")
    image = np.ones((9, 2, 8, 8), np.float32)
    columns = {"image": image, "specz_redshift": np.ones(9), "psf": planes}
    write_galaxies(tmp_path / "own.hdf5", columns)
    unit = planes / planes.sum(axis=(2, 3), keepdims=True)
    read = read_psf(tmp_path / "psf.fits", ("g", "r"), 9)
    held = held_psfs(tmp_path / "own.hdf5", ("g", "r"), 9)
    for psfs in (read, held):
        np.testing.assert_allclose(psfs.of("r", range(3, 6)), unit[3:6, 1])
        np.testing.assert_allclose(psfs.shared().of("g", range(1)), unit[:, 0].mean(axis=0))
    assert read.fingerprint(["g"]) == held.fingerprint(["g"]) != held.fingerprint(["r"])


def test_a_file_without_psfs_holds_none(tmp_path):
    columns = {"image": np.ones((2, 1, 8, 8), np.float32), "specz_redshift": np.ones(2)}
    write_galaxies(tmp_path / "none.hdf5", columns)
    assert held_psfs(tmp_path / "none.hdf5", ("g",), 2) is None


def test_a_psf_without_light_is_named_by_its_rows(tmp_path):
    planes = np.ones((4, 1, 3, 3))
    planes[2] = 0
    fits.PrimaryHDU(planes).writeto(tmp_path / "psf.fits")
    psfs = read_psf(tmp_path / "psf.fits", ("g",), 4)
    with pytest.raises(UserError, match="rows 2 to 3, band g: expected finite pixels"):
        psfs.of("g", range(2, 4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 5)), "4 x 5"),
        (np.ones((3, 5, 5)), "3 planes"),
        (np.ones(5), "1 axes"),
        (np.full((5, 5), np.nan), "finite"),
        (np.zeros((5, 5)), "positive"),
        (np.ones((3, 5, 5, 5)), "PSFs of 3 galaxies"),
    ],
)
def test_what_is_no_psf_is_refused(tmp_path, data, message):
    fits.PrimaryHDU(data).writeto(tmp_path / "psf.fits")
    with pytest.raises(UserError, match=message):
        read_psf(tmp_path / "psf.fits", BANDS, 9)


def test_missing_broken_and_empty_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_psf(tmp_path / "none.fits", BANDS, 9)
    (tmp_path / "text.fits").write_text("this is not FITS")
    with pytest.raises(UserError, match="cannot be read"):
        read_psf(tmp_path / "text.fits", BANDS, 9)
    with h5py.File(tmp_path / "galaxies.hdf5", "w") as file:
        file["image"] = np.zeros((3, 5, 8, 8))
    with pytest.raises(UserError, match="psf: no such dataset, expected PSFs"):
        read_psf(tmp_path / "galaxies.hdf5", BANDS, 9)
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(UserError, match="no image"):
        read_psf(tmp_path / "empty.fits", BANDS, 9)
