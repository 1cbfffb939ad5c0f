"""What is asked of galaxies beside their redshifts."""

import numpy as np
import pytest

from galddpm.errors import UserError
from galddpm.inference.conditions import as_conditions

KNOWN = {"mag": (14.0, 28.0), "size": (1.0, 20.0)}


def test_what_is_not_asked_is_unknown():
    found = as_conditions({"size": np.ma.array([2, 5, 9], mask=[0, 1, 0])}, KNOWN, 3, "runs/a")
    np.testing.assert_array_equal(found, [[np.nan, 2], [np.nan, np.nan], [np.nan, 9]])
    assert found.dtype == np.float32
    assert as_conditions({}, KNOWN, 3, "runs/a") is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"colour": [1, 2]}, "conditions: found colour, of runs/a can be asked: mag, size"),
        ({"mag": [20, 29]}, "mag: found 29 in row 1, expected 14 to 28"),
        ({"mag": [20]}, "mag: found int64 of shape (1,), expected numbers of shape (2,)"),
        ({"mag": ["20", "bright"]}, "mag: found <U6 of shape (2,), expected numbers"),
        ({"size": [np.inf, 2]}, "size: found inf in row 0, expected 1 to 20"),
    ],
)
def test_what_cannot_be_asked(asked, message):
    with pytest.raises(UserError) as raised:
        as_conditions(asked, KNOWN, 2, "runs/a")
    assert str(raised.value).startswith(message)


def test_a_model_that_knows_redshift_alone():
    with pytest.raises(UserError, match="of runs/a can be asked: redshift alone"):
        as_conditions({"mag": [20.0]}, {}, 1, "runs/a")
