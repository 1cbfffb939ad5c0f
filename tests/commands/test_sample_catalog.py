"""`galddpm sample --catalog`: a galaxy for each row, with the magnitude that is asked there."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

import galddpm
from galddpm.commands import sample, train
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.errors import UserError
from helpers.galaxies import simple_galaxies
from helpers.trained import train_small

IMAGES = ("--set", "process.prediction=v", "--set", "sampling.ending=image")
ASKED = "conditions.columns={mag_i: [14, 28], radius: [1, 20]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_small(folder, "runs/plain")
        train.main(["--config", "small.yaml", "--run", "runs/images", *IMAGES])
        columns = simple_galaxies(40, size=16)
        magnitude = 27 - 2.5 * np.log10(columns["image"][:, 2].sum(axis=(1, 2)).clip(min=1))
        radius = np.linspace(2, 8, 40)
        write_galaxies(folder / "galaxies.hdf5", columns | {"mag_i": magnitude, "radius": radius})
        more = ["--set", ASKED, "--init-from", "runs/plain"]
        train.main(["--config", "small.yaml", "--run", "runs/asked", *more])
        masked = MaskedColumn([20.0, 21.0, 22.0], mask=[False, False, True])
        Table({"z": [0.2, 0.4, 0.6], "MAG_I": masked}).write(folder / "asked.csv")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_each_row_makes_its_galaxies():
    sample.main(["--catalog", "asked.csv", "--per-redshift", "2", "--out", "made.hdf5"])
    made = GalaxyFile("made.hdf5")
    generator = galddpm.load("runs/asked", device="cpu")
    asked = [20.0, 20.0, 21.0, 21.0, np.nan, np.nan]
    z = [0.2, 0.2, 0.4, 0.4, 0.6, 0.6]
    expected = generator.sample(z, conditions={"mag_i": asked})
    np.testing.assert_array_equal(made.images(slice(0, 6)), expected)
    np.testing.assert_array_equal(made.column("asked_mag_i"), asked)
    np.testing.assert_allclose(made.redshift, z)
    with h5py.File("made.hdf5") as file:
        assert "asked_radius" not in file
    unknown = generator.sample(z)  # a galaxy for which nothing is asked is that of its redshift
    np.testing.assert_array_equal(made.images([4, 5]), unknown[4:])
    assert np.abs(made.images([0]) - unknown[:1]).max() > 0


def test_a_file_of_galaxies_is_a_catalog():
    sample.main(["--catalog", "galaxies.hdf5", "--out", "again.hdf5"])
    source, made = GalaxyFile("galaxies.hdf5"), GalaxyFile("again.hdf5")
    for name in ("mag_i", "radius"):
        np.testing.assert_allclose(made.column(f"asked_{name}"), source.column(name), rtol=1e-6)
    np.testing.assert_array_equal(made.object_id, source.object_id)


def test_what_was_not_measured_is_not_asked(capsys):
    columns = simple_galaxies(3, size=16)
    columns |= {"i_cmodel_mag": np.array([20.0, np.inf, 21.0]), "i_half_light_radius": [0, 3, 2]}
    write_galaxies(Path("measured.hdf5"), columns)
    sample.main(["--catalog", "measured.hdf5", "--run", "runs/plain", "--out", "as-they.hdf5"])
    assert "i_half_light_radius: 1 of 3 are not within 1 to 8" in capsys.readouterr().err
    made, nan = GalaxyFile("as-they.hdf5"), np.nan
    np.testing.assert_array_equal(made.column("asked_i_cmodel_mag"), [20.0, nan, 21.0])
    np.testing.assert_array_equal(made.column("asked_i_half_light_radius"), [nan, 3, 2])


def test_redshifts_may_stand_in_a_column_of_any_name():
    Table({"zz": [0.2, 0.4], "mag_i": [20.0, 21.0]}).write("named.csv")
    sample.main(["--catalog", "named.csv:zz", "--out", "named.hdf5"])
    made = GalaxyFile("named.hdf5")
    np.testing.assert_allclose(made.redshift, [0.2, 0.4])
    np.testing.assert_array_equal(made.column("asked_mag_i"), [20.0, 21.0])


def test_another_magnitude_is_another_sample(capsys):
    sample.main(["--catalog", "asked.csv", "--out", "first.hdf5"])
    sample.main(["--catalog", "asked.csv", "--out", "first.hdf5"])
    assert "nothing to do" in capsys.readouterr().out
    Table({"z": [0.2, 0.4, 0.6], "mag_i": [19.0, 21.0, 22.0]}).write("other.csv")
    with pytest.raises(UserError, match="first.hdf5"):
        sample.main(["--catalog", "other.csv", "--out", "first.hdf5"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--catalog", "asked.csv", "--run", "runs/images"], "knows redshift alone"),
        (["--catalog", "asked.csv", "--run", "runs/plain"], "no column of what can be asked of"),
        (["--catalog", "too-bright.csv"], "i_cmodel_mag: found 5 in row 0"),
        (["--catalog", "bare.csv"], "y_cmodel_mag, i_half_light_radius, mag_i, radius"),
        (["--catalog", "bright.csv"], "mag_i: found 5 in row 0, expected 14 to 28"),
        (["--catalog", "text.csv"], "text.csv: mag_i: found <U5, expected a number a row"),
        (["--catalog", "nothing.csv"], "nothing.csv: no such file"),
    ],
)
def test_what_cannot_be_asked(arguments, message):
    Table({"z": [0.2]}).write("bare.csv", overwrite=True)
    Table({"z": [0.2], "mag_i": [5.0]}).write("bright.csv", overwrite=True)
    Table({"z": [0.2], "i_cmodel_mag": [5.0]}).write("too-bright.csv", overwrite=True)
    Table({"z": [0.2], "mag_i": ["faint"]}).write("text.csv", overwrite=True)
    with pytest.raises(UserError) as raised:
        sample.main([*arguments, "--out", "not.hdf5"])
    assert message in str(raised.value)
    assert not list(Path().glob("not.hdf5*"))
