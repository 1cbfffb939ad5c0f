"""What may be asked of a generator."""

import numpy as np
import pytest

from galddpm.data.redshift_density import redshift_quantiles
from galddpm.data.redshifts import as_redshifts
from galddpm.errors import UserError
from galddpm.inference.redshifts import as_noise_ids, check_redshifts

TRAINED = redshift_quantiles(np.linspace(0.5, 2.5, 1000))


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
        (["0.1"], "expected numbers"),
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


def test_noise_ids_are_row_numbers_or_those_given():
    assert as_noise_ids(None, 3).tolist() == [0, 1, 2]
    assert as_noise_ids([2**63 - 1, 0], 2).tolist() == [2**63 - 1, 0]
    assert as_noise_ids(range(5, 7), 2).dtype == np.int64


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0], r"found shape \(1,\), expected one a redshift, \(2,\)"),
        ([0, -1], "found -1 to 0"),
        ([0.0, 1.0], "found float64"),
        ([0, 2**63], "expected whole numbers"),
        ([2**63, 2**63], "found 9223372036854775808"),
        ([2**70, 0], "found object"),
        (["a", "b"], "expected whole numbers"),
    ],
)
def test_impossible_noise_ids_are_refused(ids, message):
    with pytest.raises(UserError, match=f"noise_id: .*{message}"):
        as_noise_ids(ids, 2)


def test_redshifts_outside_of_the_training_warn_and_far_outside_are_refused():
    assert check_redshifts(np.array([0.6, 1.0, 2.4]), TRAINED) == []
    (warning,) = check_redshifts(np.array([0.4, 1.0, 3.0]), TRAINED)
    assert warning.startswith("2 of 3 redshifts lie outside the training range 0.500 to 2.500")
    assert "by up to 0.500" in warning
    with pytest.raises(UserError, match="found 4.6.*0.500 to 2.500.*extrapolate=True"):
        check_redshifts(np.array([1.0, 4.6]), TRAINED)
    assert len(check_redshifts(np.array([1.0, 4.6]), TRAINED, extrapolate=True)) == 1


def test_redshifts_that_were_hardly_seen_warn():
    seen = redshift_quantiles(np.concatenate([np.linspace(0, 1, 10_000), [3.0]]))
    (warning,) = check_redshifts(np.array([0.5, 2.0]), seen)
    assert warning.startswith("at 1 of 2 redshifts, 2.000 to 2.000, the model has seen less")
