"""Outputs in chunks: continued, left alone, or refused."""

import json

import h5py
import numpy as np
import pytest

from galddpm.data.parts import Parts, recorded_arguments
from galddpm.errors import UserError


def fill(parts, total=10, chunk=4, stop=None):
    for rows in parts.missing(total, chunk)[:stop]:
        parts.save(rows, {"a": np.arange(rows.start, rows.stop), "b": np.ones((len(rows), 2))})


def test_chunks_join_into_one_file(tmp_path):
    path = tmp_path / "out.hdf5"
    parts = Parts(path, {"seed": 1})
    fill(parts)
    np.testing.assert_array_equal(parts.gather()["a"], np.arange(10))
    parts.join({"bands": "g,r"})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a"][:], np.arange(10))
        assert file["b"].shape == (10, 2)
        assert file.attrs["bands"] == "g,r"
    assert recorded_arguments(path) == {"seed": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.hdf5"]


def test_an_unfinished_output_is_continued(tmp_path):
    path = tmp_path / "out.hdf5"
    fill(Parts(path, {"seed": 1}), stop=2)
    again = Parts(path, {"seed": 1})
    assert again.missing(10, 4) == [range(8, 10)]


def test_a_finished_output_is_left_alone_and_another_refused(tmp_path):
    path = tmp_path / "out.hdf5"
    parts = Parts(path, {"seed": 1})
    fill(parts)
    parts.join()
    before = path.read_bytes()
    assert Parts(path, {"seed": 1}, recorded_arguments(path)).finished
    with pytest.raises(UserError, match="made otherwise; --overwrite"):
        Parts(path, {"seed": 2}, recorded_arguments(path))
    replacing = Parts(path, {"seed": 2}, recorded_arguments(path), overwrite=True)
    fill(replacing, stop=1)
    assert path.read_bytes() == before  # the old one stays until the new one is whole


def test_parts_of_other_arguments_are_refused_or_replaced(tmp_path):
    path = tmp_path / "out.hdf5"
    fill(Parts(path, {"seed": 1}), stop=1)
    with pytest.raises(UserError, match="unfinished output of other arguments"):
        Parts(path, {"seed": 2})
    assert len(Parts(path, {"seed": 2}, overwrite=True).missing(10, 4)) == 3


def test_foreign_files_have_no_arguments(tmp_path):
    path = tmp_path / "out.hdf5"
    path.write_text("not HDF5")
    assert recorded_arguments(path) is None
    with pytest.raises(UserError, match="exists"):
        Parts(path, {"seed": 1}, recorded_arguments(path))
    assert json.dumps(path.read_text()) == '"not HDF5"'
