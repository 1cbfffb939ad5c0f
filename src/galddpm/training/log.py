"""The log of a run: one JSON object a line, each `images_seen` once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.arrays import Floats
from galddpm.files import write_text


class Log:
    """Appends to log.jsonl; a resumed run first drops the lines after its checkpoint.

    board: a function that also receives every record, or None.
    """

    def __init__(
        self,
        path: str | Path,
        images_seen: int = 0,
        board: Callable[[dict[str, Any]], None] | None = None,
    ):
        self.path, self.board = Path(path), board
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [line for line in lines if _seen(line) <= images_seen]
        write_text(self.path, "".join(line + "\n" for line in kept))

    def write(self, record: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        if self.board:
            self.board(record)


def by_quartile(losses: Floats, values: Floats) -> list[float | None]:
    """Mean loss in each quarter of `values`, from the lowest to the highest; null where empty."""
    edges = np.quantile(values, [0.25, 0.5, 0.75])
    quarter = np.searchsorted(edges, values)
    return [float(losses[quarter == q].mean()) if (quarter == q).any() else None for q in range(4)]


def _seen(line: str) -> float:
    """The counter of a line; a line cut short by a kill is dropped."""
    try:
        seen: float = json.loads(line)["images_seen"]
    except (ValueError, KeyError):
        return float("inf")
    return seen
