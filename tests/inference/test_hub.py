"""Models of the hub, by the hub's own client, from a cache as it keeps one: nothing is fetched."""

import shutil
import sys

import pytest

from galddpm import runs
from galddpm.commands import sample
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from galddpm.inference.model_file import model_path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache of a client that is told to ask nobody, with the model of someone/galaxies."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = tmp_path / "models--someone--galaxies"
    snapshot = model / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT)
    shutil.copy(runs.SHIPPED / "mock.safetensors", snapshot / runs.MODEL)
    return snapshot


def test_a_model_of_the_hub_is_loaded(cache):
    assert model_path("hf://someone/galaxies") == cache / runs.MODEL
    generator = Generator.load("hf://someone/galaxies", device="cpu")
    assert generator.config.data.image_size == 64


def test_samples_of_it_lie_here_and_not_in_the_cache(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = ["--redshifts", "0.5", "--steps", "1", "--device", "cpu"]
    sample.main(["--run", "hf://someone/galaxies", *few])
    assert len(list((tmp_path / "samples").glob("*.hdf5"))) == 1
    assert [path.name for path in cache.iterdir()] == [runs.MODEL]


@pytest.mark.parametrize("name", ["hf://someone/else", "hf://", "hf://a/b/c", "hf://no model"])
def test_what_is_not_there_is_refused(name):
    with pytest.raises(
        UserError, match=f"^{name}: no model.safetensors there, expected hf://owner"
    ):
        model_path(name)


def test_without_the_client_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match="huggingface_hub is not installed; pip install .*hub"):
        model_path("hf://someone/galaxies")
