"""`galddpm data picture`: galaxies of several files at the same redshifts, one above the other."""

import h5py
import numpy as np
import pytest
from matplotlib.image import imread

from galddpm.commands import data
from galddpm.commands.picture import draw_picture, names_of
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.errors import UserError
from galddpm.evaluation.report.stamps import COLUMNS, GAP, SHOWN, TEXT
from helpers.galaxies import simple_galaxies, write_simple


def test_one_file_is_a_sheet_beside_it(tmp_path, capsys):
    path = write_simple(tmp_path / "some.hdf5", COLUMNS + 3, size=50)
    data.main(["picture", str(path), "--count", str(COLUMNS + 1)])
    assert capsys.readouterr().out == f"{tmp_path}/some.png: {COLUMNS + 1} galaxies of each file\n"
    height, width, _ = imread(tmp_path / "some.png").shape
    assert width == pytest.approx(COLUMNS * (SHOWN + GAP) - GAP, abs=1)
    assert height == pytest.approx(2 * (SHOWN + TEXT + GAP), abs=1)
    with pytest.raises(UserError, match="--overwrite"):
        data.main(["picture", str(path)])


def test_below_a_galaxy_stands_that_of_the_other_file_nearest_in_redshift(tmp_path):
    columns = simple_galaxies(2, size=50)
    columns["specz_redshift"] = np.array([0.2, 1.0])
    columns["image"][:] = 0
    columns["image"][1] = 1000.0  # white
    first, second = tmp_path / "a.hdf5", tmp_path / "b.hdf5"
    write_galaxies(first, columns)
    columns["specz_redshift"] = np.array([0.9, 0.3])
    write_galaxies(second, columns)
    assert draw_picture([first, second], 40, tmp_path / "ab.png") == 2
    seen = imread(tmp_path / "ab.png")[..., :3]
    rows = [TEXT + SHOWN // 2, SHOWN + 2 * TEXT + SHOWN // 2]
    bright = [[seen[row, SHOWN // 2 + k * (SHOWN + GAP)].min() > 0.5 for k in (0, 1)]
              for row in rows]  # fmt: skip
    assert bright == [[False, True], [True, False]]


def test_files_are_called_by_what_they_hold_where_that_tells_them_apart(tmp_path):
    titles = {"a-very-long-name-of-a-file-of-galaxies": "generated", "b": "generated", "c": "mock"}
    files = []
    for stem, title in titles.items():
        path = tmp_path / f"{stem}.hdf5"
        write_galaxies(path, simple_galaxies(2, size=50))
        with h5py.File(path, "a") as file:
            file.attrs["title"] = title
        files.append(GalaxyFile(path))
    assert names_of(files) == ["a-very-long-name-of-a-fil…", "b", "mock"]


def test_long_names_keep_what_tells_them_apart(tmp_path):
    stems = [f"galaxies-of-the-large-run-seed-{seed}" for seed in (1, 2)]
    files = [GalaxyFile(write_simple(tmp_path / f"{stem}.hdf5", 2, size=50)) for stem in stems]
    assert names_of(files) == ["…s-of-the-large-run-seed-1", "…s-of-the-large-run-seed-2"]


def test_what_cannot_be_drawn_is_refused_and_nothing_written(tmp_path):
    first = write_simple(tmp_path / "a.hdf5", 2, size=50)
    other = write_simple(tmp_path / "b.hdf5", 2, size=32)
    before = sorted(tmp_path.iterdir())
    for arguments, message in (
        ([first, other], r"b.hdf5: image: found stamps of \(5, 32, 32\)"),
        ([first, "--out", tmp_path / "a.jpg"], "found the suffix '.jpg', expected .png"),
        ([first, "--out", first], "is also the input"),
        ([tmp_path / "no.hdf5"], "no.hdf5: no such file"),
    ):
        with pytest.raises(UserError, match=message):
            data.main(["picture", *map(str, arguments)])
    assert sorted(tmp_path.iterdir()) == before
