"""The models that come with galddpm are those of their cards, and work from any folder."""

import re

import h5py
import numpy as np
import pytest

import galddpm
from galddpm import runs
from galddpm.commands import sample
from galddpm.config.load import load_config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import UserError
from galddpm.inference.model_file import ModelFile, model_fingerprint, model_path, shipped_for
from galddpm.mock.catalog import DESCRIPTION
from galddpm.runs import called
from galddpm.training.checkpoint import load_tensors, save_tensors
from helpers.galaxies import write_simple

NAMES = ("mock", "mock-student", "mock-redshift-cnn")
LARGEST = 8_000_000  # bytes


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_of_this_file(name):
    card = (runs.SHIPPED / f"{name}.md").read_text()
    assert re.search(r"[Ff]ingerprint `(\w+)`", card)[1] == model_fingerprint(model_path(name))
    assert model_path(name).stat().st_size <= LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_it_is_of_the_config_of_its_name(name):
    held, config = ModelFile.read(name).config.model_dump(), load_config(name).model_dump()
    assert {part for part in held if held[part] != config[part]} <= {"training"}


def test_it_is_what_a_training_on_mock_galaxies_goes_on_from():
    held, config = ModelFile.read("mock").config, load_config("quickstart")
    assert config.training.init_from == "mock"
    parts = ("scaling", "redshift", "process", "network", "sampling")
    assert all(getattr(held, part) == getattr(config, part) for part in parts)


@pytest.mark.parametrize(
    ("description", "size", "found"),
    [(DESCRIPTION, 64, "mock-redshift-cnn"), (DESCRIPTION, 127, None), ("real ones", 64, None)],
)
def test_its_redshift_cnn_judges_mock_galaxies_and_no_others(
    description, size, found, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:  # a run of that name which is not finished, as far as one can see
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("task: redshift\n")
    path = write_simple(tmp_path / "galaxies.hdf5", 2, size=size)
    with h5py.File(path, "a") as file:
        file.attrs["description"] = description
    model = shipped_for("redshift", GalaxyFile(path))
    assert (None if model is None else called(model)) == found


def test_mistakes_call_it_by_its_name():
    path = model_path("mock")
    assert galddpm.load(path, device="cpu").name == "mock"
    assert called("elsewhere/mock.safetensors") == "elsewhere/mock.safetensors"


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_path("mock") == runs.SHIPPED / "mock.safetensors"
    (tmp_path / "mock").write_text("something else")
    assert str(model_path("mock")) == "mock"
    (tmp_path / "mock").unlink()
    (tmp_path / "mock").mkdir()  # of galaxies, say
    assert model_path("mock") == runs.SHIPPED / "mock.safetensors"


def test_it_is_sampled_where_nothing_was_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sample.main(["--redshifts", "0.1", "--steps", "2", "--device", "cpu"])
    said = capsys.readouterr()
    assert "which knows mock galaxies alone" in said.err
    written = next((tmp_path / "samples").glob("*.hdf5"))
    assert str(written.relative_to(tmp_path)) in said.out


@pytest.mark.slow
def test_near_galaxies_are_larger_and_brighter_than_far_ones():
    """What any model of galaxies must know; a galaxy at .1 has some hundred times the light of one
    at 1.5."""
    light = galddpm.load("mock", device="cpu").sample(
        np.repeat([0.1, 1.5], 6), steps=8, noise=False
    )
    flux = light[:, 2, 16:48, 16:48].sum(axis=(1, 2))
    near, far = flux[:6], flux[6:]
    assert np.median(near) > 10 * np.median(far)
    sky = np.median(light[6:], axis=(0, 2, 3)) / np.array([0.031, 0.045, 0.055, 0.109, 0.209])
    assert (abs(sky) < 0.15).all()  # light alone: most of such stamps is dark


def test_light_of_another_version_is_not_taken_for_this_one(tmp_path):
    path = tmp_path / "old.safetensors"
    tensors, metadata = load_tensors(model_path("mock"))
    save_tensors(path, tensors, {k: v for k, v in metadata.items() if k != "light"})
    with pytest.raises(UserError, match="old.safetensors: of another version of galddpm"):
        galddpm.load(path)
