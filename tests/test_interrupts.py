"""Signals that ask a command to stop."""

import os
import signal
import sys
import time
from importlib import import_module

import numpy as np
import pytest

from galddpm.commands.shell import run_command
from galddpm.data.check import explain
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.subset import write_subset
from galddpm.interrupts import Terminated, answered, asked_to_save, raise_if_requested
from helpers.galaxies import write_simple


class Interrupted:
    """Is interrupted where Python ignores exceptions."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)


@pytest.fixture(autouse=True)
def in_the_foreground():
    """Tests that a shell started in the background ignore interrupts from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_that_python_ignores_stops_at_the_next_chunk(tmp_path, number, status):
    reached = []

    def main():
        with ChunkedOutput(tmp_path / "out.hdf5", {}, 9, 3) as parts:
            for rows in parts.missing():
                reached.append(rows.start)
                parts.save(rows, {"a": np.zeros(3)})
                Interrupted(number)

    assert run_command(main) == status
    assert reached == [0, 3]
    assert len(list(tmp_path.glob("out.hdf5.part/*.hdf5"))) == 1
    assert not (tmp_path / "out.hdf5.part" / ".lock").exists()


@pytest.mark.parametrize(
    ("number", "answer"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_is_answered_at_once(number, answer):
    with answered(), pytest.raises(answer):
        signal.raise_signal(number)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Imports a library that is terminated while it sets itself up for some seconds."""

    def load(seconds):
        (tmp_path / "half_made.py").write_text(
            "import signal, time\n"
            "signal.raise_signal(signal.SIGTERM)\n"
            f"time.sleep({seconds})\n"
            "whole = True\n"
        )
        import_module("half_made")

    monkeypatch.syspath_prepend(tmp_path)
    yield load
    assert sys.modules.pop("half_made").whole


@pytest.mark.parametrize("seconds", [0, 0.2])  # 0.2: the signal comes again meanwhile
def test_no_import_is_broken_off(library, seconds):
    """A library that sets itself up is left to finish; the signal is answered right after."""

    def use():
        library(seconds)
        time.sleep(10)

    with answered(), pytest.raises(Terminated):
        use()


def test_a_loop_need_not_wait_for_the_signal_to_come_again(library):
    with answered():
        library(0)
        with pytest.raises(Terminated):
            raise_if_requested()


def test_no_signal_comes_after_a_command_that_ended(library):
    """It would kill the process, whose command is done."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with answered():
            library(0)
        time.sleep(0.2)  # it would be sent again after a quarter of that
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == []


def test_what_a_library_makes_of_a_signal_is_still_the_signal():
    """tqdm, stopped while it makes its lock, fails to let go of it."""

    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise AttributeError("no lock")

    with pytest.raises(Terminated), answered():
        work()
    with pytest.raises(AttributeError), answered():
        raise AttributeError("no signal")


def test_handlers_are_put_back_and_old_requests_forgotten():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt), answered():
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with answered():
        raise_if_requested()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_ignores_stops_the_reading_of_a_file(tmp_path):
    source = write_simple(tmp_path / "whole.hdf5", 5, size=16)

    def progress(parts, **more):
        Interrupted(signal.SIGINT)
        return parts

    with answered(), pytest.raises(KeyboardInterrupt):
        list(explain(source, progress))
    with answered(), pytest.raises(KeyboardInterrupt):
        write_subset(source, tmp_path / "part.hdf5", None, None, None, 0, "", progress)
    assert not (tmp_path / "part.hdf5").exists()


def test_an_interrupt_that_is_ignored_from_the_start_stays_so():
    """As of a command that a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with answered():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
            raise_if_requested()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_request_to_save_is_asked_for_once_and_ends_with_the_command():
    before = signal.getsignal(signal.SIGUSR1)
    with answered():
        assert not asked_to_save()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert asked_to_save()
        assert not asked_to_save()
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) == before
    with answered():
        assert not asked_to_save()
