"""`galddpm compare`: what was set otherwise, and from which image on it shows."""

import shutil

import pytest

from galddpm.commands import compare, train
from galddpm.errors import UserError
from helpers.trained import train_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run, and one that was trained the same way."""
    folder = tmp_path_factory.mktemp("compare")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_small(folder, "one")
        train.main(["--config", "small.yaml", "--run", "again"])
    return folder


def said(capsys, *runs):
    capsys.readouterr()
    compare.main([str(run) for run in runs])
    return capsys.readouterr().out.splitlines()


def test_runs_of_one_config_do_not_differ(folder, capsys):
    assert said(capsys, folder / "one", folder / "again") == ["no difference"]


def test_a_change_is_named_with_the_image_from_which_on_it_shows(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    decayed = ["--set=training.decay=cosine", "--set=training.warm_up=32"]
    train.main(["--config", "small.yaml", "--run", "other", *decayed])
    config = ["training.warm_up: 0, 32", 'training.decay: "constant", "cosine"']
    found = said(capsys, "one", "other")
    assert sorted(found[:2]) == sorted(config)
    assert found[2].startswith("logs: different at 32, losses ")
    assert found[3].startswith("model.safetensors: ")
    assert len(found) == 4


def test_logs_that_part_later_say_to_where_they_are_equal(folder, tmp_path, capsys):
    shutil.copytree(folder / "one", tmp_path / "changed")
    log = tmp_path / "changed" / "log.jsonl"
    first, second = log.read_text().splitlines(keepends=True)
    log.write_text(first + second.replace('"loss": ', '"loss": 1'))
    (line,) = said(capsys, folder / "one", tmp_path / "changed")
    assert line.startswith("logs: equal to 32 images and different at 64, losses ")
    log.write_text(first)
    assert said(capsys, folder / "one", tmp_path / "changed") == [
        "logs: equal in 1 lines, of 2 and 1"
    ]


def test_other_data_and_versions_are_named(folder, tmp_path, capsys):
    shutil.copytree(folder / "one", tmp_path / "changed")
    path = tmp_path / "changed" / "provenance.json"
    path.write_text(path.read_text().replace('"numpy": "', '"numpy": "0.'))
    (line,) = said(capsys, folder / "one", tmp_path / "changed")
    assert line.startswith('versions.numpy: "')


def test_what_is_no_run_is_refused(folder, tmp_path):
    with pytest.raises(UserError, match="nowhere: expected a run folder"):
        compare.main([str(folder / "one"), str(tmp_path / "nowhere")])
