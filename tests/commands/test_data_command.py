"""check, subset and fits."""

import h5py
import numpy as np
import pytest
from astropy.io import fits

from galddpm.commands import data
from galddpm.commands.shell import run_command
from galddpm.data.check import HUGE
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.subset import stratified_rows
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
    status, _, err = check(path, capsys)
    assert status == 2
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
    for command in (["subset", str(path), str(tmp_path / "o")], ["fits", str(path), "--out"]):
        arguments = [*command, str(tmp_path / "o")] if command[0] == "fits" else command
        with locked(tmp_path / "o"), pytest.raises(UserError, match="in use by another process"):
            data.main(arguments)
    assert not (tmp_path / "o").exists()


def test_fits_export_keeps_pixels_and_ids(path, tmp_path):
    data.main(["fits", str(path)])
    with fits.open(tmp_path / "whole.fits") as file:
        assert file["IMAGE"].data.shape == (COUNT, 5, 16, 16)
        np.testing.assert_array_equal(file["IMAGE"].data, GalaxyFile(path).images(slice(None)))
        assert file["IMAGE"].header["BUNIT"] == "count"
        assert file["IMAGE"].header["BANDS"] == "g,r,i,z,y"
        assert file["IMAGE"].header["MAGZERO"] == 27
        ids = file["GALAXIES"].data["object_id"]
        assert ids.dtype.kind == "i"
        np.testing.assert_array_equal(ids, GalaxyFile(path).object_id)
        assert "bands: g,r,i,z,y" in str(file[0].header["HISTORY"])
    with pytest.raises(UserError, match="--overwrite"):
        data.main(["fits", str(path)])


def test_the_mock_command(tmp_path, capsys):
    arguments = ["mock", "--out", str(tmp_path), "--jobs", "1", "--seed", "3"]
    arguments += [f"--{split}=2" for split in data.SPLITS]
    data.main(arguments)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert said.err == f"6 mock galaxies, seed 3, into {tmp_path}\n"
    path = tmp_path / "5x64x64_testing_with_morphology.hdf5"
    assert len(GalaxyFile(path, bands=5)) == 2
