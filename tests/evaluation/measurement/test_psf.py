"""The survey's PSF against GalSim and against its own definition."""

import galsim
import numpy as np
import pytest

from galddpm.data.survey import BANDS, PIXEL_SCALE, SEEING, WING_BETA
from galddpm.evaluation.measurement.psf import moffat_psf, survey_psf, widened


@pytest.mark.parametrize("band", BANDS)
def test_survey_psf_equals_galsim(band):
    psf = survey_psf(band)
    profile = galsim.Moffat(beta=WING_BETA[band], fwhm=SEEING[band])
    theirs = profile.drawImage(nx=len(psf), ny=len(psf), scale=PIXEL_SCALE).array
    np.testing.assert_allclose(psf, theirs / theirs.sum(), atol=5e-5)


def test_psf_has_unit_sum_and_odd_size_and_is_symmetric():
    psf = moffat_psf(4.0, 2.5)
    assert psf.sum() == pytest.approx(1, abs=1e-12)
    assert psf.shape[0] % 2 == psf.shape[1] % 2 == 1
    np.testing.assert_allclose(psf, psf.T)
    np.testing.assert_allclose(psf, psf[::-1])


def test_wide_psf_falls_to_half_at_half_of_its_width():
    psf = moffat_psf(40.0, 3.0)  # so wide that a pixel is a point
    centre = len(psf) // 2
    assert psf[centre, centre + 20] / psf[centre, centre] == pytest.approx(0.5, rel=1e-3)


def test_a_widened_psf_is_that_of_more_seeing():
    wide, seeing = widened(moffat_psf(8.0, 3.0), 1.05), moffat_psf(8.4, 3.0)
    middle = slice(len(wide) // 2 - 12, len(wide) // 2 + 13)
    other = slice(len(seeing) // 2 - 12, len(seeing) // 2 + 13)
    np.testing.assert_allclose(wide[middle, middle], seeing[other, other], atol=2e-3 * seeing.max())
