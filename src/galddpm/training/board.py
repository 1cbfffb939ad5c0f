"""The log of a run for TensorBoard, where that is installed."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def board(folder: Path, images_seen: int = 0) -> Callable[[dict[str, Any]], None] | None:
    """A function that writes one record of the log as scalars over `images_seen`.

    None without TensorBoard. What an earlier run wrote after `images_seen` is hidden.
    """
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder, purge_step=images_seen + 1)

    def write(record: dict[str, Any]) -> None:
        for name, value in _scalars(record):
            writer.add_scalar(name, value, record["images_seen"])
        writer.flush()

    return write


def _scalars(record: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """(name, number) pairs; the quartiles of a loss are numbered from the lowest, and what is no
    number stays out."""
    for name, value in record.items():
        if isinstance(value, list):
            yield from (
                (f"{name}/{q}", part) for q, part in enumerate(value, 1) if part is not None
            )
        elif name != "images_seen" and not isinstance(value, str):
            yield name, value
