"""An exported model is small, draws what its run draws, and is started from."""

import json
import shutil

import h5py
import numpy as np
import pytest

import galddpm
from galddpm.commands import evaluate, export, sample, train
from galddpm.errors import UserError
from galddpm.training.checkpoint import load_tensors
from helpers.trained import train_small


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a trained model, in which the test stands."""
    monkeypatch.chdir(tmp_path)
    train_small(tmp_path, "runs/small", "--set=training.learning_rate=1e-3")
    return tmp_path


def test_an_exported_model_is_a_quarter_and_draws_the_same(folder):
    export.main(["runs/small", "mine.safetensors"])
    whole = (folder / "runs" / "small" / "model.safetensors").stat().st_size
    assert (folder / "mine.safetensors").stat().st_size < 0.5 * whole  # the rest is the metadata
    drawn, expected = (
        galddpm.load(name).sample([0.1, 0.4], seed=3) for name in ("mine.safetensors", "runs/small")
    )
    np.testing.assert_allclose(drawn, expected, atol=0.02 * expected.std())
    with pytest.raises(UserError, match="found raw, an exported model holds ema alone"):
        galddpm.load("mine.safetensors", weights="raw")


def test_mistakes_in_an_export(folder):
    with pytest.raises(UserError, match="runs/none: no such run"):
        export.main(["runs/none", "mine.safetensors"])
    with pytest.raises(UserError, match="expected a name that ends in .safetensors"):
        export.main(["runs/small", "mine.hdf5"])
    with pytest.raises(UserError, match="is also the input"):
        export.main(["runs/small", "runs/small/model.safetensors", "--overwrite"])
    (folder / "mine.safetensors").write_text("precious")
    with pytest.raises(UserError, match="exists; --overwrite replaces it"):
        export.main(["runs/small", "mine.safetensors"])
    assert (folder / "mine.safetensors").read_text() == "precious"


def test_a_training_starts_from_a_model(folder):
    export.main(["runs/small", "mine.safetensors"])
    start = ["--config", "small.yaml", "--run", "runs/more", "--init-from", "mine.safetensors"]
    train.main([*start, "--set", "training.images=8", "--set", "training.learning_rate=1e-12"])
    held, started = (
        load_tensors(path)[0]
        for path in ("runs/small/model.safetensors", "runs/more/model.safetensors")
    )
    for name in (name for name in held if name.startswith("ema.network.")):
        np.testing.assert_allclose(started[name], held[name], rtol=2e-3, atol=1e-6)
    assert "init_from" in json.loads((folder / "runs" / "more" / "provenance.json").read_text())


def test_a_changed_start_is_refused(folder):
    start = ["--config", "small.yaml", "--run", "runs/more", "--init-from", "runs/small"]
    train.main([*start, "--set", "training.images=8"])
    train.main(
        [
            "--config",
            "small.yaml",
            "--run",
            "runs/small",
            "--set",
            "training.images=128",
            "--set=training.learning_rate=1e-3",
        ]
    )
    with pytest.raises(UserError, match="its init_from has changed"):
        train.main(start)


def test_a_start_that_does_not_fit_is_refused(folder):
    start = ["--config", "small.yaml", "--run", "runs/more", "--init-from", "runs/small"]
    with pytest.raises(UserError, match="the weights do not fit the config"):
        train.main([*start, "--set", "network.blocks=2"])
    with pytest.raises(UserError, match="nowhere: no such run.* there are runs/small, mock"):
        train.main([*start[:-1], "nowhere"])
    with pytest.raises(UserError, match="a student starts from its teacher"):
        train.main([*start, "--set", "distillation.teacher=runs/small"])
    assert not (folder / "runs" / "more").exists()


def test_light_is_drawn_without_noise_of_the_instrument(folder):
    spec = ["--run", "runs/small", "--redshifts", "0.1,0.4", "--per-redshift", "20"]
    for noise in ("none", "instrument"):
        sample.main([*spec, "--noise", noise, "--out", f"{noise}.hdf5"])
    with h5py.File("none.hdf5") as light, h5py.File("instrument.hdf5") as image:
        noise, drawn = image["image"][:] - light["image"][:], light["image"][:]
        assert json.loads(light.attrs["provenance"])["noise"] == "none"
    generator = galddpm.load("runs/small")
    sky, photons = (
        np.array(values)[:, None, None]
        for values in (generator.scaling.sky, generator.scaling.photon_noise)
    )
    unit = noise / np.sqrt(sky**2 + photons * drawn.clip(min=0))
    assert unit.std(axis=(0, 2, 3)).tolist() == pytest.approx(5 * [1.0], abs=0.1)
    assert not np.allclose(noise[0], noise[1])
    np.testing.assert_array_equal(generator.sample([0.1], noise_id=[1], noise=False)[0],
                                  h5py.File("none.hdf5")["image"][1])  # fmt: skip


def test_a_share_of_the_noise(folder):
    """What twice the noise adds is twice what the noise adds; the light under both is the same."""
    generator = galddpm.load("runs/small")
    shares = (1e-9, 1, np.float64(2))
    faint, once, twice = (generator.sample([0.1, 0.4], noise=share) for share in shares)
    assert twice.dtype == np.float32
    np.testing.assert_allclose(twice - faint, 2 * (once - faint), rtol=1e-4, atol=1e-5)
    spec = ["--run", "runs/small", "--redshifts", "0.1,0.4", "--out", "twice.hdf5"]
    sample.main([*spec, "--noise", "2"])
    with h5py.File("twice.hdf5") as file:
        np.testing.assert_array_equal(file["image"][:], twice)
        assert json.loads(file.attrs["provenance"])["noise"] == 2
    with pytest.raises(UserError, match="noise: found -1, expected 0 to 1000"):
        sample.main([*spec, "--noise", "-1"])
    with pytest.raises(SystemExit):
        sample.main([*spec, "--noise", "loud"])


def test_images_with_their_noise_cannot_be_had_without(folder):
    image = ["--set", "sampling.ending=image", "--set", "process.prediction=edm"]
    train.main(["--config", "small.yaml", "--run", "runs/image", *image])
    with pytest.raises(UserError, match="runs/image.* draws images with their noise"):
        sample.main(["--run", "runs/image", "--redshifts", "0.1", "--noise", "none"])
    assert not (folder / "runs" / "image" / "samples").exists()


def test_samples_of_no_run_are_judged_against_a_named_file(folder):
    export.main(["runs/small", "mine.safetensors"])
    sample.main(["--run", "mine.safetensors", "--redshifts", "0.1", "--out", "drawn.hdf5"])
    shutil.rmtree("runs")
    with pytest.raises(UserError, match="drawn.hdf5: made by no run that is here; --real FILE"):
        evaluate.main(["--generated", "drawn.hdf5"])
