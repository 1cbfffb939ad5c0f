"""Signals that ask a command to stop, of which none is lost.

The exception of a signal handler appears wherever the program stands. Python ignores it within
callbacks, such as those of weak references. So a request is also remembered, and loops over chunks
or steps ask for it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """A termination signal, raised where the program stands so that nothing is left half-done."""


ANSWERS: dict[int, type[BaseException]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}
_requested: list[type[BaseException]] = []


@contextmanager
def answered() -> Iterator[None]:
    """Within the block signals raise `ANSWERS`; one that was ignored from the start stays so."""
    before = {number: signal.getsignal(number) for number in ANSWERS}
    _requested.clear()
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _answer)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_if_requested() -> None:
    """Raise what a signal has asked for whose exception was lost."""
    if _requested:
        raise _requested[0]


def _answer(number: int, frame: FrameType | None) -> None:
    _requested.append(ANSWERS[number])
    raise ANSWERS[number]
