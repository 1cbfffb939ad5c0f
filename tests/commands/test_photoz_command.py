"""`galddpm photoz`: probabilities of redshifts of a file's galaxies."""

import h5py
import numpy as np
import pytest

import galddpm
from galddpm.commands import photoz, train
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import UserError
from galddpm.inference import posterior
from helpers.galaxies import write_simple
from helpers.trained import SMALL_CNN, train_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photoz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_small(folder, "runs/small")
        (folder / "cnn.yaml").write_text(SMALL_CNN)
        train.main(["--config", "cnn.yaml"])
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_the_file_holds_what_the_generator_says(capsys, monkeypatch):
    monkeypatch.setattr(photoz, "CHUNK", 2)
    photoz.main(["galaxies.hdf5", "--limit", "3", "--seed", "5"])
    galaxies = GalaxyFile("galaxies.hdf5")
    generator = galddpm.load("runs/small", device="cpu")
    grid, density = generator.redshift_posterior(galaxies.images([2]), 5, [2])
    with h5py.File("galaxies-photoz.hdf5") as file:
        found = {name: column[:] for name, column in file.items()}
    np.testing.assert_array_equal(found["grid"], grid)
    np.testing.assert_allclose(found["density"][2:], density, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(np.trapezoid(found["density"], grid, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found["specz_redshift"], galaxies.redshift[:3])
    np.testing.assert_array_equal(found["object_id"], galaxies.object_id[:3])
    assert (found["z_16"] < found["z_50"]).all()
    assert (found["z_50"] < found["z_84"]).all()
    head, *lines = capsys.readouterr().out.splitlines()[1:]
    assert head.split("  ")[-1].strip() == "redshift CNN"
    assert [line.split()[0] for line in lines] == [
        "nmad", "outlier_fraction", "covered_0.5", "covered_0.683", "covered_0.954", "pit_ks",
        "crps", "cde_loss",
    ]  # fmt: skip
    assert all(len(line.split()) == 3 for line in lines)


def test_the_same_command_tells_it_again_and_makes_nothing(capsys, monkeypatch):
    arguments = ["galaxies.hdf5", "--limit", "1", "--out", "again.hdf5"]
    photoz.main(arguments)
    first = capsys.readouterr().out
    monkeypatch.setattr(photoz, "estimate", None)
    photoz.main(arguments)
    assert capsys.readouterr().out == first


def test_densities_of_another_method_are_not_gone_on_with(monkeypatch):
    arguments = ["galaxies.hdf5", "--limit", "1", "--out", "method.hdf5"]
    photoz.main(arguments)
    monkeypatch.setattr(posterior, "TEMPERATURE", 1.0)
    with pytest.raises(UserError, match="method.hdf5: exists and was made otherwise"):
        photoz.main(arguments)


def test_mistakes_are_refused(folder):
    write_simple(folder / "large.hdf5", 3, size=24)
    for arguments, words in (
        (["large.hdf5"], r"found galaxies of \(5, 24, 24\), runs/small knows those of"),
        (["galaxies.hdf5", "--run", "runs/cnn"], "found a redshift model"),
        (["galaxies.hdf5", "--out", "photoz.fits"], "photoz.fits"),
        (["galaxies.hdf5", "--out", "galaxies.hdf5"], "galaxies.hdf5"),
        (["nowhere.hdf5"], "no such file"),
    ):
        with pytest.raises(UserError, match=words):
            photoz.main(arguments)
    assert not list(folder.glob("large-photoz*"))
