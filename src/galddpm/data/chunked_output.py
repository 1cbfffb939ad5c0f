"""Outputs that are written in finished chunks, so that a killed run loses one chunk at most."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from galddpm import processes
from galddpm.arrays import Array
from galddpm.data.hdf5 import Layout, columns_of, new_hdf5, write_columns
from galddpm.errors import RunError, UserError
from galddpm.files import require_space, write_text
from galddpm.interrupts import raise_if_requested
from galddpm.locks import locked_folder


def recorded_arguments(path: str | Path) -> dict[str, Any] | None:
    """The arguments stored in a file that `ChunkedOutput.join` wrote; None where there are none."""
    try:
        with h5py.File(path, "r") as file:
            arguments: dict[str, Any] = json.loads(file.attrs["arguments"])
            return arguments
    except (OSError, KeyError, ValueError):
        return None


class ChunkedOutput:
    """The finished chunks of an output that is not whole yet, in the folder `PATH.part`.

    Used in a `with` block, in which no other process gets at the output. An unfinished output of
    the same arguments is continued, a finished one of the same arguments is left alone
    (`finished`), and anything else that is in the way is refused unless `overwrite`. What is
    overwritten stays until the new output replaces it.

    Parameters
    ----------
    path: where the whole output will stand.
    arguments: what determines the output; JSON values only.
    total: rows of the output.
    chunk: rows of a chunk; a call that goes on with an output may use another number.
    recorded: the arguments of an existing output, None where it has none.

    Entering raises UserError where something else is in the way or another process is at work.
    """

    def __init__(
        self,
        path: str | Path,
        arguments: Mapping[str, Any],
        total: int,
        chunk: int,
        overwrite: bool = False,
        recorded: Callable[[Path], Mapping[str, Any] | None] = recorded_arguments,
    ):
        self.path, self.arguments = Path(path), json.loads(json.dumps(arguments))
        self.folder = self.path.with_name(self.path.name + ".part")
        self.total, self.chunk, self.overwrite, self.recorded = total, chunk, overwrite, recorded
        self.finished = False

    def __enter__(self) -> "ChunkedOutput":
        with ExitStack() as stack:
            if not self._look() and processes.is_first():
                stack.enter_context(locked_folder(self.folder))
                self._look()  # again: whoever held the lock may have finished it
                if not self.finished:
                    self._clear_the_way()
            self._locks = stack.pop_all()
        processes.wait()  # for the first, to have cleared the way
        return self

    def __exit__(self, *exception: object) -> None:
        self._locks.close()

    def missing(self) -> list[range]:
        """The row ranges that are still to be made, or whose chunk cannot be read; of several
        processes this one's share of them."""
        gaps = self._gaps(self._held())
        if gaps and processes.is_first() and processes.count() > 1:
            self._begin()  # so that no two of them do
        processes.wait()  # until all have looked, before any of them makes one
        return gaps[processes.number() :: processes.count()]

    def require_space(self, bytes_a_row: int) -> None:
        """Raise RunError where the disk has no room for the missing chunks and the whole."""
        rows = 2 * self.total - sum(len(rows) for rows in self._held())
        require_space(self.folder, rows * bytes_a_row)

    def save(self, rows: range, columns: Mapping[str, Array]) -> None:
        """Keep one finished chunk: each column holds len(rows) rows. A good place to stop."""
        raise_if_requested()
        self._begin()
        write_columns(self._chunk(rows), columns)

    def gather(self, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Whole columns in memory, in row order. Raises RunError where rows are missing."""
        pieces: dict[str, list[Array]] = {}
        for rows in self._complete():
            with h5py.File(self._chunk(rows), "r") as file:
                for name in names or columns_of(file):
                    pieces.setdefault(name, []).append(file[name][:])
        return {name: np.concatenate(arrays) for name, arrays in pieces.items()}

    def join(
        self,
        attributes: Mapping[str, Any] | None = None,
        shared: Mapping[str, Array] | None = None,
    ) -> None:
        """Stream all chunks into one HDF5 file, put it in place and remove the parts. Of several
        processes the first does, once all have saved their share.

        shared: arrays that belong to all rows, by name. Raises RunError where rows are missing or
        the disk is full.
        """
        processes.wait()
        if processes.is_first():
            self._join(attributes or {}, shared or {})
        processes.wait()

    def remove(self) -> None:
        """Remove the chunks."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _join(self, attributes: Mapping[str, Any], common: Mapping[str, Array]) -> None:
        chunks = self._complete()
        recorded = {"arguments": json.dumps(self.arguments, sort_keys=True)}
        layout = {
            **self._layout_of_all(list(chunks.values())),
            **{name: (array.shape, array.dtype) for name, array in common.items()},
        }
        with new_hdf5(self.path, layout, {**attributes, **recorded}) as whole:
            for name, array in common.items():
                whole[name][...] = array
            for rows in chunks:
                with h5py.File(self._chunk(rows), "r") as file:
                    for name, piece in columns_of(file).items():
                        whole[name][rows.start : rows.stop] = piece[:]
        self.remove()

    def _look(self) -> bool:
        """Whether the output is there, of the same arguments."""
        self.finished = os.path.isfile(self.path) and self.recorded(self.path) == self.arguments
        return self.finished

    def _clear_the_way(self) -> None:
        if os.path.isdir(self.path):
            raise UserError(f"{self.path}: found a folder, expected the name of a file")
        if self.path.exists() and not self.overwrite:
            raise UserError(f"{self.path}: exists and was made otherwise; --overwrite replaces it")
        held = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        if held and self._begun() != self.arguments:
            if not self.overwrite:
                raise UserError(
                    f"{self.folder}: unfinished output of other arguments; --overwrite replaces it"
                )
            for path in held:
                path.unlink()

    def _begin(self) -> None:
        """Write down what is being made, before its first chunk."""
        if self._begun() is None:
            write_text(self._record, json.dumps(self.arguments, sort_keys=True))

    @property
    def _record(self) -> Path:
        return self.folder / "arguments.json"

    def _begun(self) -> dict[str, Any] | None:
        try:
            arguments: dict[str, Any] = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return None
        return arguments

    def _chunk(self, rows: range) -> Path:
        return self.folder / f"{rows.start:09d}-{rows.stop:09d}.hdf5"

    def _gaps(self, chunks: Iterable[range]) -> list[range]:
        """The rows between chunks, in pieces of at most a chunk."""
        ranges, end = [], 0
        for held in [*chunks, range(self.total, self.total)]:
            starts = range(end, held.start, self.chunk)
            ranges += [range(start, min(start + self.chunk, held.start)) for start in starts]
            end = held.stop
        return ranges

    def _held(self) -> dict[range, Layout]:
        """The finished chunks, in order: rows, and name, shape and dtype of their columns. One that
        overlaps another is not counted."""
        held, end = {}, 0
        for path in sorted(self.folder.glob("[0-9]*-[0-9]*.hdf5")):
            rows = range(*map(int, path.stem.split("-")))
            if end <= rows.start < rows.stop <= self.total and (layout := self._layout(rows)):
                held[rows] = layout
                end = rows.stop
        return held

    def _complete(self) -> dict[range, Layout]:
        """The same where they hold every row. Raises RunError where some are missing."""
        held = self._held()
        gaps = self._gaps(held)
        if gaps:
            raise RunError(
                f"{self.folder}: rows {gaps[0].start} to {gaps[0].stop - 1} are missing; the same"
                " command makes them"
            )
        return held

    def _layout(self, rows: range) -> Layout | None:
        """Name, shape and dtype of a chunk's columns; None where it is not whole."""
        try:
            with h5py.File(self._chunk(rows), "r") as file:
                layout = {name: (c.shape, c.dtype) for name, c in columns_of(file).items()}
        except OSError:
            return None
        whole = layout and all(shape[:1] == (len(rows),) for shape, _ in layout.values())
        return layout if whole else None

    def _layout_of_all(self, layouts: Sequence[Layout]) -> Layout:
        """Name, shape and dtype of the output's columns, wide enough for all chunks' texts."""
        return {
            name: (
                (self.total, *shape[1:]),
                np.result_type(*(layout[name][1] for layout in layouts)),
            )
            for name, (shape, _) in layouts[0].items()
        }
