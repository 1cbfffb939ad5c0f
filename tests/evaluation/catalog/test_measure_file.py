"""A file's galaxies become a catalog, broken ones too."""

from pathlib import Path

import numpy as np

from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.survey import BANDS
from galddpm.evaluation.catalog.measure_file import Measurement, measure
from galddpm.evaluation.measurement.psf_files import survey_psfs
from helpers.galaxies import simple_galaxies


def test_a_pixel_that_is_not_finite_costs_its_band_alone(tmp_path):
    galaxies = simple_galaxies(2, seed=1)
    galaxies["image"][1, 0, 30, 30] = np.inf  # in g, while i is measured
    path = tmp_path / "galaxies.hdf5"
    write_galaxies(path, galaxies)
    asked = Measurement(path, BANDS, ("i",), survey_psfs(BANDS), 2, statmorph=0)
    catalog = measure(asked, GalaxyFile(path), Path(tmp_path / "catalog.fits"), {})
    assert np.isfinite(catalog.bands["i"]["flux"]).all()
    assert np.isfinite(catalog.aperture["i"]).all()
    np.testing.assert_array_equal(np.isfinite(catalog.aperture["g"]), [True, False])
