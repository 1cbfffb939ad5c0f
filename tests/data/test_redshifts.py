"""Redshifts as they are given."""

import numpy as np
import pytest

from galddpm.data.redshifts import as_redshifts
from galddpm.errors import UserError


def test_a_number_is_one_redshift():
    np.testing.assert_array_equal(as_redshifts(0.5), [0.5])
    np.testing.assert_array_equal(as_redshifts((1, 2)), [1.0, 2.0])
    assert as_redshifts(np.float32([0.5])).dtype == np.float64


@pytest.mark.parametrize(
    ("redshift", "message"),
    [
        ([], "found none"),
        ([0.1, np.nan], "found nan in row 1"),
        ([np.inf], "found inf in row 0"),
        ([-0.5], "found -0.5 in row 0"),
        ([1e39], "finite"),
        ([[0.1], [0.2]], r"shape \(2, 1\)"),
        ([[0.1], [0.2, 0.3]], "no row of numbers"),
        (["0.1"], "found text"),
        ([0.1, None], "expected numbers"),
        ([True], "expected numbers"),
        ([1j], "expected numbers"),
        (None, "expected numbers"),
        (np.ma.masked_array([0.1, 0.2], [False, True]), "found nan in row 1"),
    ],
)
def test_impossible_redshifts_are_refused(redshift, message):
    with pytest.raises(UserError, match=f"redshift: .*{message}"):
        as_redshifts(redshift)
