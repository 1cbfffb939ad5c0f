"""Folders and files that only one process may work in at a time."""

import errno
import fcntl
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from galddpm.errors import UserError

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # of the file system
NO_FOLDER = {
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENAMETOOLONG,
}


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
