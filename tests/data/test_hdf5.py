"""Rows in any order against NumPy's own indexing, and files that hold what was put in."""

import h5py
import numpy as np
import pytest

from galddpm.data import hdf5
from galddpm.data.hdf5 import new_hdf5, open_hdf5, read_rows, write_columns
from galddpm.errors import UserError

COUNT = 40
ROWS = {
    "all": np.arange(COUNT),
    "backwards": np.arange(COUNT)[::-1],
    "scattered": np.array([39, 0, 17, 16, 18, 5]),
    "repeated": np.array([7, 7, 3, 7, 3]),
    "one": np.array([12]),
    "none": np.array([], dtype=int),
}
STORAGE = {
    "contiguous": {},
    "chunks": {"chunks": (6, 3)},
    "packed": {"chunks": (7, 3), "compression": "gzip"},
    "whole": {"chunks": (COUNT, 3)},
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("storage", STORAGE.values(), ids=STORAGE)
@pytest.mark.parametrize("dtype", ["<f4", ">f8", ">i8"])
def test_rows_are_read_as_numpy_would(tmp_path, rows, storage, dtype):
    table = np.arange(3 * COUNT).reshape(COUNT, 3).astype(dtype)
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        dataset = file.create_dataset("table", data=table, **storage)
        found = read_rows(dataset, rows)
    np.testing.assert_array_equal(found, table[rows])
    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    assert found.shape == (len(rows), 3)


def test_small_reads_change_no_value(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "LARGEST_READ", 50)  # two rows of 24 bytes
    table = np.random.default_rng(0).normal(size=(COUNT, 3))
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        dataset = file.create_dataset("table", data=table, chunks=(10, 3))
        np.testing.assert_array_equal(
            read_rows(dataset, ROWS["scattered"]), table[[39, 0, 17, 16, 18, 5]]
        )


def test_columns_and_attributes_come_back(tmp_path):
    columns = {"z": np.linspace(0, 1, 5), "id": 2**60 + np.arange(5), "name": np.array(["a", "bc"])}
    write_columns(tmp_path / "a.hdf5", columns, {"bands": "g,r", "count": 5})
    with open_hdf5(tmp_path / "a.hdf5") as file:
        assert set(file) == set(columns)
        np.testing.assert_array_equal(file["z"][:], columns["z"])
        np.testing.assert_array_equal(file["id"][:], columns["id"])
        assert file["name"][:].tolist() == [b"a", b"bc"]
        assert dict(file.attrs) == {"bands": "g,r", "count": 5}


def test_a_file_that_is_not_finished_never_appears(tmp_path):
    def stop():
        with new_hdf5(tmp_path / "a.hdf5", {"z": ((5,), np.dtype(float))}) as file:
            file["z"][:] = 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_hdf5_is_refused_with_its_name(tmp_path):
    with pytest.raises(UserError, match="a.hdf5: no such file"):
        open_hdf5(tmp_path / "a.hdf5")
    write_columns(tmp_path / "a.hdf5", {"z": np.zeros(5000)})
    (tmp_path / "a.hdf5").write_bytes((tmp_path / "a.hdf5").read_bytes()[:9000])
    with pytest.raises(UserError, match="a.hdf5: cannot be opened as HDF5, truncated"):
        open_hdf5(tmp_path / "a.hdf5")
