"""A catalog on disk comes back as it was written, with units, whatever is in it."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from galddpm.evaluation.catalog.table import read_catalog, recorded_arguments, write_catalog
from galddpm.evaluation.measurement.stamp import FLAGS, NUMBERS

BANDS, MEASURED = ("g", "r", "i"), ("i", "g")


def made(count=7, features=True):
    """Columns, all different, and identity."""
    draw = np.random.default_rng(0)
    columns = {}
    for band in MEASURED:
        columns |= {f"{band}:{name}": draw.normal(size=count) for name in NUMBERS}
        columns |= {f"{band}:{name}": draw.integers(0, 2**15, count) for name in FLAGS}
        columns[f"{band}:status"] = draw.choice(["ok", "undetected", "edge"], count).astype("U10")
        columns[f"{band}:sersic_n"][:2] = np.nan
    for band in BANDS:
        columns |= {f"{band}:{kind}": draw.normal(size=count) for kind in ("asinh", "aperture")}
    if features:
        columns["features"] = draw.normal(size=(count, 3)).astype(np.float32)
    identity = {
        "row": np.arange(count),
        "object_id": 36_000_000_000_000_001 + np.arange(count, dtype=np.int64),
        "redshift": draw.uniform(0, 4, count),
    }
    return columns, identity


def write(path, columns, identity, arguments=None):
    """Write the columns, named BAND:COLUMN, as tables."""
    names = ("status", *FLAGS, *NUMBERS)
    tables = {band: {name: columns[f"{band}:{name}"] for name in names} for band in MEASURED}
    kinds = ("asinh", "aperture")
    light = {f"{kind}_{band}": columns[f"{band}:{kind}"] for kind in kinds for band in BANDS}
    tables["BRIGHTNESS"] = light
    write_catalog(path, tables, identity, arguments or {}, columns.get("features"))


@pytest.mark.parametrize("count", [7, 1, 0])
def test_what_was_written_is_read(tmp_path, count):
    columns, identity = made(count)
    write(tmp_path / "a.fits", columns, identity)
    found = read_catalog(tmp_path / "a.fits")
    assert len(found) == count
    np.testing.assert_array_equal(found.redshift, identity["redshift"])
    np.testing.assert_array_equal(found.object_id, identity["object_id"])  # no float64 holds these
    assert tuple(found.bands) == MEASURED  # the first one leads
    assert tuple(found.brightness) == tuple(found.aperture) == BANDS
    for band in MEASURED:
        assert set(found.bands[band]) == {*identity, "status", *FLAGS, *NUMBERS}
        for name in ("status", *FLAGS, *NUMBERS):
            np.testing.assert_array_equal(found.bands[band][name], columns[f"{band}:{name}"])
            assert found.bands[band][name].dtype.isnative
    for band in BANDS:
        np.testing.assert_array_equal(found.brightness[band], columns[f"{band}:asinh"])
        np.testing.assert_array_equal(found.aperture[band], columns[f"{band}:aperture"])
    np.testing.assert_array_equal(found.features, columns["features"])
    assert found.redshift.dtype.isnative


def test_without_a_redshift_cnn_there_are_no_features(tmp_path):
    write(tmp_path / "a.fits", *made(features=False))
    assert read_catalog(tmp_path / "a.fits").features is None


def test_other_programs_see_units_and_meanings(tmp_path):
    write(tmp_path / "a.fits", *made())
    table = Table.read(tmp_path / "a.fits", hdu="G", mask_invalid=False)
    for name, (unit, _) in NUMBERS.items():
        assert str(table[name].unit or "") == unit
    with fits.open(tmp_path / "a.fits") as units:
        names = [unit.name for unit in units]
    assert names == ["PRIMARY", "I", "G", "BRIGHTNESS", "FEATURES"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"b": [1, 0.1, None], "a": {"c": True}},
        {"path": "/data/" + "long/" * 80 + "it's & 'quoted' \\ \"twice\""},
        {"path": "spaces" + 60 * " " + "inside", "name": "µσ"},
    ],
)
def test_arguments_come_back_whatever_their_length(tmp_path, arguments):
    write(tmp_path / "a.fits", *made(), arguments)
    assert recorded_arguments(tmp_path / "a.fits") == arguments


@pytest.mark.parametrize("shift", range(4))
def test_quotes_where_a_long_argument_is_cut_are_kept(tmp_path, shift):
    """FITS cuts long values into cards, and the pattern repeats after another number of letters."""
    arguments = {"path": "x" * shift + "a'&' " * 80}
    write(tmp_path / "a.fits", *made(1, features=False), arguments)
    assert recorded_arguments(tmp_path / "a.fits") == arguments


def test_what_is_no_catalog_has_no_arguments(tmp_path):
    path = tmp_path / "a.fits"
    assert recorded_arguments(path) is None
    path.write_bytes(b"")
    assert recorded_arguments(path) is None
    path.write_text("no FITS at all\n" * 500)
    assert recorded_arguments(path) is None
    fits.PrimaryHDU(np.zeros(3)).writeto(path, overwrite=True)
    assert recorded_arguments(path) is None
    header = fits.Header({"ARGUMENT": "{broken"})
    fits.PrimaryHDU(header=header).writeto(path, overwrite=True)
    assert recorded_arguments(path) is None


def test_a_catalog_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write(tmp_path / "a.fits", *made(), {"first": 1})
    columns, identity = made()
    del columns["r:aperture"]
    with pytest.raises(KeyError):
        write(tmp_path / "a.fits", columns, identity, {"second": 2})
    assert recorded_arguments(tmp_path / "a.fits") == {"first": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.fits"]
