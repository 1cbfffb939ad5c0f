"""A model file gives back what was put in, and says what is wrong with one that is not ours."""

import json
import struct

import pytest
import torch

from galddpm.config.load import parse_config
from galddpm.errors import UserError
from galddpm.inference.model_file import ModelFile, model_path, save_model
from galddpm.runs import MODEL
from galddpm.training.checkpoint import load_tensors, save_tensors
from helpers.models import SCALING

REDSHIFTS = [0.01, 0.3, 0.61234567890123, 3.9]
SECTIONS = {
    "data": {"training": "a", "validation": "b", "testing": "c", "bands": ["g", "r"]},
    "training": {"images": 1000, "learning_rate": 1e-4},
}


def config(task="diffusion"):
    more = {"early_stopping": {"check_every": 512, "patience": 2}} if task == "redshift" else {}
    return parse_config({"task": task} | SECTIONS | more, "here")


def layer(value):
    made = torch.nn.Linear(2, 3)
    torch.nn.init.constant_(made.weight, value)
    torch.nn.init.constant_(made.bias, -value)
    return made


@pytest.fixture
def run(tmp_path):
    save_model(tmp_path / MODEL, config(), SCALING, REDSHIFTS, layer(1.5), layer(2.5))
    return tmp_path


def test_what_was_saved_is_read(run):
    found = ModelFile.read(run, "diffusion")
    assert found.path == run / MODEL
    assert found.config == config()
    assert found.scaling == SCALING
    assert found.redshifts == REDSHIFTS  # to the last digit
    assert ModelFile.read(run / MODEL, "diffusion").config == found.config


def test_a_model_knows_what_its_training_file_said_of_itself(run):
    assert ModelFile.read(run, "diffusion").trained_on == ""
    weights = layer(1.5), layer(2.5)
    save_model(run / MODEL, config(), SCALING, REDSHIFTS, *weights, "mock galaxies")
    assert ModelFile.read(run, "diffusion").trained_on == "mock galaxies"


def test_a_model_of_an_older_version_does_not_know(run):
    tensors, metadata = load_tensors(run / MODEL)
    del metadata["trained_on"]
    save_tensors(run / MODEL, tensors, metadata)
    assert ModelFile.read(run, "diffusion").trained_on == ""


def test_a_model_is_filled_with_the_averaged_or_the_last_weights(run):
    found = ModelFile.read(run, "diffusion")
    for weights, value in (("ema", 1.5), ("raw", 2.5)):
        model = found.fill(layer(0.0).train(), weights)
        assert (model.weight == value).all()
        assert (model.bias == -value).all()
        assert not model.training
    assert (found.fill(layer(0.0)).weight == 1.5).all()
    with pytest.raises(UserError, match="found 'best', expected one of ema, raw"):
        found.fill(layer(0.0), "best")


def test_weights_of_another_network_are_refused(run):
    with pytest.raises(UserError, match=f"{MODEL}: the weights do not fit"):
        ModelFile.read(run, "diffusion").fill(torch.nn.Linear(2, 4))


def test_the_file_of_a_folder_and_a_file_itself(tmp_path):
    assert model_path(tmp_path) == tmp_path / MODEL
    other = tmp_path / "other.safetensors"
    other.touch()
    assert model_path(str(other)) == other
    other.unlink()
    with pytest.raises(UserError, match="other.safetensors: no such run or model file; there are"):
        model_path(other)


@pytest.mark.parametrize(
    ("saved", "wanted"), [("diffusion", "redshift"), ("redshift", "diffusion")]
)
def test_a_model_of_another_task_is_refused(tmp_path, saved, wanted):
    save_model(tmp_path / MODEL, config(saved), SCALING, REDSHIFTS, layer(0.0), layer(0.0))
    with pytest.raises(UserError, match=f"found a {saved} model, expected a {wanted} model"):
        ModelFile.read(tmp_path, wanted)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        ModelFile.read(tmp_path, "diffusion")


def rewritten(run, change):
    tensors, metadata = load_tensors(run / MODEL)
    change(metadata)
    save_tensors(run / MODEL, tensors, metadata)


def test_what_the_metadata_lack_is_named(run):
    rewritten(run, lambda metadata: metadata.pop("scaling"))
    with pytest.raises(UserError, match="no galddpm model, its metadata lack scaling$"):
        ModelFile.read(run, "diffusion")


@pytest.mark.parametrize(
    "change",
    [
        lambda constants: constants.pop("mean"),
        lambda constants: constants.pop("sigma_data"),
        lambda constants: constants.update(colour="blue"),
    ],
)
def test_a_scaling_of_another_version_is_refused(run, change):
    rewritten(run, lambda metadata: change(metadata["scaling"]))
    with pytest.raises(UserError, match="scaling: of another version of galddpm"):
        ModelFile.read(run, "diffusion")


def test_a_config_of_another_version_is_refused(run):
    rewritten(run, lambda metadata: metadata["config"]["training"].update(momentum=0.9))
    with pytest.raises(UserError, match=f"{MODEL}: training.momentum: no such key"):
        ModelFile.read(run, "diffusion")


def test_a_config_that_is_no_object_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    metadata = {"config": [1], "scaling": {}, "redshifts": []}
    save_tensors(path, {"a": torch.zeros(1)}, metadata)
    with pytest.raises(UserError, match="found list, expected sections"):
        ModelFile.read(path, "diffusion")


def relabelled(path, **changes):
    """Rewrite what the header says of a tensor, whose bytes stay."""
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    header["ema.weight"].update(changes)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])


def test_a_tensor_of_another_kind_or_shape_is_refused_before_it_is_read(run):
    for changes, words in (
        ({"dtype": "I32"}, r"ema.weight: found I32 \[3, 2\], expected BF16 or F16 or F32 or F64"),
        ({"dtype": "F32", "shape": [2, 3]}, r"found F32 \[2, 3\], .*F64 \[3, 2\]$"),
    ):
        relabelled(run / MODEL, **changes)
        with pytest.raises(UserError, match=words):
            ModelFile.read(run, "diffusion").fill(layer(0.0))


def test_no_memory_is_taken_for_a_model_that_the_file_does_not_hold(run):
    found = ModelFile.read(run, "diffusion")
    asked = []

    def make(device):
        asked.append(device.type)
        return torch.nn.Linear(2**20, 2**20, device=device)  # 4 TB, but for meta

    with pytest.raises(UserError, match="the weights do not fit the config"):
        found.made(make, torch.device("cpu"))
    assert asked == ["meta"]


@pytest.mark.parametrize("redshifts", [[], "x", [None], [2.0, 1.0], [0.1, float("nan")]])
def test_redshifts_that_cannot_be_are_refused(run, redshifts):
    rewritten(run, lambda metadata: metadata.update(redshifts=redshifts))
    with pytest.raises(UserError, match="redshifts: found .*, expected rising numbers"):
        ModelFile.read(run, "diffusion")
