"""Files that appear whole or not at all, and folders that one process works in at a time."""

import errno
import json
import os
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from galddpm.errors import RunError, UserError

try:
    import fcntl
except ModuleNotFoundError:  # not on Windows
    fcntl = None  # type: ignore[assignment] # a module that may be missing

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # of the file system
NO_FOLDER = {
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENAMETOOLONG,
}
NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, whose file takes its place at the end, once it is on disk.

    After an exception nothing of it stays, and `path` is as it was. The file gets the permissions
    that the process gives to new files, whatever the writing library chose. Two processes must not
    write the same path at once: `locked` sees to that.
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


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Keep other processes out of a file that is being made, by a lock file beside it."""
    path = Path(path)
    with _lock(path.with_name(f".{path.name}.lock"), path):
        yield


@contextmanager
def locked_folder(folder: str | Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made where it is missing.

    Folders that were made and are still empty at the end are removed. Raises UserError where
    another process holds the lock, or where no folder can be.
    """
    folder = Path(folder)
    with _lock(folder / ".lock", folder):
        yield


@contextmanager
def _lock(path: Path, what: Path) -> Iterator[None]:
    """Hold a lock file. The system drops the lock of a killed process; its file may stay, and is
    taken over."""
    made = [parent for parent in path.parents if not os.path.exists(parent)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _acquire(path, what)
    except OSError as error:
        if error.errno not in NO_FOLDER:
            raise
        reason = os.strerror(error.errno).lower()
        raise UserError(f"{path.parent}: expected a folder to write in ({reason})") from None
    try:
        yield
    finally:
        if _is(file, path):
            path.unlink()
        file.close()
        with suppress(OSError):  # not empty
            for folder in made:
                folder.rmdir()


def _acquire(path: Path, what: Path) -> IO[str]:
    while True:
        file = open(path, "a+")  # noqa: SIM115 - the caller closes it
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read()
            file.close()
            raise UserError(
                f"{what}: in use by another process ({holder or 'just started'}); wait for its end"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                file.close()
                raise
            warnings.warn(
                f"{path.parent}: its file system has no locks; see that no other process writes"
                " there",
                stacklevel=2,
            )
        if _is(file, path):
            file.truncate(0)
            file.write(f"{os.getpid()} on {socket.gethostname()}")
            file.flush()
            return file
        file.close()  # its holder has ended meanwhile, and removed it


def _is(file: IO[str], path: Path) -> bool:
    """Whether an open file is still the one that the path names."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def refuse_own_input(out: Path, *inputs: str | Path) -> None:
    """Raise UserError where an output would replace one of the files that it is made from."""
    for source in inputs:
        if os.path.exists(out) and os.path.exists(source) and os.path.samefile(out, source):
            raise UserError(f"{out}: is also the input; choose another name for the output")


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
