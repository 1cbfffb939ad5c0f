"""The default PSF against GalSim and against its own definition; PSF files and their mistakes."""

import galsim
import numpy as np
import pytest
from astropy.io import fits

from galddpm.errors import UserError
from galddpm.evaluation.measurement.psf import (
    MOFFAT_BETA,
    PIXEL_SCALE,
    SEEING,
    moffat_psf,
    read_psf,
    survey_psf,
)

BANDS = ("g", "r", "i", "z", "y")


@pytest.mark.parametrize("band", BANDS)
def test_survey_psf_equals_galsim(band):
    psf = survey_psf(band)
    profile = galsim.Moffat(beta=MOFFAT_BETA, fwhm=SEEING[band])
    theirs = profile.drawImage(nx=len(psf), ny=len(psf), scale=PIXEL_SCALE).array
    np.testing.assert_allclose(psf, theirs / theirs.sum(), atol=3e-5)


def test_psf_has_unit_sum_and_odd_size_and_is_symmetric():
    psf = moffat_psf(4.0)
    assert psf.sum() == pytest.approx(1, abs=1e-12)
    assert psf.shape[0] % 2 == psf.shape[1] % 2 == 1
    np.testing.assert_allclose(psf, psf.T)
    np.testing.assert_allclose(psf, psf[::-1])


def test_wide_psf_falls_to_half_at_half_of_its_width():
    psf = moffat_psf(40.0)  # so wide that a pixel is a point
    centre = len(psf) // 2
    assert psf[centre, centre + 20] / psf[centre, centre] == pytest.approx(0.5, rel=1e-3)


def test_image_serves_all_bands_and_is_normalised(tmp_path):
    fits.PrimaryHDU(np.full((5, 7), 2.0, dtype=np.float32)).writeto(tmp_path / "psf.fits")
    psfs = read_psf(tmp_path / "psf.fits", BANDS)
    assert set(psfs) == set(BANDS)
    np.testing.assert_allclose(psfs["y"], 1 / 35)


def test_cube_has_a_plane_a_band(tmp_path):
    cube = np.stack([moffat_psf(width) for width in (3.0, 3.0)]) * [[[5.0]], [[7.0]]]
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(cube)]).writeto(tmp_path / "psf.fits")
    psfs = read_psf(tmp_path / "psf.fits", ("g", "r"))
    np.testing.assert_allclose(psfs["r"], moffat_psf(3.0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 5)), "4 x 5"),
        (np.ones((3, 5, 5)), "3 planes"),
        (np.ones(5), "1 axes"),
        (np.full((5, 5), np.nan), "finite"),
        (np.zeros((5, 5)), "positive"),
    ],
)
def test_what_is_no_psf_is_refused(tmp_path, data, message):
    fits.PrimaryHDU(data).writeto(tmp_path / "psf.fits")
    with pytest.raises(UserError, match=message):
        read_psf(tmp_path / "psf.fits", BANDS)


def test_missing_broken_and_empty_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_psf(tmp_path / "none.fits", BANDS)
    (tmp_path / "text.fits").write_text("this is not FITS")
    with pytest.raises(UserError, match="cannot be read"):
        read_psf(tmp_path / "text.fits", BANDS)
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(UserError, match="no image"):
        read_psf(tmp_path / "empty.fits", BANDS)
