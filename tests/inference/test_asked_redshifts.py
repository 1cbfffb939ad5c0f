"""What is said of redshifts that a model was not, or hardly, trained on."""

import numpy as np
import pytest

from galddpm.data.redshift_density import redshift_quantiles
from galddpm.errors import UserError
from galddpm.inference.redshifts import check_redshifts

EVENLY = redshift_quantiles(np.linspace(1, 3, 10_001))


def warnings(*redshift, trained=EVENLY, **more):
    return check_redshifts(np.array(redshift), trained, **more)


def test_redshifts_of_the_training_need_no_word():
    assert warnings(1.0, 2.0, 3.0) == []


def test_a_little_outside_is_said_with_the_range():
    (line,) = warnings(0.9, 2.0, 3.25)
    assert line.startswith("2 of 3 redshifts lie outside the training range 1.000 to 3.000")
    assert "by up to 0.250" in line


@pytest.mark.parametrize("trained", [EVENLY, [0.0, 2.0]])
def test_further_outside_than_the_range_is_wide_is_refused(trained):
    edge = trained[-1] + 2.0
    assert len(warnings(edge, trained=trained)) == 1
    with pytest.raises(UserError, match=f"found {edge + 0.01:g}, expected 0 to {edge:g}, for the"):
        warnings(1.5, edge + 0.01, trained=trained)
    (line,) = warnings(edge + 0.01, trained=trained, extrapolate=True)
    assert "by up to 2.010" in line


def test_below_a_narrow_range_as_well_as_above():
    trained = redshift_quantiles(np.linspace(2.0, 2.5, 101))
    with pytest.raises(UserError, match="found 1.4, expected 1.5 to 3, for .* from 2 to 2.5"):
        warnings(2.2, 1.4, trained=trained)


def test_a_gap_within_the_range_is_said():
    gap = redshift_quantiles(np.concatenate([np.linspace(0, 1, 5000), np.linspace(3, 4, 5000)]))
    (line,) = warnings(0.5, 1.9, 2.1, trained=gap)
    assert line.startswith("at 2 of 3 redshifts, 1.900 to 2.100, the model has seen less than 0.1")
