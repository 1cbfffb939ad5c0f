"""Training on the larger form of the files."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from galddpm import build
from galddpm.commands import train
from galddpm.config.load import load_config
from galddpm.diffusion.objective import NoiseLevels, Objective
from galddpm.errors import UserError
from galddpm.files import read_json, write_json
from galddpm.mock import MockSettings, make_mock
from galddpm.runs import log_records
from galddpm.tasks.denoising import Denoising
from helpers.models import SCALING
from helpers.paths import ROOT
from helpers.trained import train_small


@pytest.mark.slow
def test_the_recipe_for_127_pixels_trains_a_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, *_ = make_mock(tmp_path, {"training": 2}, MockSettings(pixels=127))
    files = [f"data.{split}={path}" for split in ("training", "validation", "testing")]
    step = ["training.images=1", "training.batch_size=1", "training.log_every=1"]
    small = ["network.channels=[16,16,16,16]", "network.bottleneck=16", "data.cache=memory"]
    settings = [part for key in [*files, *step, *small] for part in ("--set", key)]
    config = str(ROOT / "configs/galaxiesml-127.yaml")
    train.main(["--config", config, "--run-dir", "run", "--device", "cpu", *settings])
    (record,) = log_records("run")
    assert record["loss"] > 0


def test_a_run_that_learned_another_light_does_not_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_small(tmp_path, "run", "--set", "training.images=16")
    made = read_json(Path("run/provenance.json"))
    write_json(Path("run/provenance.json"), {k: v for k, v in made.items() if k != "light"})
    with pytest.raises(UserError, match="run: its light has changed since; choose --run-dir"):
        train_small(tmp_path, "run", "--set", "training.images=32")


@pytest.mark.parametrize(
    ("changes", "noise"),
    [
        (["sampling.spacing=uniform", "sampling.steps=50"], "uniform .* is 0"),
        (["sampling.spacing=karras", "sampling.sigma_min=0.001"], "karras .* is 0"),
    ],
)
def test_light_is_not_taken_where_it_was_not_learned(changes, noise):
    config = load_config("small", changes)
    with pytest.raises(UserError, match=f"{noise}.* times the sky's noise, and light"):
        build.make_sampler(config, SCALING)
    build.make_sampler(load_config("small"), SCALING)


def test_the_objective_is_that_of_the_config():
    """Every key away from its default, so that none can be forgotten."""
    process = ["huber_delta=7.0", "weighting=equal", "centre_weight_radius=9.0"]
    process += ["level_distribution=log_normal", "log_sigma_mean=0.7", "log_sigma_std=1.9"]
    settings = [*(f"process.{key}" for key in process), "redshift.jitter=0.03"]
    config = load_config("paper", [*settings, "conditions.dropout=0.2"])
    levels = NoiseLevels(build.make_schedule(config), "log_normal", 0.7, 1.9)
    expected = Objective(levels, 0.03, 7.0, "equal", 9.0, 0.2)
    found = Denoising(config).objective
    for one in fields(Objective):
        if one.name != "levels":
            assert getattr(found, one.name) == getattr(expected, one.name)
            assert getattr(found, one.name) != one.default
    drawn = [
        objective.levels.draw(64, torch.Generator().manual_seed(0), 0.0)
        for objective in (found, expected)
    ]
    assert torch.equal(drawn[0][1], drawn[1][1])


def test_the_loop_is_that_of_the_config(tmp_path):
    training = ["images=1000", "learning_rate=2e-3", "warm_up=100", "decay=cosine"]
    training += ["weight_decay=0.03", "clip=0.7", "ema_decay=0.9", "optimiser=muon"]
    network = ["channels=[8,8]", "bottleneck=8", "attention=[]", "blocks=1"]
    settings = [f"training.{key}" for key in training] + [f"network.{key}" for key in network]
    settings += ["data.bands=[g,r]", "data.image_size=8"]
    config = load_config("paper", settings)
    model = build.make_denoiser(config, SCALING, torch.device("cpu"))
    trainer = build.make_trainer(config, model, None, None, torch.device("cpu"), tmp_path)
    assert trainer.plan.clip == 0.7
    assert trainer.ema.decay == 0.9
    # half of the warm-up, its end, and half of the cosine to 0
    for images, share in ((50, 51 / 101), (100, 1.0), (550, 0.5), (1000, 0.0)):
        assert trainer.plan.rate(images) == pytest.approx(2e-3 * share, abs=1e-12)
    groups = [group for optimiser in trainer.optimisers for group in optimiser.param_groups]
    assert len(trainer.optimisers) == 2
    assert {group["weight_decay"] for group in groups} == {0.03}
