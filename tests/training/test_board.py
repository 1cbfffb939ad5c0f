"""What TensorBoard and Weights & Biases are shown, read from the files that they keep."""

import struct
import sys
import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from galddpm.errors import UserError
from galddpm.training.board import tensorboard, weights_and_biases

RECORD = {"images_seen": 8, "loss": 2.0, "loss_by_t": [1.0, None, 3.0, 4.0], "device": "cpu"}


def test_tensorboard_hides_what_a_resumed_run_repeats(tmp_path):
    show = tensorboard(tmp_path)
    show(RECORD)
    show(RECORD | {"images_seen": 16, "loss": 9.0})
    tensorboard(tmp_path, images_seen=8)(RECORD | {"images_seen": 16, "loss": 1.5})
    shown = EventAccumulator(str(tmp_path)).Reload()
    assert shown.Tags()["scalars"] == ["loss", "loss_by_t/1", "loss_by_t/3", "loss_by_t/4"]
    assert [(event.step, event.value) for event in shown.Scalars("loss")] == [(8, 2.0), (16, 1.5)]


def records(path):
    """The messages in a file of Weights & Biases: LevelDB's log format after seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, message = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768  # in this block, whose last bytes hold no header
        if left >= 7:
            _, length, kind = struct.unpack_from("<IHB", content, at)
            message += content[at + 7 : at + 7 + length]
            if kind in (1, 4):  # whole, or its last part
                yield Record.FromString(message)
                message = b""
        at += 7 + length if left >= 7 else left


def shown(file):
    """(run, [(step, {name: value})]) of a file of Weights & Biases; values as JSON."""
    run, history = None, []
    for record in records(file):
        if record.WhichOneof("record_type") == "run":
            run = record.run
        elif record.WhichOneof("record_type") == "history":
            items = {item.nested_key[0]: item.value_json for item in record.history.item}
            history.append((record.history.step.num, items))
    return run, history


def written(file):
    """The same, once the client, which writes in a process of its own, has come to an end: a little
    after the run on a busy machine."""
    for _ in range(100):
        if any(record.WhichOneof("record_type") == "exit" for record in records(file)):
            break
        time.sleep(0.1)
    return shown(file)


@pytest.fixture
def mode(monkeypatch):
    """Sets the client's mode, which it reads once in a process."""
    import wandb

    monkeypatch.setenv("WANDB_SILENT", "true")
    wandb.teardown()
    yield lambda name: monkeypatch.setenv("WANDB_MODE", name)
    wandb.teardown()


def test_weights_and_biases_are_told_each_record_of_one_run(tmp_path, mode):
    mode("offline")
    run = tmp_path / "small"
    with weights_and_biases(run, "galaxies", {"seed": 3}) as show:
        show(RECORD)
    with weights_and_biases(run, "galaxies", {"seed": 3}) as show:  # resumed before that record
        show(RECORD)
        show(RECORD | {"images_seen": 16, "loss": 1.5})
    first, second = sorted(run.glob("wandb/offline-run-*/*.wandb"))
    (began, told), (resumed, further) = written(first), written(second)
    assert (began.project, began.display_name) == ("galaxies", "small")
    assert began.run_id == resumed.run_id == (run / "wandb" / "id").read_text()
    assert {part.key: part.value_json for part in began.config.update}["seed"] == "3"
    names = {"loss", "loss_by_t/1", "loss_by_t/3", "loss_by_t/4"}
    assert [step for step, _ in told] == [8]
    assert {name for name in told[0][1] if not name.startswith("_")} == names
    assert [(step, float(items["loss"])) for step, items in further] == [(8, 2.0), (16, 1.5)]


def test_without_its_client_or_a_key_a_line_says_what_is_missing(tmp_path, mode, monkeypatch):
    mode("online")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(UserError, match="Weights & Biases cannot begin: No API key"):
        weights_and_biases(tmp_path, "galaxies", {}).__enter__()
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"wandb is not installed; pip install .*\[wandb\]"):
        weights_and_biases(tmp_path, "galaxies", {}).__enter__()
