"""Training on the larger form of the files."""

import pytest

from galddpm.commands import train
from galddpm.mock import MockSettings, make_mock
from galddpm.runs import log_records
from helpers.paths import ROOT


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
