"""The installed package does without the clone what the scripts do within it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import h5py
import pytest

from galddpm import runs
from helpers.paths import ROOT

PARTS = ("pyproject.toml", "README.md", "LICENSE", "configs", "src")  # that a wheel is built from
TINY = (
    "training.images=8", "training.batch_size=4", "training.precision=fp32",
    "network.channels=[8, 8, 8, 8]", "network.bottleneck=8", "sampling.steps=2",
)  # fmt: skip


def run(folder, *command, **environment):
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the source distribution of a copy of the clone, which stays as it is."""
    copy = tmp_path_factory.mktemp("copy")
    unwanted = shutil.ignore_patterns("*.egg-info", "__pycache__")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, symlinks=True, ignore=unwanted)
        else:
            shutil.copy(ROOT / part, copy)
    build = "import sys, setuptools.build_meta as backend; print(backend.build_sdist('dist'))"
    sdist = run(copy, sys.executable, "-c", build).split()[-1]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    run(copy, *pip, "wheel", *offline, "--no-build-isolation", f"dist/{sdist}")
    (wheel,) = copy.glob("*.whl")
    run(copy, *pip, "install", *offline, "--target", "installed", str(wheel))
    return wheel


@pytest.mark.long
def test_the_wheel_holds_every_config_and_the_model(wheel):
    with zipfile.ZipFile(wheel) as file:
        held = {name.removeprefix("galddpm/") for name in file.namelist()}
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("*.yaml")}
    assert len(wanted) > 10
    models = {str(path.relative_to(runs.SHIPPED.parent)) for path in runs.SHIPPED.iterdir()}
    assert len(models) == 6
    assert wanted | models <= held


@pytest.mark.long
def test_the_wheel_makes_judged_galaxies_from_an_empty_folder(wheel, tmp_path):
    installed = wheel.parent / "installed"

    def galddpm(*arguments):
        program = str(installed / "bin" / "galddpm")
        return run(tmp_path, program, *arguments, PYTHONPATH=str(installed))

    where = "import galddpm; print(galddpm.__file__)"
    assert run(tmp_path, sys.executable, "-c", where, PYTHONPATH=str(installed)).startswith(
        str(installed)
    )
    few = ("--training", "8", "--validation", "1", "--testing", "3", "--jobs", "1")
    galddpm("data", "mock", *few)
    galddpm("train", "--config", "small", *(f"--set={setting}" for setting in TINY))
    galddpm("sample", "--redshifts", "0.5")
    galddpm("evaluate", "--statmorph", "0", "--jobs", "1")
    (samples,) = tmp_path.glob("runs/small/samples/*.hdf5")
    with h5py.File(samples) as file:
        assert file["image"].shape == (1, 5, 64, 64)
    (report,) = tmp_path.rglob("report.json")
    assert json.loads(report.read_text())["counts"]["generated"]["total"] == 1
