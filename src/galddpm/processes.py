"""Processes that do one command's work together, as torchrun starts them: each has its share of
every batch. A process alone is the first of one, with the whole.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from galddpm.errors import RunError, UserError

if TYPE_CHECKING:  # torch is loaded after a command's arguments were checked
    from torch import Tensor, nn

Rows = TypeVar("Rows")
PATIENCE = timedelta(hours=1)  # for the first process, which draws pictures while the others wait


def count() -> int:
    """How many processes there are."""
    return int(os.environ["WORLD_SIZE"]) if _launched() else 1


def number() -> int:
    """Which of them this one is, from 0."""
    return int(os.environ["RANK"]) if _launched() else 0


def count_here() -> int:
    """How many of them are on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if _launched() else 1


def is_first() -> bool:
    """Whether this is the process that writes and speaks."""
    return number() == 0


@contextmanager
def together() -> Iterator[None]:
    """Lets the processes exchange numbers within the block: through NCCL what lies on a GPU, each
    process its own, and through gloo all else. Raises RunError where another one has ended."""
    if count() == 1:
        yield
        return
    import torch
    from torch import distributed

    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, distributed.DistError) or "gloo" in str(error):
            raise RunError("one of the processes has ended; the same command goes on") from None
        raise
    finally:
        distributed.destroy_process_group()


def share_size(whole: int) -> int:
    """Rows of a batch that are each process's. Raises UserError where they cannot be divided."""
    if whole % count():
        raise UserError(
            f"training.batch_size: found {whole}, expected a multiple of {count()}, the number of"
            " processes"
        )
    return whole // count()


def share(rows: Rows) -> Rows:
    """This process's part of the rows of a whole batch."""
    if count() == 1:
        return rows
    size = share_size(len(rows))  # type: ignore[arg-type] # an array, a tensor or a list
    return rows[number() * size : (number() + 1) * size]  # type: ignore[index,no-any-return]


def gathered(rows: "Tensor") -> "Tensor":
    """The whole of which `rows` (n, ...) is this process's share, (count n, ...)."""
    if count() == 1:
        return rows
    import torch
    from torch import distributed

    shares = [torch.empty_like(rows) for _ in range(count())]
    distributed.all_gather(shares, rows.contiguous())
    return torch.cat(shares)


def greatest(value: int) -> int:
    """The largest of the processes' values, which all get to know."""
    if count() == 1:
        return value
    import torch
    from torch import distributed

    values = torch.tensor(value)  # on the host, so that no GPU is waited for
    distributed.all_reduce(values, distributed.ReduceOp.MAX)
    return int(values)


def wait() -> None:
    """Until all the processes have come here."""
    greatest(0)


@contextmanager
def first_then_others() -> Iterator[None]:
    """The first process runs the block before the others do, which find what it has written."""
    if not is_first():
        wait()
    yield
    if is_first():
        wait()


def with_mean_gradients(module: "nn.Module") -> "nn.Module":
    """The module, whose backward passes leave the mean of all processes' gradients."""
    if count() == 1:
        return module
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(module)


def _launched() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ
