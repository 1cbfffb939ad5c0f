"""Reader and writer of the GalaxiesML schema (Do et al. 2024, doi:10.5281/zenodo.11117528).

A file holds flat HDF5 datasets whose first axis is the galaxy. `image` (N, C, H, W) [count, AB zero
point 27] and `specz_redshift` (N,) are needed; everything else may be missing.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from galddpm.errors import UserError

BANDS = ("g", "r", "i", "z", "y")
ZERO_POINT = 27.0  # AB magnitude of one count, HSC coadds
CITATION = (
    "Trained on GalaxiesML (Do et al. 2024, doi:10.5281/zenodo.11117528, CC BY 4.0)"
    " or on data of its schema"
)
ROWS_PER_READ = 256  # rows checked and copied at a time: 21 MB of five-band 64 px stamps
NON_FINITE = ("refuse", "drop")


class GalaxyFile:
    """Galaxies of one HDF5 file, read when asked for.

    Opening checks keys, shapes, dtypes and redshifts and closes the file again. Pixels are checked
    as they are read. The handle is opened once in each process and is never pickled or inherited,
    because HDF5 handles that cross a fork return wrong data without an error. Images stored in one
    piece, as the published files are, are mapped into memory, which is several times faster.

    Parameters
    ----------
    path: the HDF5 file.
    non_finite: "refuse" raises on a galaxy with a non-finite pixel or redshift; "drop" leaves such
        galaxies out, which costs one pass over the file, and counts them in `dropped`.
    bands: the number of bands the caller expects, or None for any.
    leave_out: galaxies from the first to below the second of these redshifts are not read.

    Raises UserError where the file is missing, is not HDF5, or breaks the schema.
    """

    def __init__(
        self,
        path: str | Path,
        non_finite: str = "refuse",
        bands: int | None = None,
        leave_out: Sequence[float] | None = None,
    ):
        if non_finite not in NON_FINITE:
            raise ValueError(f"non_finite: found {non_finite!r}, expected one of {NON_FINITE}")
        self.path = Path(path)
        self._handle, self._process, self._mapped = None, None, None
        with open_hdf5(self.path) as file:
            shape = _image_shape(file, self.path, bands)
            redshift = _vector(file, "specz_redshift", shape[0], self.path).astype(np.float64)
            object_id = _object_id(file, shape[0], self.path)
        self.rows = np.arange(shape[0])  # row in the file of each galaxy kept
        if non_finite == "drop":
            self.rows = np.flatnonzero(np.isfinite(redshift) & self._finite_pixels(shape[0]))
        self.dropped = shape[0] - len(self.rows)
        if leave_out:
            z = redshift[self.rows]
            self.rows = self.rows[~((z >= leave_out[0]) & (z < leave_out[1]))]
        self.shape = (len(self.rows), *shape[1:])
        self.redshift, self.object_id = redshift[self.rows], object_id[self.rows]
        _check_redshift(self.redshift, self.path)
        if not len(self):
            raise UserError(f"{self.path}: image: no usable galaxy in {shape[0]} rows")

    def __len__(self) -> int:
        return len(self.rows)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_handle": None, "_process": None, "_mapped": None}

    def images(self, rows: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """Pixels of the given galaxies, in the order asked for, (n, C, H, W) float32 [count].

        Raises UserError where a pixel is not finite or the file cannot be read.
        """
        image = self.unchecked_images(rows)
        if not np.isfinite(image).all():
            finite = np.isfinite(image).all(axis=(1, 2, 3))
            raise UserError(
                f"{self.path}: image: row {self._kept(rows)[~finite][0]} has a non-finite pixel,"
                " expected finite counts; data.non_finite: drop leaves such galaxies out"
            )
        return image

    def unchecked_images(self, rows: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """The same, non-finite pixels included. Raises UserError where the file cannot be read."""
        return self._read_images(self._kept(rows)).astype(np.float32, copy=False)

    def fingerprint(self) -> str:
        """A hash of what the file holds: size, shape, ids, redshifts and 64 fixed rows of pixels.

        It does not read the whole file, which may be larger than memory.
        """
        digest = hashlib.sha256(repr((self.path.stat().st_size, self.shape)).encode())
        rows = np.unique(np.linspace(0, len(self) - 1, 64).astype(int))
        for values in (self.object_id, self.redshift, self.unchecked_images(rows)):
            digest.update(values.tobytes())
        return digest.hexdigest()[:32]

    def column(self, name: str) -> np.ndarray:
        """A dataset of the kept galaxies, as stored. Raises UserError where it is missing."""
        if name not in self._file():
            raise UserError(f"{self.path}: {name}: no such dataset")
        return self._file()[name][:][self.rows]

    def close(self) -> None:
        """Close this process's handle; the next read opens it again."""
        if self._handle is not None and self._process == os.getpid():
            self._handle.close()
        self._handle, self._process, self._mapped = None, None, None

    def _kept(self, rows: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows of the file, from rows among those kept."""
        return self.rows[rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.intp)]

    def _file(self) -> h5py.File:
        if self._process != os.getpid():  # a handle inherited through fork is left untouched
            self._handle, self._process = open_hdf5(self.path), os.getpid()
            self._mapped = _mapped(self._handle["image"], self.path)
        return self._handle

    def _read_images(self, rows: np.ndarray) -> np.ndarray:
        try:
            dataset = self._file()["image"]
            return _read_rows(dataset, rows) if self._mapped is None else self._mapped[rows]
        except OSError as error:
            raise UserError(f"{self.path}: image: cannot be read, damaged? ({error})") from None

    def _finite_pixels(self, count: int) -> np.ndarray:
        finite = np.empty(count, dtype=bool)
        for start in range(0, count, ROWS_PER_READ):
            rows = np.arange(start, min(start + ROWS_PER_READ, count))
            finite[rows] = np.isfinite(self._read_images(rows)).all(axis=(1, 2, 3))
        return finite


def write_galaxies(
    path: str | Path, columns: Mapping[str, np.ndarray], attributes: Mapping | None = None
) -> None:
    """Write columns of equal length as a file of the schema; whole or not at all."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns differ in length: {lengths}")
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with h5py.File(temporary, "w") as file:
        for name, column in columns.items():
            file.create_dataset(name, data=_storable(column))
        file.attrs.update(attributes or {})
    os.replace(temporary, path)


def open_hdf5(path: Path) -> h5py.File:
    """The file opened for reading. Raises UserError where it is missing or not whole HDF5."""
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected an HDF5 file of the GalaxiesML schema")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = str(error).splitlines()[0]
        if "unable to lock file" in reason:
            reason += "; set HDF5_USE_FILE_LOCKING=FALSE on file systems without locks"
        raise UserError(f"{path}: cannot be opened as HDF5, truncated? ({reason})") from None


def _mapped(dataset: h5py.Dataset, path: Path) -> np.ndarray | None:
    """The data set as a memory map; None where it is stored in chunks, compressed or not at all."""
    offset = dataset.id.get_offset()
    if offset is None or offset + dataset.id.get_storage_size() > path.stat().st_size:
        return None
    return np.memmap(path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)


def _read_rows(dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows in any order, repeats allowed; neighbours are read together, which is far faster."""
    order, inverse = np.unique(rows, return_inverse=True)
    out = np.empty((len(order), *dataset.shape[1:]), dtype=dataset.dtype.newbyteorder("="))
    for run in np.split(np.arange(len(order)), np.flatnonzero(np.diff(order) != 1) + 1):
        if len(run):
            out[run[0] : run[-1] + 1] = dataset[order[run[0]] : order[run[-1]] + 1]
    if len(order) == len(rows) and (order == rows).all():
        return out
    return out[inverse]


def _image_shape(file: h5py.File, path: Path, bands: int | None) -> tuple[int, ...]:
    image = _dataset(file, "image", path)
    if image.ndim != 4:
        raise UserError(f"{path}: image: found shape {image.shape}, expected (N, C, H, W)")
    if image.dtype.kind not in "fiu":
        raise UserError(f"{path}: image: found dtype {image.dtype}, expected numbers")
    if bands is not None and image.shape[1] != bands:
        raise UserError(f"{path}: image: found {image.shape[1]} bands, expected {bands}")
    if 0 in image.shape:
        raise UserError(f"{path}: image: found shape {image.shape}, expected at least one pixel")
    return image.shape


def _dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    if not isinstance(file.get(name), h5py.Dataset):
        held = ", ".join(sorted(file)[:8]) or "nothing"
        raise UserError(f"{path}: {name}: no such dataset, the file holds {held}")
    return file[name]


def _vector(file: h5py.File, name: str, count: int, path: Path) -> np.ndarray:
    dataset = _dataset(file, name, path)
    if dataset.shape not in ((count,), (count, 1)):
        raise UserError(f"{path}: {name}: found shape {dataset.shape}, expected ({count},)")
    if dataset.dtype.kind not in "fiub":
        raise UserError(f"{path}: {name}: found dtype {dataset.dtype}, expected numbers")
    return dataset[:].reshape(count)


def _object_id(file: h5py.File, count: int, path: Path) -> np.ndarray:
    """int64 all the way: ids have 17 digits, above 2^53, and float64 merges neighbours."""
    if "object_id" not in file:
        return np.arange(count, dtype=np.int64)
    ids = _vector(file, "object_id", count, path)
    if ids.dtype.kind == "f" and (np.abs(ids) >= 2**53).any():
        raise UserError(
            f"{path}: object_id: found {ids.dtype} above 2^53, where ids merge; expected int64"
        )
    return ids.astype(np.int64)


def _check_redshift(redshift: np.ndarray, path: Path) -> None:
    bad = np.flatnonzero(~np.isfinite(redshift))
    if len(bad):
        raise UserError(
            f"{path}: specz_redshift: row {bad[0]} is {redshift[bad[0]]}, expected a finite number;"
            " data.non_finite: drop leaves such galaxies out"
        )
    bad = np.flatnonzero(redshift < 0)
    if len(bad):
        raise UserError(
            f"{path}: specz_redshift: row {bad[0]} is {redshift[bad[0]]:g}, expected at least 0"
        )


def _storable(column: np.ndarray) -> np.ndarray:
    column = np.asarray(column)
    return column.astype(bytes) if column.dtype.kind == "U" else column
