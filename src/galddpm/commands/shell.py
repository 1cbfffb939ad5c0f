"""What all commands share: the form of mistakes, exit statuses and progress bars."""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from tqdm import tqdm

from galddpm.errors import RunError, UserError
from galddpm.interrupts import Terminated, answered

LARGEST_COUNT = 10**8  # of anything that is counted on a command line


class Parser(argparse.ArgumentParser):
    """Argument parser whose mistakes end with one `error: ` line and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"error: {message}\n")


def run_command(main: Callable[[], None]) -> int:
    """Run a command's main function; its exit status.

    0 done; 2 a mistake of the user; 1 nobody's mistake; 130 interrupted; 143 terminated. The last
    line on standard error begins with `error: ` for 1 and 2, without a traceback.
    """
    warnings.showwarning = _show_warning
    try:
        with answered():
            main()
    except UserError as error:
        return _say(error, 2)
    except (RunError, OSError, MemoryError) as error:
        return _say(error, 1)
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        return _say(f"too little memory: {str(error).splitlines()[0]}", 1)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except Terminated:
        print("terminated; the same command goes on from here", file=sys.stderr)
        return 143
    return 0


def progress(
    iterable: Iterable[Any] | None = None, *, total: int | None = None, desc: str = "", **more: Any
) -> "tqdm[Any]":
    """A progress bar that is quiet when standard error is not a terminal."""
    return tqdm(iterable, total=total, desc=desc, disable=None, **more)


def tell(text: str) -> None:
    """A line on standard error, above the progress bars that stand there."""
    tqdm.write(text, file=sys.stderr)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Lets a command be told where to compute."""
    text = "cpu, cuda, cuda:N or mps; default: cuda where it is there, else cpu"
    parser.add_argument("--device", metavar="NAME", help=text)


def count(text: str) -> int:
    """The type of an argument that must be a whole number from 1."""
    value = int(text)
    if not 1 <= value <= LARGEST_COUNT:
        raise ValueError
    return value


def whole(text: str) -> int:
    """The type of an argument that may also be 0, such as a random seed."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise ValueError
    return value


def cores() -> int:
    """Cores this process may use, which on a shared machine are fewer than it has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


count.__name__, whole.__name__ = "whole number from 1", "whole number from 0"  # in messages


def _out_of_memory(error: RuntimeError) -> bool:
    """Whether torch found no memory, which on a CPU is a plain RuntimeError."""
    return type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error)


def _show_warning(message: Warning | str, *place: object, **more: object) -> None:
    """A warning as one line, without the place in the source."""
    print(f"warning: {message}", file=sys.stderr)


def _say(error: BaseException | str, status: int) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    print(f"error: {message}", file=sys.stderr)
    return status
