"""Several processes make what one makes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from galddpm import processes
from galddpm.errors import UserError
from galddpm.evaluation.catalog import measure_file
from galddpm.runs import log_records
from galddpm.training.checkpoint import load_tensors
from helpers.galaxies import write_simple
from helpers.paths import ROOT
from helpers.together import draw, measure, train_to
from helpers.trained import SMALL

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
CONFIG = SMALL.replace("process: {", "process: {weighting: equal, ").replace(
    "log_every: 32",
    "log_every: 8, learning_rate: 3e-3, warm_up: 8",  # so that weights move
)


@pytest.fixture
def two(monkeypatch):
    """The second of two processes."""
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("WORLD_SIZE", "2"), ("RANK", "1")):
        monkeypatch.setenv(name, value)


def in_two_processes(folder):
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    script = str(ROOT / "tests/helpers/together.py")
    done = subprocess.run(
        [*TORCHRUN, script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_two_processes_make_what_one_makes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_simple(tmp_path / "galaxies.hdf5", 40, size=16)
    write_simple(tmp_path / "measured.hdf5", 3, seed=3)
    (tmp_path / "small.yaml").write_text(CONFIG)
    monkeypatch.setattr(measure_file, "CHUNK", measure_file.CHUNK)  # which `measure` changes

    in_two_processes(tmp_path)
    draw("both", "one.hdf5")
    measure("one.fits")
    for name in ("hdf5", "fits"):
        assert Path(f"one.{name}").read_bytes() == Path(f"two.{name}").read_bytes()

    train_to(80, "both")  # one process goes on where two have stopped
    train_to(80, "one")
    logs = [log_records(tmp_path / run) for run in ("one", "both")]
    for name in ("loss", "grad_norm", "loss_by_t", "loss_by_redshift"):
        first, second = ([record[name] for record in log] for log in logs)
        np.testing.assert_allclose(second, first, rtol=1e-5)
    assert [record["images_seen"] for record in logs[1]] == list(range(8, 81, 8))
    one, both = (load_tensors(tmp_path / run / "model.safetensors")[0] for run in ("one", "both"))
    assert one.keys() == both.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(both[name], tensor, rtol=0, atol=1e-4)


def test_a_share_is_a_part_of_the_rows(two):
    rows = np.arange(6)
    np.testing.assert_array_equal(processes.share(rows), [3, 4, 5])
    assert processes.share(torch.arange(6)).tolist() == [3, 4, 5]
    assert not processes.is_first()
    with pytest.raises(UserError, match=r"batch_size: found 5, expected a multiple of 2"):
        processes.share(np.arange(5))


def test_one_process_has_the_whole():
    assert processes.count() == 1
    assert processes.is_first()
    assert processes.greatest(7) == 7
    rows = torch.arange(5)
    assert processes.gathered(rows) is rows
