"""The redshift CNN: its loss by hand, its symmetry, and that it learns and stops."""

import json
import math

import numpy as np
import pytest
import torch

from galddpm.commands import train
from galddpm.errors import UserError
from galddpm.evaluation.photoz.cnn import (
    RedshiftCNN,
    central_light,
    predict,
    redshift_losses,
)
from galddpm.evaluation.photoz.metrics import constant_nmad, redshift_metrics
from galddpm.inference.generator import Generator
from galddpm.inference.photoz import Estimator
from galddpm.training.checkpoint import load_tensors
from galddpm.training.early_stopping import EarlyStopping
from galddpm.training.loop import Trainer
from helpers.galaxies import write_simple


def output(z: float, error: float) -> torch.Tensor:
    """What the network puts out for an estimate and an error of dz [gamma]."""
    return torch.tensor([[math.log1p(z), math.log(error)]])


def test_losses_by_hand():
    true = torch.tensor([1.0])
    # dz = (1.3 - 1) / 2 = gamma: HSC loss 1/2, Huber loss 1/2, |dz| as large as the error
    for huber in (True, False):
        assert redshift_losses(output(1.3, 1.0), true, huber).item() == pytest.approx(0.5, abs=1e-6)
    # dz = 4 gamma: Huber 4 - 1/2, HSC 16/17; the error falls short by 3, at a slope of 0.683
    huber = redshift_losses(output(2.2, 1.0), true, huber=True).item()
    hsc = redshift_losses(output(2.2, 1.0), true, huber=False).item()
    assert huber == pytest.approx(3.5 + 0.683 * 3, rel=1e-5)
    assert hsc == pytest.approx(16 / 17 + 0.683 * 3, rel=1e-5)
    # right, with an error that is 2 gamma too large, at a slope of 0.317
    right = redshift_losses(output(1.0, 2.0), true, huber=True).item()
    assert right == pytest.approx(0.317 * 2, rel=1e-5)


def test_the_error_head_does_not_move_the_estimate():
    found = output(1.5, 1.0).requires_grad_()
    redshift_losses(found, torch.tensor([1.0]), huber=False).sum().backward()
    dz = torch.tensor(0.25 / 0.15)
    slope = 2 * dz / (1 + dz**2) ** 2 * (2.5 / 2) / 0.15  # of the HSC loss alone, by ln(1 + z)
    assert found.grad[0, 0].item() == pytest.approx(slope.item(), rel=1e-4)


def test_central_light_of_a_bright_middle():
    pixels = torch.zeros(1, 2, 64, 64)
    pixels[:, 1, 28:36, 28:36] = 1.0
    light = central_light(pixels).view(-1, 2)
    assert light[:, 0].tolist() == [0, 0, 0, 0]
    assert light[:, 1].tolist() == pytest.approx([1, 1 / 4, 1 / 16, 1 / 64])


def test_an_estimate_has_the_symmetries_of_the_square():
    torch.manual_seed(0)
    model = RedshiftCNN(5, [8, 16], 12)
    torch.nn.init.normal_(model.last.weight)
    pixels = torch.randn(3, 5, 32, 32)
    one = predict(model, pixels)
    for turned in (pixels.flip(-1), torch.rot90(pixels, 1, dims=(2, 3))):
        for a, b in zip(one, predict(model, turned), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert (one[0] >= 0).all()
    assert (one[1] > 0).all()


def test_early_stopping_keeps_the_best_weights(tmp_path):
    losses = iter([3.0, 1.0, 2.0, 2.0])
    model = torch.nn.Linear(1, 1)
    stopping = EarlyStopping(lambda model: next(losses), 20, tmp_path / "best.safetensors")
    for seen in (10, 20, 30, 40):
        torch.nn.init.constant_(model.weight, seen)
        assert not stopping.exhausted(seen - 10)
        stopping(model, seen)
    assert stopping.exhausted(40)
    assert stopping.chosen(model).weight.item() == 20
    again = EarlyStopping(lambda model: 0.0, 20, tmp_path / "best.safetensors")
    assert again.summary() == {"loss": 1.0, "images_seen": 20}  # a resumed run goes on from there


CONFIG = """
task: redshift
data: {{training: {0}/training.hdf5, validation: {0}/validation.hdf5, testing: {0}/testing.hdf5,
  image_size: 32, symmetries: true}}
network: {{channels: [16, 32, 32], features: 32}}
early_stopping: {{check_every: 512, patience: 20}}
training: {{images: 10_240, batch_size: 32, learning_rate: 3e-3, warm_up: 512, decay: cosine,
  ema_decay: 0.98, log_every: 1024, checkpoint_every: 4096, precision: fp32}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redshift")
    for seed, (split, count) in enumerate(
        {"training": 1024, "validation": 128, "testing": 256}.items()
    ):
        write_simple(folder / f"{split}.hdf5", count, seed=seed, size=32)
    (folder / "cnn.yaml").write_text(CONFIG.format(folder))
    train.main(["--config", str(folder / "cnn.yaml"), "--run-dir", str(folder / "run")])
    return folder


@pytest.mark.slow
def test_a_trained_cnn_sees_redshifts(folder):
    from galddpm.data.galaxiesml import GalaxyFile

    galaxies = GalaxyFile(folder / "testing.hdf5")
    seen = Estimator.load(folder / "run")(galaxies.images(slice(None)))
    found = redshift_metrics(
        estimated=seen["z_phot"], true=galaxies.redshift, error=seen["z_phot_error"]
    )
    assert found["nmad"] < constant_nmad(galaxies.redshift) / 3
    assert 0.5 < found["covered"] < 0.85
    assert seen["features"].shape == (256, 32)


@pytest.mark.slow
def test_a_run_tells_its_best_look_and_is_finished(folder, capsys):
    best = json.loads((folder / "run" / "provenance.json").read_text())["best"]
    assert 0 < best["loss"] < 0.3
    assert best["images_seen"] % 512 == 0
    train.main(["--config", str(folder / "cnn.yaml"), "--run-dir", str(folder / "run")])
    assert "finished" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_bits(folder, monkeypatch):
    """Stopped after looks at the validation set, the last of them later than the checkpoint."""
    whole, run, train_step = folder / "whole", folder / "stopped", Trainer.train_step

    def interrupted(trainer):
        if trainer.images_seen == 1280:
            raise SystemExit  # as a kill: nothing more is saved
        return train_step(trainer)

    short = ["--set=training.images=2048", "--set=training.checkpoint_every=768"]
    command = ["--config", str(folder / "cnn.yaml"), *short, "--run-dir"]
    train.main([*command, str(whole)])
    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(SystemExit):
        train.main([*command, str(run)])
    names = {path.name for path in (run / "checkpoints").iterdir()}
    assert names == {"best.safetensors", "000000000768.safetensors"}
    monkeypatch.setattr(Trainer, "train_step", train_step)
    train.main([*command, str(run)])
    (expected, _), (got, _) = (load_tensors(place / "model.safetensors") for place in (whole, run))
    assert [name for name in expected if not torch.equal(expected[name], got[name])] == []
    best = [json.loads((place / "provenance.json").read_text())["best"]
            for place in (whole, run)]  # fmt: skip
    assert best[0] == best[1]


@pytest.mark.slow
def test_a_model_is_used_for_its_own_task(folder):
    with pytest.raises(UserError, match="found a redshift model, expected a diffusion model"):
        Generator.load(folder / "run")


@pytest.mark.slow
def test_bad_pixels_have_no_redshift_and_other_shapes_are_refused(folder):
    estimate = Estimator.load(folder / "run")
    flux = np.ones((2, 5, 32, 32), dtype=np.float32)
    flux[1, 2, 5, 5] = np.nan
    seen = estimate(flux)
    assert np.isfinite(seen["z_phot"]).tolist() == [True, False]
    with pytest.raises(UserError, match="trained on"):
        estimate(flux[:, :3])
