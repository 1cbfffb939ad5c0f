"""What a result came from."""

import json
import platform
import subprocess

import numpy as np

from galddpm import provenance as origin
from galddpm.provenance import provenance


def test_provenance_tells_versions_and_what_the_caller_adds():
    found = provenance(seed=3, steps=[1, 2])
    assert (found["seed"], found["steps"]) == (3, [1, 2])
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["numpy"] == np.__version__
    assert found["commit"] is None or len(found["commit"]) == 40
    json.dumps(found, allow_nan=False)


def test_a_library_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(origin, "LIBRARIES", ("numpy", "no-such-library-anywhere"))
    assert set(provenance()["versions"]) == {"python", "numpy"}


def test_the_commit_of_somebody_elses_repository_is_not_ours(monkeypatch, tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    settings = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    commit = ["commit", "--quiet", "--allow-empty", "--message", "theirs"]
    subprocess.run(["git", "-C", str(tmp_path), *settings, *commit], check=True)
    monkeypatch.setattr(origin, "__file__", str(tmp_path / "provenance.py"))
    assert provenance()["commit"] is None


def test_without_git_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance()["commit"] is None
