"""The loop and what it remembers."""

import json
import os
import signal

import numpy as np
import pytest
import torch

from galddpm.errors import RunError, UserError
from galddpm.interrupts import answered
from galddpm.training.checkpoint import Checkpoints, load_tensors, save_tensors
from galddpm.training.ema import Ema
from galddpm.training.learning_rate import learning_rate
from galddpm.training.log import Log, by_quartile
from galddpm.training.loop import Plan, Trainer
from galddpm.training.muon import Muon

CPU = torch.device("cpu")


def line(value=0.0):
    layer = torch.nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(value)
        layer.bias.fill_(value)
    return layer


def test_every_optimiser_follows_the_learning_rate(tmp_path):
    """Muon's matrices and AdamW's others, none of which keeps the peak."""
    made = trainer(tmp_path, optimisers=muon_and_adamw)
    for _ in range(3):
        rate = made.plan.rate(made.images_seen)
        made.train_step()
        groups = [group for optimiser in made.optimisers for group in optimiser.param_groups]
        assert {group["lr"] for group in groups} == {rate}


def noisy_fit(model, batch, generator, done):
    x, aim = batch
    error = model(x + 0.1 * torch.randn(x.shape, generator=generator)) - aim
    losses = error.square().mean(dim=1)
    return losses, {"t": x[:, 0]}


def batches(step):
    x = torch.linspace(-1, 1, 4)[:, None] * (1 + step % 3)
    return x, 2 * x + 1


def adamw(model):
    return [torch.optim.AdamW(model.parameters(), fused=True)]


def muon_and_adamw(model):
    matrices, others = ([p for p in model.parameters() if (p.ndim > 1) == m] for m in (True, False))
    settings = {"lr": 1e-3, "weight_decay": 0.01}
    return [Muon(matrices, **settings), torch.optim.AdamW(others, **settings, fused=True)]


def trainer(folder, images=40, loss=noisy_fit, data=batches, optimisers=adamw, **changes):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.GELU(), torch.nn.Linear(8, 1))
    options = {
        "images": images,
        "batch_size": 4,
        "rate": lambda seen: 0.05 / (1 + seen / 100),
        "clip": 1.0,
        "log_every": 8,
        "checkpoint_every": 16,
        "inspect_every": None,
        "seed": 3,
        "bf16": False,
    }
    plan, ema = Plan(**options | changes), Ema(model, 0.9)
    return Trainer(model, ema, optimisers(model), loss, data, plan, Checkpoints(folder), CPU)


def run(trainer, folder, stopped=lambda: False, inspect=lambda model, seen: None):
    log = Log(folder / "log.jsonl", trainer.images_seen)
    return trainer.run(log.write, lambda images: None, inspect, stopped)


def weights(trainer):
    return [p.detach().clone() for m in (trainer.model, trainer.ema.model) for p in m.parameters()]


def test_a_signal_saves_and_training_goes_on_as_it_would_have(tmp_path):
    """At the end of the step in which it comes, here the second of ten."""
    whole, asked, saved = trainer(tmp_path / "a"), trainer(tmp_path / "b"), []

    def look(images):
        saved.append(sorted(int(path.stem) for path in (tmp_path / "b").glob("*.safetensors")))
        if len(saved) == 2:
            os.kill(os.getpid(), signal.SIGUSR1)

    run(whole, tmp_path)
    with answered():
        assert asked.run(lambda record: None, look, lambda model, seen: None, lambda: False)
    assert saved[:5] == [[], [], [8], [8], [8, 16]]
    for one, other in zip(weights(whole), weights(asked), strict=True):
        assert torch.equal(one, other)


def test_equal_contents_make_equal_files(tmp_path):
    tensors = {name: torch.arange(3.0) for name in ("b", "a", "c")}
    metadata = {name: name for name in "abcdefgh"}
    for name in ("one", "other"):
        save_tensors(tmp_path / name, tensors, metadata)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert load_tensors(tmp_path / "one")[1] == metadata


def test_ema_with_constant_decay_is_a_geometric_series():
    ema = Ema(line(0.0), 0.9)
    ema.updates = 10_000  # past the warm-up
    for _ in range(7):
        ema.update(line(1.0))
    assert ema.model.weight.item() == pytest.approx(1 - 0.9**7, rel=1e-5)


def test_ema_warm_up_is_a_product():
    ema = Ema(line(1.0), 0.9999)
    expected = 1.0
    for n in range(12):
        ema.update(line(0.0))
        expected *= (1 + n) / (10 + n)
    assert ema.model.weight.item() == pytest.approx(expected, rel=1e-5)


def test_learning_rate_by_hand():
    def rate(seen, decay):
        return learning_rate(seen, peak=2.0, warm_up=100, images=300, decay=decay)

    assert rate(0, "constant") == pytest.approx(2 / 101)
    assert rate(50, "constant") == pytest.approx(2 * 51 / 101)
    assert [rate(seen, "constant") for seen in (100, 250)] == [2.0, 2.0]
    expected = [2.0, 1 + np.sqrt(0.5), 1.0, 0.0, 0.0]
    assert [rate(s, "cosine") for s in (100, 150, 200, 300, 400)] == pytest.approx(expected)
    with pytest.raises(ValueError, match="decay"):
        rate(200, "linear")


def test_training_lowers_the_loss_and_logs_it(tmp_path):
    t = trainer(tmp_path, images=1200)
    assert run(t, tmp_path)
    records = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["images_seen"] for record in records] == list(range(8, 1201, 8))
    assert records[-1]["loss"] < 0.1 * records[0]["loss"]
    assert {"loss", "grad_norm", "learning_rate", "images_per_second"} <= records[0].keys()
    assert len(records[0]["loss_by_t"]) == 4


def test_every_step_is_told_and_the_log_names_the_device(tmp_path):
    t, records, steps = trainer(tmp_path), [], []
    t.run(records.append, steps.append, lambda model, seen: None, lambda: False)
    assert steps == [4] * 10
    assert {record["device"] for record in records} == {"cpu"}


@pytest.mark.parametrize("optimisers", [adamw, muon_and_adamw])
def test_the_disk_that_checkpoints_need_is_known(tmp_path, optimisers):
    t = trainer(tmp_path, optimisers=optimisers)
    run(t, tmp_path)
    sizes = [sum(x.nbytes for x in load_tensors(path)[0].values())
             for path in tmp_path.glob("*.safetensors")]  # fmt: skip
    assert sizes == [t.disk_needed() / 3] * 2  # and one that is being written


@pytest.mark.parametrize("optimisers", [adamw, muon_and_adamw])
@pytest.mark.parametrize("stop_after", [3, 4, 7])
def test_resuming_gives_the_same_bits(tmp_path, stop_after, optimisers):
    whole = trainer(tmp_path / "whole", optimisers=optimisers)
    run(whole, tmp_path)
    first = trainer(tmp_path / "parts", optimisers=optimisers)
    run(first, tmp_path, stopped=lambda: first.step >= stop_after)
    second = trainer(tmp_path / "parts", optimisers=optimisers)
    assert second.resume()
    assert second.step == stop_after
    run(second, tmp_path)
    for expected, got in zip(weights(whole), weights(second), strict=True):
        assert torch.equal(expected, got)
    assert second.ema.updates == whole.ema.updates


@pytest.mark.parametrize("stop_after", [3, 4])
def test_resuming_with_dropout_gives_the_same_bits(tmp_path, stop_after):
    def thinned(model, batch, generator, done):
        x, aim = batch
        x = torch.nn.functional.dropout(x, 0.5)
        return noisy_fit(model, (x, aim), generator, done)

    whole, first, second = (
        trainer(tmp_path / name, loss=thinned) for name in ("whole", "parts", "parts")
    )
    run(whole, tmp_path)
    run(first, tmp_path, stopped=lambda: first.step >= stop_after)
    torch.manual_seed(99)  # what another process happens to have drawn
    assert second.resume()
    run(second, tmp_path)
    assert all(map(torch.equal, weights(whole), weights(second)))


def test_other_files_beside_the_checkpoints_are_none(tmp_path):
    t = trainer(tmp_path)
    run(t, tmp_path)
    save_tensors(tmp_path / "best.safetensors", {"a": torch.ones(1)}, {"loss": 1.0})
    assert Checkpoints(tmp_path).newest()[1]["images_seen"] == 40
    t.save()
    assert (tmp_path / "best.safetensors").exists()
    save_tensors(tmp_path / "000000000041.safetensors", {"a": torch.ones(1)}, {})
    assert Checkpoints(tmp_path).newest()[1]["images_seen"] == 40


def test_previews_leave_the_weights_alone(tmp_path):
    plain, drawn = trainer(tmp_path / "a"), trainer(tmp_path / "b", inspect_every=8)
    seen = []
    run(plain, tmp_path)
    run(drawn, tmp_path, inspect=lambda model, images: seen.append((images, model.training)))
    assert seen == [(images, False) for images in range(8, 41, 8)]
    for expected, got in zip(weights(plain), weights(drawn), strict=True):
        assert torch.equal(expected, got)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_non_finite_loss_never_reaches_a_checkpoint(tmp_path, bad):
    def poisoned(step):
        x, aim = batches(step)
        return (x * bad, aim) if step == 5 else (x, aim)

    t = trainer(tmp_path, data=poisoned)
    with pytest.raises(RunError, match="not finite before 24 images"):
        run(t, tmp_path)
    tensors, counters = Checkpoints(tmp_path).newest()
    assert counters["images_seen"] == 16
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_gradients_are_clipped(tmp_path):
    t = trainer(tmp_path, clip=1e-3, loss=lambda m, b, g, done: tuple_of(m, b, 1e6))
    before = weights(t)[0]
    _, _, norm = t.train_step()
    assert norm > 1e3
    assert torch.isfinite(weights(t)[0]).all()
    assert not torch.equal(before, weights(t)[0])
    exp_avg = t.optimisers[0].state_dict()["state"][0]["exp_avg"]  # 0.1 of the clipped gradient
    assert exp_avg.norm() <= 1.01e-4


def tuple_of(model, batch, factor):
    return factor * (model(batch[0]) - batch[1]).square().mean(dim=1), {}


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    t = trainer(tmp_path)
    run(t, tmp_path)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert [file.stem for file in files] == ["000000000032", "000000000040"]
    files[1].write_bytes(files[1].read_bytes()[:500])
    assert Checkpoints(tmp_path).newest()[1]["images_seen"] == 32
    files[0].write_bytes(b"")
    with pytest.raises(UserError, match="not a whole safetensors file"):
        Checkpoints(tmp_path).newest()
    assert Checkpoints(tmp_path / "empty").newest() is None


def test_a_pickle_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(UserError, match="pickled models are never opened"):
        load_tensors(path)


def test_saving_is_atomic(tmp_path):
    path = tmp_path / "model.safetensors"
    save_tensors(path, {"a": torch.ones(2)}, {"n": 1})
    with pytest.raises(TypeError):
        save_tensors(path, {"a": torch.zeros(2)}, {"n": object()})
    tensors, metadata = load_tensors(path)
    assert torch.equal(tensors["a"], torch.ones(2))
    assert metadata == {"n": 1}


def test_a_resumed_log_holds_each_counter_once(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [json.dumps({"images_seen": seen}) for seen in (8, 16, 24)]
    path.write_text("\n".join(lines) + '\n{"images_seen": 3')
    Log(path, images_seen=16).write({"images_seen": 24})
    kept = [json.loads(text)["images_seen"] for text in path.read_text().splitlines()]
    assert kept == [8, 16, 24]


def test_by_quartile():
    losses = np.arange(8.0)
    assert by_quartile(losses, losses) == [0.5, 2.5, 4.5, 6.5]
    assert by_quartile(losses, np.ones(8)) == [3.5, None, None, None]
