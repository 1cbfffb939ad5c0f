"""Signals that ask a command to stop, or to save what it has and go on, of which none is lost.

The exception of a signal handler appears wherever the program stands. Python ignores it within
callbacks, such as those of weak references. So a request is also remembered, and loops over chunks
or steps ask for it. Compiled libraries may abort where one appears while they set themselves up; a
signal that comes during an import is sent again a little later. SIGUSR1, which queues send before a
job's time is over, is remembered alone, until a training asks whether it is to save.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """A termination signal, raised where the program stands so that nothing is left half-done."""


ANSWERS: dict[int, type[BaseException]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
    signal.SIGHUP: Terminated,  # the terminal was closed, or the connection to it
}
IMPORT = "<frozen importlib"  # file names of the frames of an import begin so
LATER = 0.05  # [s]
_requested: list[type[BaseException]] = []
_sent_later: list[threading.Timer] = []
_to_save = threading.Event()


@contextmanager
def answered() -> Iterator[None]:
    """Within the block signals raise `ANSWERS`, whatever comes of that on the way out of it; one
    that was ignored from the start stays so."""
    before = {number: signal.getsignal(number) for number in (*ANSWERS, signal.SIGUSR1)}
    _requested.clear()
    _to_save.clear()
    for number in ANSWERS:
        if before[number] != signal.SIG_IGN:
            signal.signal(number, _answer)
    signal.signal(signal.SIGUSR1, lambda number, frame: _to_save.set())
    try:
        yield
    except Exception:
        raise_if_requested()  # a library that cleans up may have failed at it, half made
        raise
    finally:
        while _sent_later:  # none is to come after the command, which may have ended well
            _sent_later.pop().cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_if_requested() -> None:
    """Raise what a signal has asked for whose exception was lost."""
    if _requested:
        raise _requested[0]


def asked_to_save() -> bool:
    """Whether SIGUSR1 came since this was last asked."""
    asked = _to_save.is_set()
    _to_save.clear()
    return asked


def _answer(number: int, frame: FrameType | None) -> None:
    _requested.append(ANSWERS[number])
    if not _importing(frame):
        raise ANSWERS[number]
    main = threading.main_thread().ident
    _sent_later.append(threading.Timer(LATER, signal.pthread_kill, [main, number]))
    _sent_later[-1].start()


def _importing(frame: FrameType | None) -> bool:
    while frame and not frame.f_code.co_filename.startswith(IMPORT):
        frame = frame.f_back
    return frame is not None
