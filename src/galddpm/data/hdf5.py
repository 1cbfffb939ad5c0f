"""HDF5 files: refused with a reason, read by chunks, written into space that is set aside."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from galddpm.arrays import Array, Ints
from galddpm.errors import RunError, UserError
from galddpm.files import require_space, reserve, written_whole

SUFFIXES = (".hdf5", ".h5")
LARGEST_READ = 2**28  # bytes that are read at once from chunked data sets
LARGEST_GAIN = 1000  # bytes in memory for one in the file; even zeros are not compressed better

Layout = Mapping[str, tuple[tuple[int, ...], np.dtype]]  # name: shape and dtype


def open_hdf5(path: Path) -> h5py.File:
    """The file opened for reading. Raises UserError where it is missing or not whole HDF5."""
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {found}, expected an HDF5 file of the GalaxiesML schema")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        _refuse_fits(path)
        reason = str(error).splitlines()[0]
        if "unable to lock file" in reason:
            reason += "; set HDF5_USE_FILE_LOCKING=FALSE on file systems without locks"
        raise UserError(f"{path}: cannot be opened as HDF5, truncated? ({reason})") from None
    try:
        _require_own_data(file, path)
    except UserError:
        file.close()
        raise
    return file


def require_hdf5_name(path: Path) -> None:
    """Raise UserError for an output whose name does not say that it is HDF5."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{path}: found the suffix {path.suffix!r}, expected {' or '.join(SUFFIXES)}: it will"
            " be an HDF5 file"
        )


@contextmanager
def new_hdf5(
    path: Path, layout: Layout, attributes: Mapping[str, Any] | None = None
) -> Iterator[h5py.File]:
    """A file with the data sets of `layout`, to be filled; it appears whole or not at all.

    Its space is reserved first: HDF5 finds out about a full disk only when it closes a file, and
    then it can neither close nor drop it. Data sets are contiguous, which is read fastest. Raises
    RunError where there is too little space.
    """
    size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in layout.values())
    with written_whole(path) as temporary:
        require_space(temporary.parent, size)
        try:
            with h5py.File(temporary, "w") as file:
                for name, (shape, dtype) in layout.items():
                    early = None if dtype.kind == "O" else _allocated_early()  # texts of any length
                    file.create_dataset(name, shape=shape, dtype=dtype, dcpl=early)
                file.attrs.update(attributes or {})
        except RuntimeError as error:  # what h5py makes of a failure to close
            raise RunError(f"{path}: cannot be written ({error})") from None
        reserve(temporary)
        with h5py.File(temporary, "r+") as file:
            yield file


def write_columns(
    path: Path, columns: Mapping[str, Array], attributes: Mapping[str, Any] | None = None
) -> None:
    """Write whole arrays, each as a data set; text becomes bytes. See `new_hdf5`."""
    arrays = {name: _storable(column) for name, column in columns.items()}
    layout = {name: (array.shape, array.dtype) for name, array in arrays.items()}
    with new_hdf5(path, layout, attributes) as file:
        for name, array in arrays.items():
            file[name][...] = array


def columns_of(file: h5py.File) -> dict[str, h5py.Dataset]:
    """All data sets by name; one in a group is named GROUP/NAME."""
    found: dict[str, h5py.Dataset] = {}

    def add(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(add)
    return found


def read_rows(dataset: h5py.Dataset, rows: Ints) -> Array:
    """Rows of a data set in any order, repeats allowed, in this machine's byte order.

    Rows that lie near one another are read together. Of a data set that is stored in chunks a chunk
    is read, and where it is compressed unpacked, once for all rows in it.
    """
    order, inverse = np.unique(rows, return_inverse=True)
    out = np.empty((len(order), *dataset.shape[1:]), dtype=dataset.dtype.newbyteorder("="))
    for piece in np.split(np.arange(len(order)), _breaks(dataset, order)):
        if len(piece):
            start, stop = order[piece[0]], order[piece[-1]] + 1
            out[piece] = dataset[start:stop][order[piece] - start]
    if len(order) == len(rows) and (order == rows).all():
        return out
    return out[inverse]


def _require_own_data(file: h5py.File, path: Path) -> None:
    """Raise UserError where a name of a file leads to what is not stored in it under that name.

    A file that came from elsewhere could otherwise have any file of this machine read, or fill its
    memory with a few bytes.
    """

    def look(name: str, link: object) -> str | None:  # the first reason that is found ends it
        if not isinstance(link, h5py.HardLink):
            kind = "an external" if isinstance(link, h5py.ExternalLink) else "a soft"
            return f"{name}: is {kind} link"
        item = file[name]
        reason = _stored_elsewhere(item) if isinstance(item, h5py.Dataset) else None
        return f"{name}: {reason}" if reason else None

    found = file.visititems_links(look)
    if found:
        raise UserError(f"{path}: {found}, expected data of this file")


def _stored_elsewhere(dataset: h5py.Dataset) -> str | None:
    """What makes the values of a data set others than those stored with it."""
    if dataset.is_virtual:
        return "is a virtual data set"
    if dataset.external:
        return f"is stored in {dataset.external[0][0]}"
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > LARGEST_GAIN * max(stored, 2**20):
        return f"claims {dataset.nbytes:,} bytes and holds {stored:,}"
    return None


def _refuse_fits(path: Path) -> None:
    with open(path, "rb") as file:
        if file.read(9) == b"SIMPLE  =":
            raise UserError(
                f"{path}: is a FITS file, expected HDF5; data pack makes one of FITS cutouts"
            )


def _breaks(dataset: h5py.Dataset, order: Ints) -> Ints:
    """Where sorted rows are to be split so that each piece is best read as one block."""
    if dataset.chunks is None:
        return np.flatnonzero(np.diff(order) != 1) + 1
    bytes_a_row = max(dataset.dtype.itemsize * int(np.prod(dataset.shape[1:])), 1)
    together = min(dataset.chunks[0], max(LARGEST_READ // bytes_a_row, 1))
    return np.flatnonzero(np.diff(order // together)) + 1


def _allocated_early() -> h5py.h5p.PropDCID:
    """Space is set aside when a data set is made, and not filled with zeros first."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return properties


def _storable(column: Array) -> Array:
    column = np.asarray(column)
    return column.astype(bytes) if column.dtype.kind == "U" else column
