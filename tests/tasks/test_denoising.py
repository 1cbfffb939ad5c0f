"""Training on the larger form of the files."""

from pathlib import Path

import pytest

from galddpm import build
from galddpm.commands import train
from galddpm.config.load import load_config
from galddpm.errors import UserError
from galddpm.files import read_json, write_json
from galddpm.mock import MockSettings, make_mock
from galddpm.runs import log_records
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
