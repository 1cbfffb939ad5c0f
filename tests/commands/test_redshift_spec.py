"""Redshifts on the command line: lists, ranges, files and tables."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galddpm.commands.redshift_spec import read_spec
from galddpm.errors import UserError
from helpers.galaxies import write_simple

REDSHIFT = [0.25, 0.5, 1.75]
IDS = [36_400_000_000_000_001, 36_400_000_000_000_002, 7]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("0.1,-0.5", "found -0.5 in row 1"),
        ("0.1,nan", "found nan"),
        ("inf", "found inf"),
        ("1e39", "found 1e\\+39"),
        ("red", "expected a list"),
        ("0.1:0.5", "expected start:stop:count"),
        ("0.1:0.5:0", "expected start:stop:count"),
        ("nowhere.hdf5", "no such file"),
        ("nowhere.csv", "no such file"),
        ("nowhere.csv:z", "no such file"),
        ("nowhere.hdf5:z", "specz_redshift is used, found :z"),
        ("", "expected a list"),
        ("0:1:999999999999", "expected start:stop:count"),
        ("0:1:" + "9" * 5000, "expected start:stop:count"),
    ],
)
def test_impossible_redshifts_are_refused(spec, message):
    with pytest.raises(UserError, match=message):
        read_spec(spec)


def test_lists_and_ranges():
    np.testing.assert_array_equal(read_spec("0.1,0.5")[0], [0.1, 0.5])
    redshift, ids = read_spec("0.5:1.5:3")
    np.testing.assert_array_equal(redshift, [0.5, 1.0, 1.5])
    np.testing.assert_array_equal(ids, [0, 1, 2])


def test_a_long_list_of_redshifts_is_no_file_name():
    redshift, _ = read_spec(",".join(f"{z:.3f}" for z in np.linspace(0.1, 1, 500)))
    np.testing.assert_allclose(redshift, np.linspace(0.1, 1, 500), atol=5e-4)


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits"])
@pytest.mark.parametrize("name", ["redshift", "specz_redshift", "z", "REDSHIFT"])
def test_a_table_gives_its_redshifts_and_ids(tmp_path, suffix, name):
    path = tmp_path / f"table.{suffix}"
    Table({"name": ["a", "b", "c"], name: REDSHIFT, "object_id": IDS}).write(path)
    redshift, ids = read_spec(str(path))
    np.testing.assert_array_equal(redshift, REDSHIFT)
    assert ids.tolist() == IDS


def test_redshift_comes_before_z_which_may_be_a_band(tmp_path):
    path = tmp_path / "table.csv"
    Table({"z": [22.0, 23.0, 24.0], "redshift": REDSHIFT}).write(path)
    np.testing.assert_array_equal(read_spec(str(path))[0], REDSHIFT)
    np.testing.assert_array_equal(read_spec(f"{path}:z")[0], [22.0, 23.0, 24.0])


def test_of_a_fits_file_of_several_tables_the_first_is_read(tmp_path):
    tables = [fits.BinTableHDU(Table({"z": values})) for values in (REDSHIFT, [9.0])]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / "two.fits")
    np.testing.assert_array_equal(read_spec(str(tmp_path / "two.fits"))[0], REDSHIFT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "no column redshift or specz_redshift or z, found a, b; FILE:COLUMN"),
        ("z\n0.5\n-1\n", "z: found -1 in row 1"),
        ("id,z\n1,0.5\n2,\n", "z: found nan in row 1"),
        ("z\nhigh\n", "expected numbers"),
        ("z\n", "found no rows"),
        ("z,object_id\n0.5,a\n", "object_id: found gaps or text"),
        ("z,object_id\n0.5,1.5\n", "object_id: row 0 is 1.5"),
        ("z,y\n0.5\n0.5,1,2\n", "not readable as a table"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, content, message):
    (tmp_path / "table.csv").write_text(content)
    with pytest.raises(UserError, match=message):
        read_spec(str(tmp_path / "table.csv"))


def test_a_broken_fits_table_is_refused(tmp_path):
    (tmp_path / "table.fits").write_bytes(b"no FITS")
    with pytest.raises(UserError, match="table.fits: not readable as a table"):
        read_spec(str(tmp_path / "table.fits"))


def test_an_hdf5_file_gives_its_redshifts(tmp_path):
    path = write_simple(tmp_path / "galaxies.h5", 3, size=4)
    assert len(read_spec(str(path))[0]) == 3


@settings(derandomize=True, deadline=None, database=None)
@given(st.text("0123456789.:,-+einfa ", max_size=10))
def test_any_text_is_refused_or_gives_redshifts(text):
    try:
        redshift, _ = read_spec(text)
    except UserError:
        return
    assert len(redshift) >= 1
    assert np.isfinite(redshift).all()
    assert (redshift >= 0).all()
