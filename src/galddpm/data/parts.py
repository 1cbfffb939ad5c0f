"""Outputs that are written in finished chunks, so that a killed run loses one chunk at most."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from galddpm.errors import UserError


class Parts:
    """The finished chunks of an output that is not whole yet, in the folder `PATH.part`.

    An unfinished output of the same arguments is continued, a finished one of the same arguments is
    left alone (`finished`), and anything else that is in the way is refused unless `overwrite`.
    What is overwritten stays until the new output replaces it.

    Parameters
    ----------
    path: where the whole output will stand.
    arguments: what determines the output; JSON values only.
    recorded: the arguments found in an existing output, None where there are none.

    Raises UserError where something else is in the way.
    """

    def __init__(
        self,
        path: str | Path,
        arguments: Mapping,
        recorded: Mapping | None = None,
        overwrite: bool = False,
    ):
        self.path, self.arguments = Path(path), json.loads(json.dumps(arguments))
        self.folder = self.path.with_name(self.path.name + ".part")
        self.finished = self.path.exists() and recorded == self.arguments
        if self.finished:
            return
        if self.path.exists() and not overwrite:
            raise UserError(f"{self.path}: exists and was made otherwise; --overwrite replaces it")
        if self.folder.exists() and self._begun() != self.arguments:
            if not overwrite:
                raise UserError(
                    f"{self.folder}: unfinished output of other arguments; --overwrite replaces it"
                )
            shutil.rmtree(self.folder)

    def missing(self, total: int, chunk: int) -> list[range]:
        """The row ranges of `chunk` rows that are still to be made."""
        ranges = [range(start, min(start + chunk, total)) for start in range(0, total, chunk)]
        return [rows for rows in ranges if not self._chunk(rows).exists()]

    def save(self, rows: range, columns: Mapping[str, np.ndarray]) -> None:
        """Keep one finished chunk: each column holds len(rows) rows."""
        if not self.folder.exists():
            self._begin()
        temporary = self._chunk(rows).with_suffix(".tmp")
        with h5py.File(temporary, "w") as file:
            for name, column in columns.items():
                file.create_dataset(name, data=column)
        os.replace(temporary, self._chunk(rows))

    def gather(self, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Whole columns in memory, in row order."""
        pieces: dict[str, list[np.ndarray]] = {}
        for chunk in self._chunks():
            with h5py.File(chunk, "r") as file:
                for name in names or file:
                    pieces.setdefault(name, []).append(file[name][:])
        return {name: np.concatenate(arrays) for name, arrays in pieces.items()}

    def join(self, attributes: Mapping | None = None) -> None:
        """Stream all chunks into one HDF5 file, put it in place and remove the parts."""
        temporary = self.path.with_name(self.path.name + ".tmp")
        chunks = self._chunks()
        total = _last_row(chunks[-1])
        with h5py.File(temporary, "w") as whole:
            for chunk in chunks:
                with h5py.File(chunk, "r") as file:
                    for name, piece in file.items():
                        _place(whole, name, piece, total, start=_last_row(chunk) - len(piece))
            whole.attrs.update(attributes or {})
            whole.attrs["arguments"] = json.dumps(self.arguments, sort_keys=True)
        os.replace(temporary, self.path)
        self.remove()

    def remove(self) -> None:
        """Remove the chunks."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self) -> None:
        """A folder appears together with its arguments, so that a kill leaves no nameless one."""
        temporary = self.folder.with_name(self.folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        (temporary / "arguments.json").write_text(json.dumps(self.arguments, sort_keys=True))
        os.replace(temporary, self.folder)

    def _begun(self) -> Mapping | None:
        try:
            return json.loads((self.folder / "arguments.json").read_text())
        except (OSError, ValueError):
            return None

    def _chunk(self, rows: range) -> Path:
        return self.folder / f"{rows.start:09d}-{rows.stop:09d}.hdf5"

    def _chunks(self) -> list[Path]:
        return sorted(self.folder.glob("*.hdf5"))


def recorded_arguments(path: str | Path) -> dict | None:
    """The arguments stored in a file that `Parts.join` wrote; None where there are none."""
    try:
        with h5py.File(path, "r") as file:
            return json.loads(file.attrs["arguments"])
    except (OSError, KeyError, ValueError):
        return None


def _last_row(chunk: Path) -> int:
    return int(chunk.stem.split("-")[1])


def _place(whole: h5py.File, name: str, piece: h5py.Dataset, total: int, start: int) -> None:
    """Contiguous data sets, because those are read fastest."""
    if name not in whole:
        whole.create_dataset(name, shape=(total, *piece.shape[1:]), dtype=piece.dtype)
    whole[name][start : start + len(piece)] = piece[:]
