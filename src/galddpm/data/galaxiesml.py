"""Reader and writer of the GalaxiesML schema (Do et al. 2024, doi:10.5281/zenodo.11117528).

A file holds flat HDF5 datasets whose first axis is the galaxy. `image` (N, C, H, W) [count, AB zero
point 27] and `specz_redshift` (N,) are needed; everything else may be missing. `psf`, (C, k, l) for
all galaxies or (N, C, k, l), is what the judge measures with. Attributes may say `bands`, such as
"g,r,i,z,y", and `pixel_scale` [arcsec]; a file that does not is taken to be the survey's.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from galddpm.arrays import Array, Bools, Floats, Ints
from galddpm.data.hdf5 import open_hdf5, read_rows, write_columns
from galddpm.data.redshifts import LARGEST
from galddpm.data.survey import BANDS, PIXEL_SCALE
from galddpm.errors import UserError

CITATION = (
    "Trained on GalaxiesML (Do et al. 2024, doi:10.5281/zenodo.11117528, CC BY 4.0)"
    " or on data of its schema"
)
PSF = "psf"  # the data set
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
    remedy: what the reader of a refusal for a non-finite value can do about it.

    Raises UserError where the file is missing, is not HDF5, or breaks the schema.
    """

    def __init__(
        self,
        path: str | Path,
        non_finite: str = "refuse",
        bands: int | None = None,
        leave_out: Sequence[float] | None = None,
        remedy: str = "",
    ):
        if non_finite not in NON_FINITE:
            raise ValueError(f"non_finite: found {non_finite!r}, expected one of {NON_FINITE}")
        self.path, self._remedy = Path(path), remedy
        self._handle: h5py.File | None = None
        self._process: int | None = None
        self._mapped: Array | None = None
        with open_hdf5(self.path) as file:
            shape = _image_shape(file, self.path, bands)
            redshift = _vector(file, "specz_redshift", shape[0], self.path).astype(np.float64)
            object_id = _object_id(file, shape[0], self.path)
            self.band_names = _band_names(file, shape[1], self.path)
            self.pixel_scale = _pixel_scale(file, self.path)  # [arcsec/pix]
            self.title = _text(file, "title")  # what the file says it holds, such as mock
            self.provenance = _json(_text(file, "provenance"))  # of a sample file
            self.description = _text(file, "description") or ""  # the same in a sentence
        self.rows = np.arange(shape[0])  # row in the file of each galaxy kept
        if non_finite == "drop":
            self.rows = np.flatnonzero(np.isfinite(redshift) & self._finite_pixels(shape[0]))
        self.dropped = shape[0] - len(self.rows)
        if leave_out:
            z = redshift[self.rows]
            self.rows = self.rows[~((z >= leave_out[0]) & (z < leave_out[1]))]
        self.shape = (len(self.rows), *shape[1:])
        self.redshift, self.object_id = redshift[self.rows], object_id[self.rows]
        self._check_redshift()
        if not len(self):
            raise UserError(f"{self.path}: image: no usable galaxy in {shape[0]} rows")

    def __len__(self) -> int:
        return len(self.rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None, "_process": None, "_mapped": None}

    def images(self, rows: slice | Sequence[int] | Ints) -> Floats:
        """Pixels of the given galaxies, in the order asked for, (n, C, H, W) float32 [count].

        Raises UserError where a pixel is not finite or the file cannot be read.
        """
        image = self.unchecked_images(rows)
        if not np.isfinite(image).all():
            finite = np.isfinite(image).all(axis=(1, 2, 3))
            raise UserError(
                f"{self.path}: image: row {self._kept(rows)[~finite][0]} has a non-finite pixel,"
                f" expected finite counts{self._remedy}"
            )
        return image

    def unchecked_images(self, rows: slice | Sequence[int] | Ints) -> Floats:
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

    def column(self, name: str) -> Array:
        """A dataset of the kept galaxies, as stored. Raises UserError where it is missing."""
        if name not in self._file():
            raise UserError(f"{self.path}: {name}: no such dataset")
        column: Array = self._file()[name][:]
        return column[self.rows]

    def numbers(self, names: Sequence[str]) -> Floats:
        """Columns of the kept galaxies, (N, names) float32, NaN where a value is not finite.

        Raises UserError for a column that is missing, or holds no number a galaxy.
        """
        held = np.empty((len(self), len(names)), np.float32)
        with open_hdf5(self.path) as file:
            count = len(file["image"])
            for place, name in enumerate(names):
                with np.errstate(over="ignore"):  # infinite then, and unknown
                    column = _vector(file, name, count, self.path)[self.rows].astype(np.float32)
                held[:, place] = np.where(np.isfinite(column), column, np.nan)
        return held

    def close(self) -> None:
        """Close this process's handle; the next read opens it again."""
        if self._handle is not None and self._process == os.getpid():
            self._handle.close()
        self._handle, self._process, self._mapped = None, None, None

    def _check_redshift(self) -> None:
        z = self.redshift
        outside = (z < 0) | (z > LARGEST)
        for bad, expected in (
            (~np.isfinite(z), "a finite number"),
            (outside, f"0 to {LARGEST:g}"),
        ):
            if bad.any():
                first = np.flatnonzero(bad)[0]
                remedy = "" if np.isfinite(z[first]) else self._remedy
                raise UserError(
                    f"{self.path}: specz_redshift: row {self.rows[first]} is {z[first]:g}, expected"
                    f" {expected}{remedy}"
                )

    def _kept(self, rows: slice | Sequence[int] | Ints) -> Ints:
        """Rows of the file, from rows among those kept."""
        return self.rows[rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.intp)]

    def _file(self) -> h5py.File:
        if self._process != os.getpid():  # a handle inherited through fork is left untouched
            self._handle, self._process = open_hdf5(self.path), os.getpid()
            self._mapped = _mapped(self._handle["image"], self.path)
        return self._handle

    def _read_images(self, rows: Ints) -> Floats:
        try:
            dataset = self._file()["image"]
            return read_rows(dataset, rows) if self._mapped is None else self._mapped[rows]
        except OSError as error:
            raise UserError(f"{self.path}: image: cannot be read, damaged? ({error})") from None

    def _finite_pixels(self, count: int) -> Bools:
        finite = np.empty(count, dtype=bool)
        for start in range(0, count, ROWS_PER_READ):
            rows = np.arange(start, min(start + ROWS_PER_READ, count))
            finite[rows] = np.isfinite(self._read_images(rows)).all(axis=(1, 2, 3))
        return finite


def write_galaxies(
    path: str | Path, columns: Mapping[str, Array], attributes: Mapping[str, Any] | None = None
) -> None:
    """Write columns of equal length as a file of the schema; whole or not at all."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns differ in length: {lengths}")
    write_columns(Path(path), columns, attributes)


def shared_bands(files: Iterable[GalaxyFile]) -> tuple[str, ...]:
    """The names of the bands of files that have as many: those that they say, or g, r, i, z, y.
    Raises UserError where two say other names."""
    files = list(files)
    named = [file for file in files if file.band_names]
    for file in named[1:]:
        if file.band_names != named[0].band_names:
            found, expected = (", ".join(f.band_names or ()) for f in (file, named[0]))
            raise UserError(
                f"{file.path}: bands: found {found}, expected {expected} as in {named[0].path}"
            )
    return (named[0].band_names if named else None) or BANDS[: files[0].shape[1]]


def _band_names(file: h5py.File, count: int, path: Path) -> tuple[str, ...] | None:
    """What the file calls its bands; None where it does not say. Raises UserError."""
    text = _text(file, "bands")
    if not text:
        return None
    names = tuple(text.split(","))
    if len(names) != count:
        raise UserError(f"{path}: bands: found the attribute {text!r}, expected {count} names")
    return names


def _pixel_scale(file: h5py.File, path: Path) -> float:
    """[arcsec/pix] as the file says, or the survey's. Raises UserError."""
    found = file.attrs.get("pixel_scale", PIXEL_SCALE)
    try:
        scale = float(found)
    except (TypeError, ValueError):
        scale = math.nan
    if not 0 < scale < math.inf:
        raise UserError(f"{path}: pixel_scale: found {found!r}, expected arcsec above 0")
    return scale


def _text(file: h5py.File, name: str) -> str | None:
    """A text attribute; None where there is none."""
    value = file.attrs.get(name)
    return value if isinstance(value, str) else None


def _json(text: str | None) -> dict[str, Any]:
    """The object that a text holds; empty where it holds none."""
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _mapped(dataset: h5py.Dataset, path: Path) -> Array | None:
    """The data set as a memory map; None where it is stored in chunks, compressed or not at all."""
    offset = dataset.id.get_offset()
    if offset is None or offset + dataset.id.get_storage_size() > path.stat().st_size:
        return None
    return np.memmap(path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)


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
    shape: tuple[int, ...] = image.shape
    return shape


def _dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    if not isinstance(file.get(name), h5py.Dataset):
        held = ", ".join(sorted(file)[:8]) or "nothing"
        raise UserError(f"{path}: {name}: no such dataset, the file holds {held}")
    return file[name]


def _vector(file: h5py.File, name: str, count: int, path: Path) -> Array:
    dataset = _dataset(file, name, path)
    if dataset.shape not in ((count,), (count, 1)):
        raise UserError(f"{path}: {name}: found shape {dataset.shape}, expected ({count},)")
    if dataset.dtype.kind not in "fiub":
        raise UserError(f"{path}: {name}: found dtype {dataset.dtype}, expected numbers")
    vector: Array = dataset[:].reshape(count)
    return vector


def _object_id(file: h5py.File, count: int, path: Path) -> Ints:
    """int64 all the way: ids have 17 digits, above 2^53, and float64 merges neighbours."""
    if "object_id" not in file:
        return np.arange(count, dtype=np.int64)
    return as_object_ids(_vector(file, "object_id", count, path), path)


def as_object_ids(ids: Array, path: Path) -> Ints:
    """Ids (N,) as int64. Raises UserError for one that is not whole, or that its type may have
    rounded."""
    exact = 2**63 if ids.dtype.kind in "iub" else 2 ** (np.finfo(ids.dtype).nmant + 1)
    whole = np.isfinite(ids) & (ids == np.round(ids)) if ids.dtype.kind == "f" else True
    bad = np.flatnonzero(~(whole & (ids < exact) & (ids >= -exact)))
    if len(bad):
        raise UserError(
            f"{path}: object_id: row {bad[0]} is {ids[bad[0]]} as {ids.dtype}, which does not hold"
            " every whole number of that size; expected int64"
        )
    return ids.astype(np.int64)
