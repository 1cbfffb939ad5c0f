"""The table of what was never tuned, on a mock made for it."""

import h5py
import numpy as np
import pytest

from galddpm.mock import MockSettings, make_mock
from galddpm.mock.predictions import absolute_magnitudes, predictions
from galddpm.mock.selection import BRIGHTEST, QUASAR_TEMPLATE


def test_the_table_says_what_the_files_hold(tmp_path):
    path, *_ = make_mock(tmp_path, {"testing": 12}, MockSettings(2))
    truth = tmp_path / "5x64x64_testing_truth.hdf5"
    table = predictions(path, truth)
    with h5py.File(truth) as file:
        near = 100 * (file["near"][:] > 0).mean()
        mergers = 100 * file["merger"][:].mean()
    assert f"20 x 20 pixels: {near:.1f} %" in table
    assert f"mergers: {mergers:.1f} %" in table
    counted = [int(line.split()[3]) for line in table.splitlines() if line[1:2] == "."]
    assert sum(counted) == 12


def test_absolute_magnitudes_by_hand():
    """A red galaxy at z = 0.1: 38.4 mag of distance and .13 of K correction away."""
    true = {
        "template": np.array([0.0, QUASAR_TEMPLATE]),
        "redshift": np.array([0.1, 2.0]),
        "flux": np.full((2, 5), 10 ** (0.4 * (27 - 17.0))),
    }
    found = absolute_magnitudes(true)
    assert len(found) == 1  # quasars are left out
    assert found[0] == pytest.approx(17.0 - 38.4 - 0.1, abs=0.15)
    assert found[0] > BRIGHTEST
