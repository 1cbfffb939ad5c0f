"""check, subset and fits; pack has a file of its own."""

import json

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from galddpm.commands import data
from galddpm.commands.shell import run_command
from galddpm.data.check import HUGE
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.subset import stratified_rows
from galddpm.data.survey import PIXEL_SCALE
from galddpm.errors import UserError
from galddpm.locks import locked
from helpers.galaxies import write_simple

COUNT = 60


@pytest.fixture
def path(tmp_path):
    path = write_simple(tmp_path / "whole.hdf5", COUNT, size=16)
    with h5py.File(path, "a") as file:
        file["specz_name"] = np.array([f"NAME-{row}" for row in range(COUNT)], dtype=bytes)
        file["x_coord_x"] = np.arange(2.0 * COUNT).reshape(COUNT, 2)
        file["g_major_axis"] = np.where(np.arange(COUNT) < 3, 0, 2.5)
        file["not_by_galaxy"] = np.arange(7)
        file.attrs["bands"] = "g,r,i,z,y"
    return path


def check(path, capsys):
    status = run_command(lambda: data.main(["check", str(path)]))
    return status, *capsys.readouterr()


def test_check_explains_a_good_file_and_counts_what_is_odd(path, capsys):
    with h5py.File(path, "a") as file:
        file["image"][4, 0, 0, 0] = 2 * HUGE
        file["image"][5, 1] = 0
        file["object_id"][1] = file["object_id"][0]
        file["object_id"][3] = file["object_id"][2] + 1
    status, out, err = check(path, capsys)
    assert (status, err) == (0, "")
    assert "60 galaxies, 5 bands, 16 x 16 pixels, float32" in out
    assert "object ids: 1 repeated; 1 would be lost if read as float64" in out
    assert "by band (morphology of zeros): g 3" in out
    assert "galaxies with a pixel beyond 3000 counts (artefacts, saturation): 1" in out
    assert "galaxies with a band of equal pixels: 1" in out
    assert out.endswith("can be used\n")


def test_check_names_the_first_fault(path, tmp_path, capsys):
    with h5py.File(path, "a") as file:
        file["image"][[7, 9], 0, 0, 0] = np.nan
    status, out, err = check(path, capsys)
    assert status == 2
    assert "60 galaxies, 5 bands" in out  # what is in it is said all the same
    assert "can be used" not in out
    assert err.startswith("error: ")
    assert "row 7 has a non-finite pixel (2 such galaxies)" in err
    status, _, err = check(tmp_path / "nowhere.hdf5", capsys)
    assert (status, "no such file" in err) == (2, True)
    with h5py.File(path, "a") as file:
        file["specz_redshift"][2] = -1
    assert "specz_redshift: row 2 is -1" in check(path, capsys)[2]


def test_a_subset_keeps_the_distribution():
    redshift = np.random.default_rng(0).gamma(2, 0.3, 10_000)
    rows = stratified_rows(redshift, 500, seed=1)
    assert len(np.unique(rows)) == 500
    quantiles = np.linspace(0.02, 0.98, 25)
    ranks = np.searchsorted(np.sort(redshift), np.quantile(redshift[rows], quantiles)) / 10_000
    assert np.abs(ranks - quantiles).max() < 2 / 500
    assert (stratified_rows(redshift, 500, seed=2) != rows).any()
    np.testing.assert_array_equal(stratified_rows(redshift, 10_000, seed=3), np.arange(10_000))


def test_a_subset_keeps_data_sets_and_their_types(path, tmp_path, capsys):
    out = tmp_path / "part.hdf5"
    command = ["subset", str(path), str(out), "--count", "25"]
    data.main(command)
    with h5py.File(path) as whole, h5py.File(out) as part:
        assert set(part) == set(whole) - {"not_by_galaxy"}
        rows = np.searchsorted(whole["object_id"][:], part["object_id"][:])
        for name in part:
            assert part[name].dtype == whole[name].dtype
            np.testing.assert_array_equal(part[name][:], whole[name][:][rows])
        assert part.attrs["bands"] == "g,r,i,z,y"
    before = out.read_bytes()
    data.main(command)
    assert out.read_bytes() == before
    said = capsys.readouterr()
    assert "nothing to do" in said.out
    assert said.err.splitlines() == [f"{path}, seed 0, into {out}"] * 2
    with pytest.raises(UserError, match="--overwrite"):
        data.main([*command, "--seed", "1"])
    data.main([*command, "--seed", "1", "--overwrite"])
    assert out.read_bytes() != before
    with pytest.raises(UserError, match="found 61, expected 1 to 60"):
        data.main(["subset", str(path), str(tmp_path / "more.hdf5"), "--count", "61"])


def test_a_subset_of_a_file_that_has_changed_is_another(path, tmp_path, capsys):
    """Other galaxies of the same number make a file of the same size."""
    out = tmp_path / "part.hdf5"
    command = ["subset", str(path), str(out), "--count", "25"]
    data.main(command)
    with h5py.File(path, "a") as file:
        file["object_id"][:] += 1000
    with pytest.raises(UserError, match="--overwrite"):
        data.main(command)
    data.main([*command, "--overwrite"])
    assert GalaxyFile(out).object_id.min() >= 1000


def test_fits_export_refuses_texts_for_places_and_bends_names_to_ascii(path, tmp_path):
    with h5py.File(path, "a") as file:
        file.attrs["bands"] = "g,r,i,z,\u00b5"
    out = tmp_path / "a.fits"
    data.main(["fits", str(path), "--out", str(out)])
    assert fits.getheader(out, "IMAGE")["BANDS"] == "g,r,i,z,?"
    with h5py.File(path, "a") as file:
        file["ra"] = np.array(["10:00:12.3"] * COUNT, dtype=bytes)
    with pytest.raises(UserError, match="ra: found .S10, expected numbers"):
        data.main(["fits", str(path), "--out", str(tmp_path / "b.fits")])


def test_two_halves_share_no_galaxy_and_have_the_same_redshifts(path, tmp_path):
    halves = []
    for half in (1, 2):
        out = tmp_path / f"half-{half}.hdf5"
        data.main(["subset", str(path), str(out), "--half", str(half)])
        halves.append(GalaxyFile(out))
    ids = [set(half.object_id.tolist()) for half in halves]
    assert ids[0] | ids[1] == set(GalaxyFile(path).object_id.tolist())
    assert not ids[0] & ids[1]
    first, second = (np.sort(half.redshift) for half in halves)
    assert (first <= second).all()
    assert (second[:-1] <= first[1:]).all()


def test_a_subset_of_a_range_of_redshifts_holds_all_of_them_and_no_others(path, tmp_path, capsys):
    out = tmp_path / "range.hdf5"
    with h5py.File(path) as whole:
        low, high = np.quantile(whole["specz_redshift"][:], [0.2, 0.7])
        inside = (whole["specz_redshift"][:] >= low) & (whole["specz_redshift"][:] < high)
        expected = whole["object_id"][:][inside]
    command = ["subset", str(path), str(out), "--redshifts", f"{low}:{high}"]
    data.main(command)
    with h5py.File(out) as part:
        np.testing.assert_array_equal(part["object_id"][:], expected)
    data.main(command)
    assert "nothing to do" in capsys.readouterr().out
    with pytest.raises(UserError, match="no galaxy has a redshift from 90 to 91"):
        data.main(["subset", str(path), str(tmp_path / "no.hdf5"), "--redshifts", "90:91"])


def test_the_input_is_never_overwritten(path, tmp_path):
    before = path.read_bytes()
    (tmp_path / "link.hdf5").symlink_to(path)
    for out in (path, tmp_path / "link.hdf5"):
        with pytest.raises(UserError, match="is also the input"):
            data.main(["subset", str(path), str(out), "--count", "5", "--overwrite"])
        with pytest.raises(UserError, match="is also the input"):
            data.main(["fits", str(path), "--out", str(out), "--overwrite"])
    assert path.read_bytes() == before


def test_what_another_process_is_writing_is_refused(path, tmp_path):
    commands = {"o.hdf5": ["subset", str(path)], "o.fits": ["fits", str(path), "--out"]}
    for name, command in commands.items():
        out = tmp_path / name
        with locked(out), pytest.raises(UserError, match="in use by another process"):
            data.main([*command, str(out)])
        assert not out.exists()


def test_an_output_is_named_after_what_it_will_be(path, tmp_path):
    (tmp_path / "table.csv").write_text("redshift,cutout\n0.5,a.fits\n")
    for command in (["subset", str(path)], ["pack", str(tmp_path / "table.csv")]):
        with pytest.raises(UserError, match="o.fits: found the suffix '.fits', expected .hdf5"):
            data.main([*command, str(tmp_path / "o.fits")])
    with pytest.raises(UserError, match="o.hdf5: found the suffix '.hdf5', expected .fits"):
        data.main(["fits", str(path), "--out", str(tmp_path / "o.hdf5")])


def test_a_fits_file_in_place_of_hdf5_is_named_as_such(path, tmp_path, capsys):
    data.main(["fits", str(path)])
    capsys.readouterr()
    assert "whole.fits: is a FITS file, expected HDF5" in check(tmp_path / "whole.fits", capsys)[2]


def test_fits_export_keeps_pixels_and_ids(path, tmp_path):
    data.main(["fits", str(path)])
    with fits.open(tmp_path / "whole.fits") as file:
        file.verify("exception")
        assert file["IMAGE"].data.shape == (COUNT, 5, 16, 16)
        np.testing.assert_array_equal(file["IMAGE"].data, GalaxyFile(path).images(slice(None)))
        assert file["IMAGE"].header["BUNIT"] == "count"
        assert file["IMAGE"].header["BANDS"] == "g,r,i,z,y"
        assert file["IMAGE"].header["MAGZERO"] == 27
    ids = Table.read(tmp_path / "whole.fits")["object_id"]
    assert ids.dtype.kind == "i"
    np.testing.assert_array_equal(ids, GalaxyFile(path).object_id)
    with pytest.raises(UserError, match="--overwrite"):
        data.main(["fits", str(path)])


@pytest.mark.parametrize("scale", [None, 0.2])
def test_stamps_of_fits_have_offsets_from_their_centre(path, tmp_path, scale):
    if scale:
        with h5py.File(path, "a") as file:
            file.attrs["pixel_scale"] = scale
    data.main(["fits", str(path)])
    wcs = WCS(fits.getheader(tmp_path / "whole.fits", "IMAGE"))
    assert wcs.world_axis_units[:2] == ["arcsec", "arcsec"]
    offset = (scale or PIXEL_SCALE) * 7.5
    # pixels and planes count from 0, bands from 1, rows of the table from 0
    np.testing.assert_allclose(wcs.pixel_to_world_values(7.5, 0, 2, 9), [0, -offset, 3, 9])
    np.testing.assert_allclose(wcs.pixel_to_world_values(15, 7.5, 0, 0), [offset, 0, 1, 0])


def test_texts_and_places_are_in_the_table_of_fits(path, tmp_path):
    text = json.dumps({"run": "it's & 'quoted'&", "list": ["&'"] * 200})
    with h5py.File(path, "a") as file:
        file.attrs["provenance"] = text
        file.attrs["citation"] = "Müller et al.\nin prep."
        file["ra"], file["dec"] = np.full(COUNT, 150.1), np.full(COUNT, 2.2)
    data.main(["fits", str(path)])
    table = Table.read(tmp_path / "whole.fits")
    assert table.meta["PROVENAN"] == text
    assert table.meta["CITATION"] == "M?ller et al. in prep."
    assert (table["ra"].unit, table["ra"][0]) == ("deg", 150.1)


def test_a_folder_where_a_file_is_meant_is_named_as_such(tmp_path):
    for command in (["fits"], ["check"], ["subset", "--count", "1"]):
        out = [str(tmp_path / "out.hdf5")] if command[0] == "subset" else []
        with pytest.raises(UserError, match=f"{tmp_path}: is a folder, expected an HDF5 file"):
            data.main([*command, str(tmp_path), *out])


def test_the_mock_command(tmp_path, capsys):
    arguments = ["mock", "--out", str(tmp_path), "--jobs", "1", "--seed", "3"]
    arguments += [f"--{split}=2" for split in data.SPLITS]
    data.main(arguments)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert said.err == f"6 mock galaxies, seed 3, into {tmp_path}\n"
    galaxies = GalaxyFile(tmp_path / "5x64x64_testing_with_morphology.hdf5", bands=5)
    assert len(galaxies) == 2
    assert galaxies.description.startswith("mock galaxies")


def test_a_subset_keeps_texts_of_any_length(tmp_path):
    path, out = write_simple(tmp_path / "whole.hdf5", 6), tmp_path / "part.hdf5"
    with h5py.File(path, "a") as file:
        file["specz_name"] = [f"{'galaxy' * number} {number}" for number in range(6)]
    data.main(["subset", str(path), str(out), "--count", "4"])
    with h5py.File(path) as whole, h5py.File(out) as part:
        rows = np.searchsorted(whole["object_id"][:], part["object_id"][:])
        np.testing.assert_array_equal(part["specz_name"][:], whole["specz_name"][:][rows])
