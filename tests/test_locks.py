"""Who works in a folder keeps others out, and leaves nothing behind."""

import os
import signal
import subprocess
import sys

import pytest

from galddpm import locks
from galddpm.errors import UserError
from galddpm.locks import locked, locked_folder


@pytest.mark.parametrize("hold", [locked_folder, locked])
def test_a_lock_excludes_and_leaves_nothing(tmp_path, hold):
    place = tmp_path / "a" / "b"
    with hold(place):
        with pytest.raises(UserError, match=f"b: in use by another process .{os.getpid()} on"):
            hold(place).__enter__()
        (place.parent / "kept").touch()
    with hold(place):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "kept"]


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    command = (
        "import os, sys, signal; from galddpm.locks import locked_folder\n"
        "with locked_folder(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", command, str(tmp_path / "run")])
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / ".lock").exists()
    with locked_folder(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_a_file_system_without_locks_warns_and_goes_on(tmp_path, monkeypatch):
    def none(file, operation):
        raise OSError(locks.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    with pytest.warns(UserWarning, match="has no locks"), locked_folder(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
