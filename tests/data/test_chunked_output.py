"""Outputs in chunks: continued, left alone, or refused."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from galddpm.data.chunked_output import ChunkedOutput, recorded_arguments
from galddpm.errors import RunError, UserError

TOTAL = 10


def parts(path, arguments=None, chunk=4, **more):
    return ChunkedOutput(path, arguments or {"seed": 1}, TOTAL, chunk, **more)


def fill(opened, stop=None):
    for rows in opened.missing()[:stop]:
        opened.save(rows, {"a": np.arange(rows.start, rows.stop), "b": np.ones((len(rows), 2))})


def make(path, stop=None, **more):
    with parts(path, **more) as opened:
        fill(opened, stop)
        if stop is None:
            opened.join({"bands": "g,r"})


def test_chunks_join_into_one_file(tmp_path):
    path = tmp_path / "out.hdf5"
    with parts(path) as opened:
        fill(opened)
        np.testing.assert_array_equal(opened.gather()["a"], np.arange(10))
        opened.join({"bands": "g,r"})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a"][:], np.arange(10))
        assert file["b"].shape == (10, 2)
        assert file.attrs["bands"] == "g,r"
        assert file["a"].id.get_offset() is not None  # contiguous
    assert recorded_arguments(path) == {"seed": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.hdf5"]


def test_an_unfinished_output_is_continued_in_chunks_of_any_size(tmp_path):
    path = tmp_path / "out.hdf5"
    make(path, stop=2)
    with parts(path) as again:
        assert again.missing() == [range(8, 10)]
    (tmp_path / "out.hdf5.part" / "000000000-000000004.hdf5").unlink()
    with parts(path, chunk=3) as again:
        assert again.missing() == [range(3), range(3, 4), range(8, 10)]
        fill(again)
        again.join()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a"][:], np.arange(10))


def test_rows_that_are_missing_are_never_joined(tmp_path):
    with parts(tmp_path / "out.hdf5") as opened:
        fill(opened, stop=2)
        for put_together in (opened.join, opened.gather):
            with pytest.raises(RunError, match="rows 8 to 9 are missing"):
                put_together()
    assert not (tmp_path / "out.hdf5").exists()


@pytest.mark.parametrize("damage", [b"", b"\x89HDF\r\n\x1a\n", None])
def test_a_chunk_that_cannot_be_read_is_made_again(tmp_path, damage):
    path = tmp_path / "out.hdf5"
    make(path, stop=3)
    chunk = tmp_path / "out.hdf5.part" / "000000004-000000008.hdf5"
    chunk.write_bytes(chunk.read_bytes()[:-100] if damage is None else damage)
    with parts(path) as again:
        assert again.missing() == [range(4, 8)]
        fill(again)
        again.join()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a"][:], np.arange(10))


def test_a_chunk_with_too_few_rows_counts_as_missing(tmp_path):
    with parts(tmp_path / "out.hdf5") as opened:
        opened.save(range(4), {"a": np.arange(3)})
        assert opened.missing()[0] == range(4)


def test_texts_keep_the_length_of_the_longest_chunk(tmp_path):
    path = tmp_path / "out.hdf5"
    with parts(path, chunk=5) as opened:
        for rows, name in zip(opened.missing(), ("a", "longer"), strict=True):
            opened.save(rows, {"name": np.array([name] * len(rows))})
        opened.join()
    with h5py.File(path) as file:
        assert file["name"][:].tolist() == [b"a"] * 5 + [b"longer"] * 5


def test_a_finished_output_is_left_alone_and_another_refused(tmp_path):
    path = tmp_path / "out.hdf5"
    make(path)
    before = path.read_bytes()
    with parts(path) as again:
        assert again.finished
    with pytest.raises(UserError, match="made otherwise; --overwrite"), parts(path, {"seed": 2}):
        pass
    with parts(path, {"seed": 2}, overwrite=True) as replacing:
        fill(replacing, stop=1)
    assert path.read_bytes() == before  # the old one stays until the new one is whole


def test_parts_of_other_arguments_are_refused_or_replaced(tmp_path):
    path = tmp_path / "out.hdf5"
    make(path, stop=1)
    other = {"seed": 2}
    with pytest.raises(UserError, match="unfinished output of other arguments"), parts(path, other):
        pass
    with parts(path, other, overwrite=True) as opened:
        assert len(opened.missing()) == 3


def test_what_is_no_place_for_a_file_is_refused_and_nothing_is_left_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file" / "out.hdf5", tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match="expected a folder to write in"), parts(path):
            pass
    with pytest.raises(UserError, match="found a folder"), parts(tmp_path / "folder"):
        pass
    with parts(tmp_path / "new" / "folder" / "out.hdf5"):
        pass
    assert {entry.name for entry in tmp_path.iterdir()} == {"folder", "file"}
    assert (tmp_path / "file").read_text() == "mine"


HOLD = """
import sys, time
from galddpm.data.chunked_output import ChunkedOutput
with ChunkedOutput(sys.argv[1], {"seed": 1}, 10, 4):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path):
    path = tmp_path / "out.hdf5"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=f"in use by another process .{holder.pid} on"), parts(path):
        pass
    holder.kill()
    holder.communicate()
    make(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.hdf5"]


def test_who_waited_for_the_lock_sees_what_was_finished_meanwhile(tmp_path, monkeypatch):
    path, looks = tmp_path / "out.hdf5", []
    late = parts(path)
    look = late._look

    def finish_first():
        looks.append(look())
        if len(looks) == 1:
            make(path)
        return looks[-1]

    monkeypatch.setattr(late, "_look", finish_first)
    with late:
        assert late.finished
    assert looks == [False, True]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.hdf5"]


def test_foreign_files_have_no_arguments(tmp_path):
    path = tmp_path / "out.hdf5"
    path.write_text("not HDF5")
    assert recorded_arguments(path) is None
    with pytest.raises(UserError, match="exists"), parts(path):
        pass
    assert json.dumps(path.read_text()) == '"not HDF5"'


def test_too_little_room_is_told_before_anything_is_made(tmp_path):
    with (
        parts(tmp_path / "out.hdf5") as opened,
        pytest.raises(RunError, match="bytes free, 20,000,000,000,000,000 needed"),
    ):
        opened.require_space(10**15)
    assert list(tmp_path.iterdir()) == []
