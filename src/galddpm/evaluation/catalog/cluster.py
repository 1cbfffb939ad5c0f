"""Measuring on a Dask cluster, where one machine is not enough."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from galddpm.errors import RunError, UserError, not_installed

PATIENCE = "30s"  # until a scheduler that does not answer is given up


@contextmanager
def dask_pool(address: str) -> Iterator[Executor]:
    """The workers of a scheduler, such as tcp://host:8786, as an executor.

    Every worker needs galddpm and the files under the same paths. Raises UserError where Dask is
    missing or nothing answers, RunError where a worker was lost.
    """
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise not_installed("distributed", "dask") from None
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise UserError(f"--dask {address}: no scheduler answers ({error})") from None
    with client:
        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise RunError(f"{error}; the same command goes on from here") from None
