"""The model that comes with galddpm is the one of its card, and works from any folder."""

import re

import numpy as np
import pytest

import galddpm
from galddpm import runs
from galddpm.commands import sample
from galddpm.config.load import load_config
from galddpm.inference.model_file import ModelFile, model_fingerprint, model_path

CARD = (runs.SHIPPED / "mock.md").read_text()
LARGEST = 8_000_000  # bytes


def test_the_card_is_of_this_file():
    assert re.search(r"fingerprint `(\w+)`", CARD)[1] == model_fingerprint(model_path("mock"))
    assert model_path("mock").stat().st_size <= LARGEST


def test_it_is_of_the_config_of_its_name():
    held, config = ModelFile.read("mock").config, load_config("mock")
    parts = ("data", "scaling", "redshift", "process", "network", "sampling")
    assert all(getattr(held, part) == getattr(config, part) for part in parts)


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
