"""The log of a run: one JSON object a line, each `images_seen` once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galddpm.arrays import Floats
from galddpm.files import write_text
from galddpm.training.board import Board


class Log:
    """Appends to log.jsonl; a resumed run first drops the lines after its checkpoint.

    boards: functions that also receive every record.
    """

    def __init__(self, path: str | Path, images_seen: int = 0, boards: Sequence[Board] = ()):
        self.path, self.boards = Path(path), boards
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [line for line in lines if _seen(line) <= images_seen]
        write_text(self.path, "".join(line + "\n" for line in kept))

    def write(self, record: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        for show in self.boards:
            show(record)


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
