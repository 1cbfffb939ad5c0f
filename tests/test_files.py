"""Files that are whole or not there, locks, and disks that are full."""

import json
import os
import resource
import stat
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import torch

from galddpm import files
from galddpm.data.hdf5 import new_hdf5, write_columns
from galddpm.data.pairs import stored_states
from galddpm.errors import RunError, UserError
from galddpm.files import new_memory_map, read_json, reserve, write_json, write_text, written_whole
from galddpm.training.checkpoint import save_tensors


@contextmanager
def small_disk(size):
    """Files that would grow beyond `size` bytes cannot, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_text(path, "first")
    with pytest.raises(KeyboardInterrupt):
        half_written(path)
    assert path.read_text() == "first"
    (path.parent / ".file.txt.tmp").write_text("of a killed process, longer than what comes")
    write_text(path, "second")
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    assert path.read_text() == "second"


def half_written(path):
    with written_whole(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_all_files_have_the_permissions_of_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        save_tensors(tmp_path / "model.safetensors", {"a": torch.ones(2)}, {})
        write_text(tmp_path / "text", "")
        write_columns(tmp_path / "columns.hdf5", {"a": np.ones(2)})
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o666 & ~mask}
    assert len(modes) == 3


def test_the_space_of_a_memory_map_is_there_before_a_page_is_written(tmp_path):
    path = tmp_path / "map.npy"
    array = new_memory_map(path, np.float32, (1000, 1000))
    assert path.stat().st_blocks * 512 >= 4_000_000
    array[:] = 1
    array.flush()
    assert np.load(path).sum() == 1e6


def test_no_room_for_a_memory_map_is_an_error_and_no_bus_error(tmp_path, monkeypatch):
    def full(handle, start, size):
        raise OSError(files.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RunError, match="no room for 128 bytes .No space left"):
        reserve_of(tmp_path, 128)
    states = iter([np.zeros((2, 3, 1, 4, 4))])
    with pytest.raises(RunError, match="no room"):
        stored_states(tmp_path / "pairs.npy", (2, 3, 1, 4, 4), states)
    assert [path.name for path in tmp_path.iterdir()] == ["sparse"]


def reserve_of(folder, size):
    path = folder / "sparse"
    with open(path, "wb") as file:
        file.truncate(size)
    reserve(path)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_columns(path, {"a": np.zeros(100_000)}),
        lambda path: save_tensors(path, {"a": torch.zeros(100_000)}, {}),
        lambda path: write_text(path, "a" * 400_000),
    ],
    ids=["hdf5", "safetensors", "text"],
)
def test_a_full_disk_leaves_what_was_there(tmp_path, write):
    path = tmp_path / "file"
    path.write_text("before")
    with small_disk(200_000), pytest.raises((RunError, OSError)):
        write(path)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_hdf5_is_written_into_space_that_is_there(tmp_path):
    path = tmp_path / "columns.hdf5"
    layout = {"a": ((1000, 100), np.dtype("f4")), "name": ((1000,), np.dtype("S4"))}
    with new_hdf5(path, layout, {"bands": "g"}) as file:
        held = (tmp_path / ".columns.hdf5.tmp").stat()
        assert held.st_blocks * 512 >= held.st_size > 400_000
        file["a"][...], file["name"][...] = 2, b"abcd"
    with h5py.File(path) as file:
        assert (file["a"][:] == 2).all()
        assert set(file["name"][:]) == {b"abcd"}
        assert file.attrs["bands"] == "g"


def test_json_comes_back_as_it_was_written(tmp_path):
    content = {"a": [1, 0.1, None, True], "b": {"µ": "σ"}}
    write_json(tmp_path / "new" / "report.json", content)
    assert read_json(tmp_path / "new" / "report.json") == content


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_json_without_numbers_for_it_leaves_the_file_as_it_was(tmp_path, value):
    path = tmp_path / "report.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": 2, "b": [value]})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_where_json_is_expected_is_refused(tmp_path):
    with pytest.raises(UserError, match="not readable as JSON"):
        read_json(tmp_path)


def test_no_json_is_empty_and_other_content_is_refused(tmp_path):
    path = tmp_path / "report.json"
    assert read_json(path) == {}
    for content, message in (("{", "not readable"), ("", "not readable"), ("[1]", "found list")):
        path.write_text(content)
        with pytest.raises(UserError, match=f"report.json: {message}"):
            read_json(path)
