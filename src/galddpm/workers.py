"""Processes that share the work of a command."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from signal import SIG_BLOCK, SIG_IGN, SIG_SETMASK, SIGINT, pthread_sigmask, signal
from typing import Any

from galddpm.errors import RunError

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def worker_pool(jobs: int) -> Iterator[Executor | None]:
    """Processes of one thread each; None for a single job, which needs no other process."""
    if jobs == 1:
        yield None
        return
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # read by the linear algebra when a process loads it
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_leave_interrupts)
    try:
        _start(pool, jobs)
        yield pool
    except BrokenProcessPool:
        raise RunError(
            "a worker process was killed (out of memory?); give the same command again, fewer"
            " --jobs need less"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def results(
    pool: Executor | None, work: Callable[[Any], Any], tasks: Sequence[Any]
) -> Iterator[tuple[Any, Any]]:
    """(task, work(task)) of each task as they get ready, in any order."""
    if pool is None:
        yield from ((task, work(task)) for task in tasks)
        return
    begun = {pool.submit(work, task): task for task in tasks}
    for done in as_completed(begun):
        yield begun.pop(done), done.result()  # a result that was taken is not kept


def _leave_interrupts() -> None:
    """An interrupt from the terminal reaches every process; only the first one answers it."""
    signal(SIGINT, SIG_IGN)


def _start(pool: ProcessPoolExecutor, jobs: int) -> None:
    """Start the processes with interrupts blocked, until each of them ignores them by itself."""
    before = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        for _ in range(jobs):
            pool.submit(int)  # a task starts a process
    finally:
        pthread_sigmask(SIG_SETMASK, before)
