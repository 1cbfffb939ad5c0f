"""Both fits find a bright galaxy's truth, and put nothing where there is no galaxy."""

import numpy as np
import pytest

from galddpm.data.survey import SKY_SIGMA
from galddpm.evaluation.validation.fits import fit_ours, fit_theirs
from galddpm.evaluation.validation.simulated import BAND, NAMES, SIZE, draw

TRUTH = {"sersic_n": 1.5, "sersic_r_eff": 4.0, "sersic_ellipticity": 0.4}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, SKY_SIGMA[BAND], (2, SIZE, SIZE))
    noise[1] += draw(1.5, 4.0, 0.6, 400.0, 30.0, (0.2, -0.3))
    return noise


@pytest.mark.parametrize(("fit", "tolerance"), [(fit_ours, 0.05), (fit_theirs, 0.08)])
def test_a_fit_finds_the_truth_and_nothing_on_an_empty_stamp(images, fit, tolerance):
    empty, bright = fit(images)
    assert all(np.isnan(empty[name]) for name in NAMES)
    for name, value in TRUTH.items():
        assert bright[name] == pytest.approx(value, rel=tolerance)


def test_the_seconds_of_a_fit_are_told(images):
    empty, bright = fit_theirs(images)
    assert empty.keys() == bright.keys() == {*NAMES, "seconds"}
    assert bright["seconds"] > 0
    assert np.isnan(empty["seconds"])
