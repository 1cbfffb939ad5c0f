"""What all commands share: the form of mistakes, exit statuses and progress bars."""

import argparse
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from tqdm import tqdm

from galddpm import processes
from galddpm.errors import RunError, UserError
from galddpm.interrupts import Terminated, answered

LARGEST_COUNT = 10**8  # of anything that is counted on a command line
DEFAULT = "default: %(default)s"  # in the help of an option


class Parser(argparse.ArgumentParser):
    """Argument parser whose mistakes end with one `error: ` line and exit status 2.

    examples: commands that the help ends with, each as one would type it.
    """

    def __init__(self, *, examples: Sequence[str], **more: Any):
        super().__init__(**more)
        self.examples = examples

    def format_help(self) -> str:
        return super().format_help() + "\n  ".join(["\nexamples:", *self.examples]) + "\n"

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"error: {message}\n")


def run_command(main: Callable[[], None]) -> int:
    """Run a command's main function; its exit status.

    0 done; 2 a mistake of the user; 1 nobody's mistake; 130 interrupted; 143 terminated. The last
    line on standard error begins with `error: ` for 1 and 2, without a traceback.
    """
    warnings.showwarning = _show_warning
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded. Threads that
    # spin while they wait for each other take a sixth less time on a machine of their own, and ten
    # times as long where another process has one of the cores
    status, message = _outcome(main)
    # after the exception is gone, which may hold a progress bar open; of processes that were all
    # stopped together, the first one says so
    if message and (processes.is_first() or status in (1, 2)):
        print(message, file=sys.stderr)
    return status


def progress(
    iterable: Iterable[Any] | None = None, *, total: int | None = None, desc: str = "", **more: Any
) -> "tqdm[Any]":
    """A progress bar as wide as the terminal, quiet when standard error is none."""
    quiet = None if processes.is_first() else True  # None: where there is no terminal
    return tqdm(iterable, total=total, desc=desc, disable=quiet, dynamic_ncols=True, **more)


def add_seed(parser: argparse.ArgumentParser) -> None:
    text = f"random seed; {DEFAULT}"
    parser.add_argument("--seed", type=whole, default=0, metavar="S", help=text)


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    text = "replace an output that was made otherwise"
    parser.add_argument("--overwrite", action="store_true", help=text)


def say(text: str) -> None:
    """Print prose: as a line, which a terminal is given broken between words."""
    if not processes.is_first():
        return
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    print(text)


def tell(text: str) -> None:
    """A line on standard error, above the progress bars that stand there."""
    if processes.is_first():
        tqdm.write(text, file=sys.stderr)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Lets a command be told where to compute."""
    text = "cpu, cuda, cuda:N or mps; default: cuda where it is there, else cpu"
    parser.add_argument("--device", metavar="NAME", help=text)


def count(text: str) -> int:
    """The type of an argument that must be a whole number from 1."""
    return _whole_number(text, 1, LARGEST_COUNT)


def whole(text: str) -> int:
    """The type of an argument that may also be 0, such as a random seed."""
    return _whole_number(text, 0, 2**63 - 1)


def cores() -> int:
    """Cores this process may use, which on a shared machine are fewer than it has."""
    here = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        here = len(os.sched_getaffinity(0))
    return max(here // processes.count_here(), 1)


def _whole_number(text: str, lowest: int, highest: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not lowest <= value <= highest:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a whole number from {lowest} to {highest:,}"
        )
    return value


def _outcome(main: Callable[[], None]) -> tuple[int, str]:
    """The exit status of a command, and what to say at its end."""
    try:
        with answered(), processes.together():
            main()
    except UserError as error:
        return 2, _error_line(error)
    except (RunError, OSError, MemoryError) as error:
        return 1, _error_line(error)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        return 1, _error_line(too_little_memory(error))
    except KeyboardInterrupt:
        return 130, "interrupted; to go on, give the same command again"
    except Terminated:
        return 143, "terminated; to go on, give the same command again"
    return 0, ""


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch found no memory, which on a CPU is a plain RuntimeError."""
    return type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error)


def too_little_memory(error: RuntimeError) -> str:
    return f"too little memory: {str(error).splitlines()[0]}"


def _show_warning(message: Warning | str, *place: object, **more: object) -> None:
    """A warning as one line, without the place in the source."""
    tell(f"warning: {' '.join(str(message).split())}")


def _error_line(error: BaseException | str) -> str:
    return f"error: {' '.join(str(error).split()) or type(error).__name__}"
