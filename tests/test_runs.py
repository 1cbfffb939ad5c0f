"""Run folders: the newest one, its config, and JSON that is whole and strict."""

import os

import pytest

from galddpm import runs
from galddpm.errors import UserError


def made_run(root, name, at, task="diffusion"):
    folder = root / name
    folder.mkdir(parents=True)
    (folder / runs.MODEL).touch()
    os.utime(folder / runs.MODEL, (at, at))
    if task:
        (folder / "config.yaml").write_text(f"task: {task}\n")
    return folder


def test_the_newest_run_is_that_whose_model_was_written_last(tmp_path):
    made_run(tmp_path, "z_old", at=100)
    newest = made_run(tmp_path, "a_new", at=300)
    made_run(tmp_path, "middle", at=200)
    (tmp_path / "z_old" / "config.yaml").touch()  # looked at since
    assert runs.newest_run(tmp_path) == newest
    assert runs.newest_run(str(tmp_path)) == newest


def test_runs_of_another_task_or_without_a_model_are_passed_over(tmp_path):
    wanted = made_run(tmp_path, "images", at=100)
    cnn = made_run(tmp_path, "cnn", at=200, task="redshift")
    made_run(tmp_path, "no_config", at=300, task=None)
    made_run(tmp_path, "broken", at=400)
    (tmp_path / "broken" / "config.yaml").write_text("a: [1")
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "config.yaml").write_text("task: diffusion\n")
    assert runs.newest_run(tmp_path) == wanted
    assert runs.newest_run(tmp_path, "redshift") == cnn


def unfinished(root, name, at, seen=None):
    """A run that was stopped after `seen` of 100 images, with a model, or before it had one."""
    run = made_run(root, name, at)
    (run / "config.yaml").write_text("training: {images: 100}\n")
    (run / "provenance.json").write_text("{}" if seen is None else f'{{"images_seen": {seen}}}')
    if seen is None:
        (run / runs.MODEL).unlink()
        os.utime(run / "config.yaml", (at, at))
    return run


def test_an_unfinished_run_is_passed_over_and_named(tmp_path):
    unfinished(tmp_path, "older", at=100)
    finished = unfinished(tmp_path, "whole", at=200, seen=100)
    stopped = unfinished(tmp_path, "stopped", at=300, seen=40)
    begun = unfinished(tmp_path, "begun", at=400)
    said = []
    assert runs.newest_run(tmp_path, say=said.append) == finished
    assert said == [f"{run}: passed over, it is not finished" for run in (begun, stopped)]
    assert runs.newest_run(tmp_path) == finished
    (stopped / "provenance.json").write_text('{"images_seen": 40, "stopped_early": true}')
    assert runs.newest_run(tmp_path) == stopped


def test_a_run_whose_provenance_is_broken_is_no_hindrance(tmp_path):
    wanted = made_run(tmp_path, "whole", at=100)
    broken = made_run(tmp_path, "broken", at=200)
    (broken / "provenance.json").write_text("{")
    assert runs.newest_run(tmp_path) == wanted


def test_a_config_that_names_no_task_is_one_of_diffusion(tmp_path):
    run = made_run(tmp_path, "old", at=100)
    (run / "config.yaml").write_text("data: {}\n")
    assert runs.newest_run(tmp_path) == run


def test_without_a_run_the_folder_and_the_task_are_named(tmp_path):
    made_run(tmp_path, "cnn", at=200, task="redshift")
    with pytest.raises(UserError, match=f"{tmp_path}: no finished diffusion run"):
        runs.newest_run(tmp_path)
    with pytest.raises(UserError, match="nowhere: no finished redshift run"):
        runs.newest_run(tmp_path / "nowhere", "redshift")


def test_the_newest_samples_of_a_run(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path}: no samples"):
        runs.newest_samples(tmp_path)
    (tmp_path / "samples").mkdir()
    for name, at in (("b.hdf5", 100), ("a.hdf5", 300), ("c.hdf5", 200), ("d.txt", 400)):
        (tmp_path / "samples" / name).touch()
        os.utime(tmp_path / "samples" / name, (at, at))
    assert runs.newest_samples(tmp_path) == tmp_path / "samples" / "a.hdf5"


def test_a_config_is_read_or_refused_with_a_reason(tmp_path):
    with pytest.raises(UserError, match="config.yaml: no such file"):
        runs.read_config(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text("a: {b: 0.5}\n")
    assert runs.read_config(tmp_path) == {"a": {"b": 0.5}}
    for content in (b"a: [1", b"\xff\xfe\xfa"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not readable as YAML"):
            runs.read_config(tmp_path)
    for content in ("", "- 1\n", "word\n"):
        path.write_text(content)
        with pytest.raises(UserError, match="found no sections"):
            runs.read_config(tmp_path)
