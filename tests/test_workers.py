"""Processes that share work: all results, none kept, and what a killed one is told as."""

import os
import signal
import time

import pytest

from galddpm.errors import RunError
from galddpm.workers import results, worker_pool


def square(number):
    return number**2


def killed(number):
    os.kill(os.getpid(), signal.SIGKILL)


def interrupted(number):
    os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C, which reaches every process
    time.sleep(0.05)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_has_its_result(jobs):
    with worker_pool(jobs) as pool:
        assert dict(results(pool, square, range(20))) == {n: n**2 for n in range(20)}


def test_a_killed_worker_is_told_in_one_line():
    with pytest.raises(RunError, match="a worker process was killed"), worker_pool(2) as pool:
        list(results(pool, killed, range(4)))


def test_workers_leave_interrupts_to_the_first_process():
    with worker_pool(2) as pool:
        assert dict(results(pool, interrupted, range(4))) == {n: n for n in range(4)}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_the_threads_of_a_worker_are_one_and_the_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with worker_pool(2) as pool:
        assert dict(results(pool, os.getenv, ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])) == {
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
