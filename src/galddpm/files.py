"""Files that appear whole or not at all, and the room that they need."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.errors import RunError, UserError

NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, whose file takes its place at the end, once it is on disk.

    After an exception nothing of it stays, and `path` is as it was. The file gets the permissions
    that the process gives to new files, whatever the writing library chose. Two processes must not
    write the same path at once: see locks.py.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # what a killed process left
        temporary.touch()
        mode = temporary.stat().st_mode & 0o777
        yield temporary
        temporary.chmod(mode)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a message that tells which disk is full
        with suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text)


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all; NaN and infinity are refused, as JSON has none."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Content of a JSON file that a run wrote; empty where there is none. Raises UserError."""
    try:
        content = json.loads(Path(path).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}, expected a JSON object")
    return content


def refuse_own_input(out: Path, *inputs: str | Path) -> None:
    """Raise UserError where an output would replace one of the files that it is made from."""
    for source in inputs:
        if os.path.exists(out) and os.path.exists(source) and os.path.samefile(out, source):
            raise UserError(f"{out}: is also the input; choose another name for the output")


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Raise UserError where an output is there, and is not to be replaced."""
    if out.exists() and not overwrite:
        raise UserError(f"{out}: exists; --overwrite replaces it")


def require_space(folder: Path, needed: int) -> None:
    """Raise RunError where a folder's file system has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RunError(f"{folder}: {free:,} bytes free, {needed:,} needed")


def reserve(path: Path) -> None:
    """Have the file system set aside the space of a sparse file.

    Without it a page of a memory map for which there is no room kills the process (SIGBUS), and
    HDF5 cannot close its file. Raises RunError where there is too little.
    """
    size = path.stat().st_size
    try:
        with open(path, "r+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise RunError(f"{path.parent}: no room for {size:,} bytes ({error.strerror})") from None


def new_memory_map(
    path: Path, dtype: type[np.generic], shape: Sequence[int]
) -> np.memmap[Any, Any]:
    """A .npy file of zeros, mapped for writing, whose space is reserved."""
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, "w+", dtype, tuple(shape))
    reserve(path)
    return array
