"""Training and sampling as a user runs them: exit statuses, messages, nothing lost."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from functools import partial

import h5py
import numpy as np
import pytest
import torch
from astropy.table import Table

import galddpm
from galddpm import runs
from galddpm.commands import data, sample, train
from galddpm.commands.shell import run_command
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.devices import full_fp32
from galddpm.errors import UserError
from galddpm.training.checkpoint import load_tensors, save_tensors
from galddpm.training.loop import Trainer
from helpers.galaxies import write_simple
from helpers.paths import ROOT

SCRIPTS = ROOT / "scripts"
CONFIG = """
data:
  training: training.hdf5
  validation: training.hdf5
  testing: training.hdf5
  image_size: 16
process: {prediction: v, zero_terminal_snr: true}
network: {channels: [8, 16], bottleneck: 16, blocks: 1, attention: [8], heads: 2, embedding: 16}
training:
  images: 256
  batch_size: 8
  learning_rate: 1e-3
  precision: fp32
  checkpoint_every: 64
  log_every: 32
  preview_every: null
sampling: {sampler: ddim, steps: 4, batch_size: 4}
"""


def folder(path):
    path.mkdir(exist_ok=True)
    write_simple(path / "training.hdf5", 40, size=16)
    (path / "small.yaml").write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a finished run, for tests that only read it."""
    path = folder(tmp_path_factory.mktemp("trained"))
    done = script(path, "train.py", "--config", "small.yaml")
    assert done.returncode == 0, done.stderr
    return path


def start(path, name, *arguments):
    """A process of its own, which computes with as many threads as this one."""
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *arguments],
        cwd=path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        preexec_fn=heed_signals,
    )


def heed_signals():
    """Tests started by nohup, or in the background, would hand these on as ignored."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def script(path, name, *arguments):
    """What a script does, in this process."""
    command = partial({"train.py": train.main, "sample.py": sample.main}[name], arguments)
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.chdir(path), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            status = run_command(command)
        except SystemExit as ended:  # by the parser
            status = ended.code
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


def refused(done, *words):
    """The contract for a mistake: status 2, the last line an error, no traceback."""
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in last


def log(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_the_run_folder_holds_what_the_contract_says(trained):
    run = trained / "runs" / "small"
    held = {path.name for path in run.iterdir()}
    assert held == {
        "config.yaml", "provenance.json", "log.jsonl", "tensorboard", "checkpoints",
        "model.safetensors",
    }  # fmt: skip
    assert [record["images_seen"] for record in log(run)] == list(range(32, 257, 32))
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["versions"]["torch"] == torch.__version__
    assert len(provenance["data"]["fingerprint"]) == 32
    again = script(trained, "train.py", "--config", "small.yaml")
    assert (again.returncode, "finished" in again.stdout) == (0, True)


def killed_after_a_checkpoint(path, number):
    """The status of a training that gets a signal as soon as there is a checkpoint."""
    process = start(path, "train.py", "--config", "small.yaml", "--run-dir", "run")
    checkpoints = path / "run" / "checkpoints"
    deadline = time.monotonic() + 60
    while not list(checkpoints.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGINT])
def test_a_killed_run_goes_on_to_the_same_bits(trained, tmp_path, number):
    folder(tmp_path)
    for _ in range(4):  # on a busy machine a signal may come after the end, half a second later
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        status = killed_after_a_checkpoint(tmp_path, number)
        if status != 0:
            break
    assert status == {signal.SIGKILL: -9, signal.SIGHUP: 143, signal.SIGINT: 130}[number]
    done = script(tmp_path, "train.py", "--config", "small.yaml", "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    expected, metadata = load_tensors(trained / "runs" / "small" / "model.safetensors")
    got, got_metadata = load_tensors(tmp_path / "run" / "model.safetensors")
    assert got_metadata == metadata
    assert got.keys() == expected.keys()
    assert [name for name in got if not torch.equal(got[name], expected[name])] == []
    seen = [record["images_seen"] for record in log(tmp_path / "run")]
    assert len(seen) == len(set(seen))
    assert seen[-1] == 256


FREELY = (
    "data.cache=none",
    "training.log_every=64",
    "training.checkpoint_every=96",
    "training.preview_every=128",
    "sampling.batch_size=2",
)


def test_a_resumed_run_may_change_what_changes_no_result(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder(tmp_path))
    train.main(["--config", "small.yaml", "--run", "whole"])
    train.main(["--config", "small.yaml", "--set=training.images=128"])
    capsys.readouterr()
    changes = [f"--set={change}" for change in FREELY]
    train.main(["--config", "small.yaml", "--device", "cpu", *changes])
    took, resumed, places, line = capsys.readouterr().err.splitlines()
    assert took == "run runs/small, 40 galaxies of training.hdf5, cpu, seed 0"
    assert resumed == "goes on after 128 images"
    assert places.startswith("numbers in runs/small/log.jsonl, pictures in runs/small/previews, ")
    assert line.startswith("192 of 256 images, loss ")
    expected, got = (load_tensors(f"{run}/model.safetensors")[0] for run in ("whole", "runs/small"))
    assert [name for name in got if not torch.equal(got[name], expected[name])] == []
    run = tmp_path / "runs" / "small"
    assert {record["device"] for record in log(run)} == {"cpu"}
    origin = json.loads((run / "provenance.json").read_text())
    assert (origin["device"], origin["images_seen"]) == ("cpu", 256)


def test_a_device_or_a_cache_that_is_not_there_is_refused(trained, tmp_path):
    new = ["--config", "small.yaml", "--run", str(tmp_path / "new")]
    with contextlib.chdir(trained):
        with pytest.raises(UserError, match="^device: found cuda:99, this machine has cpu"):
            train.main([*new, "--device", "cuda:99"])
        with pytest.raises(UserError, match="^data.cache: found device"):
            train.main([*new, "--device", "cpu", "--set=data.cache=device"])
        with pytest.raises(UserError, match="^device: found cuda:99"):
            sample.main(["--redshifts", "0.1", "--run", "runs/small", "--device", "cuda:99"])
    assert not (tmp_path / "new").exists()


def test_mistakes_in_training_are_refused(trained, tmp_path):
    def attempt(*arguments):
        return script(trained, "train.py", *arguments)

    refused(attempt("--config", "small.yaml", "--resume", "never"), "already holds a run")
    refused(attempt("--config", "nowhere.yaml"), "nowhere.yaml", "no such file")
    refused(attempt("--config", "small.yaml", "--set", "seed=1"), "seed is 0, not 1")
    refused(attempt("--config"), "expected one argument")
    new = ["--config", "small.yaml", "--run-dir", str(tmp_path / "new")]
    refused(attempt(*new, "--set", "data.testing=no.hdf5"), "no.hdf5: no such file")
    larger = ("--set", "data.image_size=32", "--set", "network.attention=[]")
    refused(attempt(*new, *larger), "found 16x16 pixels", "image_size is 32")
    refused(attempt(*new, "--set", "data.bands=[g, r]"), "found 5 bands, expected 2")
    refused(attempt(*new, "--set", "sampling.steps=2000"), "found 2000", "from 1 to 1000")
    low = attempt(*new, "--set", "sampling.spacing=karras", "--set", "sampling.sigma_max=1e-9")
    refused(low, "sampling.sigma_max", "expected more than")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["process.steps=100000"], ["process: with steps 100000", "fewer steps"]),
        (["process.beta_start=1e-20"], ["process: with steps 1000", "beta_start 1e-20"]),
        (["process.beta_end=0.9999999"], ["beta_end 1 ", "other betas"]),
    ],
)
def test_schedules_beyond_rounding_are_refused(trained, tmp_path, settings, words):
    command = ["--config", str(trained / "small.yaml"), "--run-dir", str(tmp_path / "new")]
    with contextlib.chdir(trained), pytest.raises(UserError) as caught:
        train.main([*command, *(f"--set={setting}" for setting in settings)])
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_second_training_in_the_same_folder_is_refused(tmp_path):
    folder(tmp_path)
    long = ["--config", "small.yaml", "--set", "training.images=1000000"]
    first = start(tmp_path, "train.py", *long)
    wait_for(tmp_path / "runs" / "small" / ".lock")
    refused(script(tmp_path, "train.py", *long), "small: in use by another process")
    first.terminate()
    first.communicate(timeout=60)
    assert first.returncode == 143
    assert not (tmp_path / "runs" / "small" / ".lock").exists()


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.002)


def test_the_same_sample_command_twice_at_once(trained, tmp_path):
    """One ends well, the other is refused, and every galaxy is there."""
    spec = ["--redshifts", "0.3:0.9:200", "--run", "runs/small", "--out", str(tmp_path / "s.hdf5")]
    both = [start(trained, "sample.py", *spec) for _ in range(2)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in both]
    codes = sorted(code for _, code in ended)
    messages = " ".join(text for (out, err), _ in ended for text in (out, err))
    assert codes in ([0, 2], [0, 0])  # the second of two may come when the first is done
    assert ("in use by another process" in messages) == (codes == [0, 2])
    assert (
        np.abs(GalaxyFile(tmp_path / "s.hdf5").images(slice(None))).max(axis=(1, 2, 3)) > 0
    ).all()
    assert [path.name for path in tmp_path.iterdir()] == ["s.hdf5"]


@pytest.mark.parametrize("out", ["taken.hdf5", "file/s.hdf5", "x" * 300 + ".hdf5"])
def test_a_mistake_in_out_shows_before_anything_is_drawn(trained, tmp_path, monkeypatch, out):
    (tmp_path / "taken.hdf5").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr("galddpm.inference.generator.Generator.draw", None)
    with pytest.raises(UserError, match="expected the name of|expected a folder"):
        draw(trained, tmp_path / out, "--redshifts", "0.1")


def test_the_input_is_never_overwritten(trained, tmp_path):
    source = write_simple(tmp_path / "in.hdf5", 3, size=16)
    model = in_precision(trained, tmp_path, "fp32").rename(tmp_path / "model.h5")
    (tmp_path / "link.hdf5").symlink_to(source)
    before = source.read_bytes(), model.read_bytes()
    spec = ["--run", str(model), "--redshifts", str(source), "--overwrite"]
    for out in (source, model, tmp_path / "link.hdf5"):
        with pytest.raises(UserError, match="is also the input"):
            sample.main([*spec, "--out", str(out)])
    assert (source.read_bytes(), model.read_bytes()) == before


def test_too_little_memory_is_one_line(capsys):
    def greedy():
        torch.empty(2**50, dtype=torch.float64)

    for reason in (greedy, lambda: np.empty(2**50)):
        assert run_command(reason) == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("error: ")
        assert "allocate" in line


def test_too_little_memory_in_training_names_what_needs_less(tmp_path, monkeypatch):
    def greedy(trainer):
        torch.empty(2**50, dtype=torch.float64)

    monkeypatch.setattr(Trainer, "train_step", greedy)
    done = script(folder(tmp_path), "train.py", "--config", "small.yaml")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: too little memory: ")
    assert last.endswith("--set training.parts=8, or more, trains on in less")


def test_warnings_of_libraries_are_one_line(capsys):
    def main():
        warnings.warn("the disk is slow", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run_command(main) == 0
    assert capsys.readouterr().err == "warning: the disk is slow\n"


def test_changed_data_are_refused(tmp_path):
    folder(tmp_path)
    arguments = ["train.py", "--config", "small.yaml", "--set", "training.images=64"]
    assert script(tmp_path, *arguments).returncode == 0
    write_simple(tmp_path / "training.hdf5", 40, size=16, seed=9)
    arguments[-1] = "training.images=128"
    refused(script(tmp_path, *arguments), "training.hdf5", "not the data that")


def test_nan_pixels_name_row_and_key(tmp_path):
    folder(tmp_path)
    with h5py.File(tmp_path / "training.hdf5", "a") as file:
        file["image"][3, 0, 0, 0] = np.nan
    done = script(tmp_path, "train.py", "--config", "small.yaml")
    refused(done, "training.hdf5", "row 3", "data.non_finite: drop")
    drop = ("--set", "data.non_finite=drop", "--set", "training.images=16")
    assert script(tmp_path, "train.py", "--config", "small.yaml", *drop).returncode == 0


def test_a_non_finite_loss_ends_with_status_1(tmp_path):
    folder(tmp_path)
    done = script(
        tmp_path, "train.py", "--config", "small.yaml", "--set", "training.learning_rate=1e38"
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: the loss or its gradient")
    assert not (tmp_path / "runs" / "small" / "model.safetensors").exists()


def draw(trained, out, *arguments):
    sample.main(["--run", str(trained / "runs" / "small"), "--out", str(out), *arguments])
    with h5py.File(out) as file:
        return {name: file[name][:] for name in file}, dict(file.attrs)


def test_what_lies_under_runs_and_is_no_run_is_passed_over(trained, tmp_path):
    shutil.copytree(trained / "runs" / "small", tmp_path / "runs" / "mine")
    for name, config in {"empty": None, "list": "- a", "binary": "\0", "broken": "a: ["}.items():
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "model.safetensors").touch()
        if config:
            (tmp_path / "runs" / name / "config.yaml").write_text(config)
    (tmp_path / "runs" / "folder" / "config.yaml").mkdir(parents=True)
    (tmp_path / "runs" / "folder" / "model.safetensors").touch()
    assert runs.newest_run(tmp_path / "runs") == tmp_path / "runs" / "mine"


def test_a_sample_file_follows_the_schema(trained, tmp_path):
    columns, attributes = draw(
        trained, tmp_path / "s.hdf5", "--redshifts", "0.1:1.0:4", "--per-redshift", "2"
    )
    assert columns["image"].shape == (8, 5, 16, 16)
    assert columns["image"].dtype == np.float32
    assert {columns[name].dtype for name in ("object_id", "seed", "noise_id")} == {np.dtype("i8")}
    np.testing.assert_allclose(columns["specz_redshift"], np.repeat(np.linspace(0.1, 1, 4), 2))
    np.testing.assert_array_equal(columns["noise_id"], np.arange(8))
    provenance = json.loads(attributes["provenance"])
    assert (provenance["weights"], provenance["device"]) == ("ema", "cpu")
    assert provenance["versions"]["torch"] == torch.__version__
    assert "GalaxiesML" in attributes["citation"]
    assert len(GalaxyFile(tmp_path / "s.hdf5")) == 8


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpmpp_2m", "dpmpp_3m", "heun"])
def test_a_galaxy_does_not_depend_on_its_batch(trained, tmp_path, sampler, precision):
    """Bit for bit, and bfloat16 is where it differed most: by several times the sky's noise."""
    model = in_precision(trained, tmp_path, precision)
    spec = ["--redshifts", "0.3:0.9:11", "--sampler", sampler, "--seed", "5", "--run", str(model)]
    files = {}
    for size in (1, 5, 11):
        out = tmp_path / f"{size}.hdf5"
        sample.main([*spec, "--batch-size", str(size), "--out", str(out)])
        files[size] = GalaxyFile(out).images(slice(None))
    np.testing.assert_array_equal(files[1], files[11])
    np.testing.assert_array_equal(files[5], files[11])
    z = np.linspace(0.3, 0.9, 11)[[10, 4]]
    few = galddpm.load(model).sample(z, seed=5, noise_id=[10, 4], sampler=sampler)
    np.testing.assert_array_equal(few, files[11][[10, 4]])


def in_precision(trained, folder, precision):
    """The trained model as a file whose config samples in the given precision."""
    tensors, metadata = load_tensors(trained / "runs" / "small" / "model.safetensors")
    metadata["config"]["sampling"]["precision"] = precision
    save_tensors(folder / "model.safetensors", tensors, metadata)
    return folder / "model.safetensors"


def test_convolutions_in_fp32_are_not_rounded_to_tf32():
    before = torch.backends.cudnn.conv.fp32_precision
    with full_fp32():
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
    assert torch.backends.cudnn.conv.fp32_precision == before


def test_another_batch_size_leaves_a_finished_file_alone(trained, tmp_path, capsys):
    spec = ["--redshifts", "0.3:0.9:4"]
    draw(trained, tmp_path / "s.hdf5", *spec)
    draw(trained, tmp_path / "s.hdf5", *spec, "--batch-size", "3")
    assert "nothing to do" in capsys.readouterr().out


def test_seed_noise_and_redshift_each_matter(trained):
    model = galddpm.load(trained / "runs" / "small")
    first, second, other = model.sample([0.5, 0.5, 0.9], noise_id=[0, 1, 0])
    assert (first != second).any()
    assert (first != other).any()
    assert (model.sample([0.5], seed=1)[0] != first).any()
    assert (galddpm.load(trained / "runs" / "small", "raw").sample([0.5])[0] != first).any()


def test_the_average_is_saved_as_the_average(trained):
    run = trained / "runs" / "small"
    model, _ = load_tensors(run / "model.safetensors")
    state, _ = load_tensors(max((run / "checkpoints").glob("*.safetensors")))
    for kind, other in (("ema", "raw"), ("raw", "ema")):
        names = [name for name in model if name.startswith(f"{kind}.")]
        assert names
        assert all(torch.equal(model[name], state[name]) for name in names)
        assert any(not torch.equal(model[name], state[other + name[3:]]) for name in names)


def test_redshifts_from_a_file_keep_their_object_ids(trained, tmp_path):
    source = trained / "training.hdf5"
    columns, _ = draw(trained, tmp_path / "f.hdf5", "--redshifts", str(source))
    np.testing.assert_array_equal(columns["object_id"], GalaxyFile(source).object_id)
    np.testing.assert_array_equal(columns["specz_redshift"], GalaxyFile(source).redshift)


def test_redshifts_may_stand_apart(trained, tmp_path):
    out = tmp_path / "apart.hdf5"
    done = script(trained, "sample.py", "--redshifts", "0.1", "0.5,0.7", "--out", str(out))
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(GalaxyFile(out).redshift, [0.1, 0.5, 0.7])


def test_object_ids_of_a_sample_are_unique(trained, tmp_path):
    copies = ["--redshifts", "0.1,0.1,0.5", "--per-redshift", "2"]
    columns, _ = draw(trained, tmp_path / "copies.hdf5", *copies)
    np.testing.assert_array_equal(columns["object_id"], np.arange(6))
    np.testing.assert_array_equal(sample.unique_ids(np.array([7, 3, 5]), 1), [7, 3, 5])
    np.testing.assert_array_equal(sample.unique_ids(np.array([7, 3, 7]), 1), [0, 1, 2])


def test_the_citation_says_what_the_model_was_trained_on(trained, tmp_path):
    tensors, metadata = load_tensors(trained / "runs" / "small" / "model.safetensors")
    model = tmp_path / "model.safetensors"
    save_tensors(model, tensors, metadata | {"trained_on": "mock galaxies"})
    sample.main(["--run", str(model), "--redshifts", "0.5", "--out", str(tmp_path / "s.h5")])
    with h5py.File(tmp_path / "s.h5") as file:
        assert file.attrs["citation"] == "Trained on mock galaxies"


def test_a_training_file_describes_itself_to_the_model(tmp_path):
    folder(tmp_path)
    with h5py.File(tmp_path / "training.hdf5", "a") as file:
        file.attrs["description"] = "galaxies of a dream"
    done = script(tmp_path, "train.py", "--config", "small.yaml", "--set", "training.images=8")
    assert done.returncode == 0, done.stderr
    assert galddpm.load(tmp_path / "runs" / "small").trained_on == "galaxies of a dream"


def test_a_sample_is_read_as_a_table_of_fits(trained, tmp_path):
    columns, attributes = draw(trained, tmp_path / "s.hdf5", "--redshifts", "0.1:1.0:3")
    data.main(["fits", str(tmp_path / "s.hdf5")])
    table = Table.read(tmp_path / "s.fits")
    np.testing.assert_array_equal(table["specz_redshift"], columns["specz_redshift"])
    np.testing.assert_array_equal(table["noise_id"], columns["noise_id"])
    assert json.loads(table.meta["PROVENAN"]) == json.loads(attributes["provenance"])
    assert table.meta["CITATION"] == attributes["citation"]
    again, _ = draw(trained, tmp_path / "again.hdf5", "--redshifts", str(tmp_path / "s.fits"))
    np.testing.assert_array_equal(again["image"], columns["image"])


def test_an_output_that_is_not_named_as_hdf5_is_refused(trained, tmp_path):
    with pytest.raises(UserError, match="found the suffix '.fits', expected .hdf5 or .h5"):
        draw(trained, tmp_path / "s.fits", "--redshifts", "0.5")


def test_a_killed_sample_is_continued_and_a_finished_one_left_alone(
    trained, tmp_path, monkeypatch, capsys
):
    spec, saved = ["--redshifts", "0.3:0.9:10"], []
    whole, _ = draw(trained, tmp_path / "whole.hdf5", *spec)
    save = ChunkedOutput.save

    def killed(parts, rows, columns):
        if len(saved) == 2:
            raise KeyboardInterrupt
        save(parts, rows, columns)
        saved.append(rows)

    out = tmp_path / "parts.hdf5"
    monkeypatch.setattr(ChunkedOutput, "save", killed)
    assert run_command(lambda: draw(trained, out, *spec)) == 130
    assert len(list((tmp_path / "parts.hdf5.part").glob("*.hdf5"))) == 2
    monkeypatch.setattr(ChunkedOutput, "save", save)
    continued, _ = draw(trained, out, *spec)
    np.testing.assert_array_equal(continued["image"], whole["image"])
    assert not (tmp_path / "parts.hdf5.part").exists()
    before = out.read_bytes()
    capsys.readouterr()
    draw(trained, out, *spec)
    assert "nothing to do" in capsys.readouterr().out
    assert out.read_bytes() == before
    with pytest.raises(UserError, match="--overwrite"):
        draw(trained, out, *spec, "--seed", "1")
    replaced, _ = draw(trained, out, *spec, "--seed", "1", "--overwrite")
    assert (replaced["image"] != whole["image"]).any()


def test_more_galaxies_than_any_disk_holds_are_refused(trained, tmp_path):
    with pytest.raises(UserError, match="200,000,000,000 galaxies"):
        draw(trained, tmp_path / "s.hdf5", "--redshifts", "0:1:2000", "--per-redshift", "100000000")


def test_an_unfinished_run_is_passed_over(trained, tmp_path, monkeypatch, capsys):
    shutil.copytree(trained / "runs" / "small", tmp_path / "runs" / "whole")
    shutil.copytree(trained / "runs" / "small", tmp_path / "runs" / "stopped")
    (tmp_path / "runs" / "stopped" / "provenance.json").write_text('{"images_seen": 8}')
    os.utime(tmp_path / "runs" / "stopped" / "model.safetensors")  # written last
    monkeypatch.chdir(tmp_path)
    sample.main(["--redshifts", "0.5"])
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "runs/stopped: passed over, it is not finished"
    assert said[1].startswith("run runs/whole, ")


def test_mistakes_in_sampling_are_refused(trained, tmp_path):
    before = sorted(trained.rglob("*"))

    def attempt(*arguments):
        return script(trained, "sample.py", *arguments)

    refused(attempt("--redshifts", "0.1", "--steps", "0"), "--steps", "'0'")
    refused(attempt("--redshifts", "0.1", "--steps", "1001"), "steps: found 1001", "1000")
    refused(attempt("--redshifts", "0.1", "--run", "nowhere"), "nowhere", "no such run")
    refused(attempt("--redshifts", "0.1", "--sampler", "euler"), "euler")
    run = tmp_path / "run"
    run.mkdir()
    torch.save({"model": torch.ones(3)}, run / "model.safetensors")
    refused(attempt("--redshifts", "0.1", "--run", str(run)), "model.safetensors", "pickled")
    by_the_shipped_model = script(tmp_path, "sample.py", "--redshifts", "9.5")
    refused(by_the_shipped_model, "found 9.5", "--extrapolate")
    assert sorted(trained.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_newest_run_is_used_and_odd_redshifts_warn(trained):
    done = script(trained, "sample.py", "--redshifts", "2.5")
    assert done.returncode == 0, done.stderr
    warning, took = done.stderr.splitlines()
    assert warning.startswith("warning: 1 of 1 redshifts lie outside the training range")
    assert took == "run runs/small, ddim in 4 steps, cpu, seed 0"
    assert len(list((trained / "runs" / "small" / "samples").glob("*.hdf5"))) == 1


def test_redshifts_far_outside_the_training_need_a_word(trained, tmp_path):
    out, spec = tmp_path / "s.hdf5", ["--redshifts", "0.5,9.5"]
    with pytest.raises(UserError, match="found 9.5, expected 0 to 3.41.*--extrapolate"):
        draw(trained, out, *spec)
    assert not out.exists()
    columns, _ = draw(trained, out, *spec, "--extrapolate")
    np.testing.assert_array_equal(columns["specz_redshift"], [0.5, 9.5])


def test_an_unfinished_run_says_how_far_it_is(trained, tmp_path):
    run = tmp_path / "student"
    shutil.copytree(trained / "runs" / "small", run)
    (run / "model.safetensors").unlink()
    shutil.rmtree(run / "checkpoints")
    (run / "log.jsonl").write_text('{"images_seen": 96}\n{"images_se')
    with pytest.raises(UserError, match="student: has no model yet, .* 96 of 256 images"):
        sample.main(["--run", str(run), "--redshifts", "0.5"])
    (run / "log.jsonl").unlink()
    with pytest.raises(UserError, match=" 0 of 256 images"):
        sample.main(["--run", str(run), "--redshifts", "0.5"])


def test_a_longer_run_goes_on(tmp_path):
    folder(tmp_path)
    for images in (64, 128):
        train.main(
            ["--config", str(tmp_path / "small.yaml"), "--run-dir", str(tmp_path / "run")]
            + ["--set", f"training.images={images}"]
            + [f"--set=data.{split}={tmp_path}/training.hdf5" for split in
               ("training", "validation", "testing")]
        )  # fmt: skip
    assert [record["images_seen"] for record in log(tmp_path / "run")] == [32, 64, 96, 128]


def test_previews_are_drawn(tmp_path):
    folder(tmp_path)
    done = script(
        tmp_path, "train.py", "--config", "small.yaml",
        "--set", "training.images=64", "--set", "training.preview_every=64",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "small" / "previews" / "000000000064.png").stat().st_size > 2000
