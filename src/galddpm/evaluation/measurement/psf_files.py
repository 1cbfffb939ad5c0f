"""Where the PSFs come from: the survey's own, a file of them, or the galaxies' file.

All galaxies of a side share one PSF a band, or each has its own, which is read with its stamp.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from astropy.io import fits

from galddpm.arrays import Floats
from galddpm.data.galaxiesml import PSF
from galddpm.data.hdf5 import open_hdf5
from galddpm.errors import UserError
from galddpm.evaluation.measurement.psf import survey_psf

SEEN = 64  # galaxies, evenly spaced, whose PSFs stand for those of all


class Psfs(Protocol):
    """The PSFs of a side."""

    @property
    def origin(self) -> str:
        """In words."""

    def of(self, band: str, rows: range) -> Floats:
        """Of unit sum and odd size: (k, l) where all galaxies share it, else (n, k, l)."""

    def shared(self) -> "SharedPsfs":
        """One PSF a band for all galaxies."""

    def fingerprint(self, bands: Sequence[str]) -> str:
        """A hash of those of some bands."""


@dataclass(frozen=True)
class SharedPsfs:
    """One PSF a band."""

    origin: str
    planes: Mapping[str, Floats]  # band: (k, l)

    def of(self, band: str, rows: range) -> Floats:
        return self.planes[band]

    def shared(self) -> "SharedPsfs":
        return self

    def fingerprint(self, bands: Sequence[str]) -> str:
        return _hash(self.planes[band] for band in bands)


@dataclass(frozen=True)
class OwnPsfs:
    """One PSF a galaxy and band, (N, C, k, l), in an HDF5 or FITS file."""

    origin: str
    path: Path
    bands: tuple[str, ...]
    count: int

    def of(self, band: str, rows: range) -> Floats:
        with _opened(self.path) as stored:
            planes = stored[rows.start : rows.stop, self.bands.index(band)]
        place = f"{self.path}: {PSF}: rows {rows.start} to {rows.stop - 1}, band {band}"
        return normalised(planes, place)

    def shared(self) -> SharedPsfs:
        mean = {band: self._seen(band).mean(axis=0) for band in self.bands}
        return SharedPsfs(f"the mean of {self.origin}", mean)

    def fingerprint(self, bands: Sequence[str]) -> str:
        return _hash(self._seen(band) for band in bands)

    def _seen(self, band: str) -> Floats:
        rows = np.unique(np.linspace(0, self.count - 1, SEEN).astype(int))
        return np.concatenate([self.of(band, range(row, row + 1)) for row in rows.tolist()])


def survey_psfs(bands: Sequence[str]) -> SharedPsfs:
    """The default."""
    planes = {band: survey_psf(band) for band in bands}
    return SharedPsfs("Moffat profiles with the survey's median seeing and wings", planes)


def held_psfs(path: Path, bands: Sequence[str], count: int) -> Psfs | None:
    """The PSFs in an HDF5 file of `count` galaxies; None where it holds none.

    Raises UserError where they are no PSFs.
    """
    with open_hdf5(path) as file:
        if PSF not in file:
            return None
    return _psfs(path, bands, count, f"those in {path.name}")


def read_psf(path: str | Path, bands: Sequence[str], count: int) -> Psfs:
    """The PSFs of a FITS file: an image for all bands, a cube with a plane a band, or one cube for
    each of `count` galaxies.

    Raises UserError where the file cannot be read or what it holds are no PSFs.
    """
    return _psfs(Path(path), bands, count, f"those in {Path(path).name}")


def _psfs(path: Path, bands: Sequence[str], count: int, origin: str) -> Psfs:
    with _opened(path) as stored:
        shape = tuple(stored.shape)
        _check_shape(shape, path, bands, count)
        if len(shape) == 4:
            return OwnPsfs(origin, path.resolve(), tuple(bands), count)
        data = np.asarray(stored[:])
    planes = np.broadcast_to(data, (len(bands), *shape[-2:]))
    pairs = zip(bands, planes, strict=True)
    named = {band: normalised(plane, f"{path}: band {band}") for band, plane in pairs}
    return SharedPsfs(origin, named)


def normalised(planes: Floats, place: str) -> Floats:
    """PSFs (..., k, l) of unit sum, float64. Raises UserError where one has none."""
    planes = planes.astype(np.float64)
    sums = planes.sum(axis=(-2, -1), keepdims=True)
    if not np.isfinite(planes).all() or (sums <= 0).any():
        raise UserError(f"{place}: expected finite pixels of a positive sum")
    unit: Floats = planes / sums
    return unit


def _check_shape(shape: tuple[int, ...], path: Path, bands: Sequence[str], count: int) -> None:
    if len(shape) not in (2, 3, 4):
        raise UserError(
            f"{path}: {PSF}: found {len(shape)} axes, expected an image, a cube with a plane a"
            " band, or such a cube for each galaxy"
        )
    if len(shape) > 2 and shape[-3] != len(bands):
        raise UserError(
            f"{path}: {PSF}: found {shape[-3]} planes, expected one a band ({len(bands)})"
        )
    if len(shape) == 4 and shape[0] != count:
        raise UserError(
            f"{path}: {PSF}: found PSFs of {shape[0]} galaxies, expected one for each ({count})"
        )
    if shape[-1] % 2 == 0 or shape[-2] % 2 == 0:
        size = "{} x {}".format(*shape[-2:])
        raise UserError(
            f"{path}: {PSF}: found {size} pixels, expected an odd size, centred on a pixel"
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """What stores the PSFs, an array on disk: its shape, and its slices as they are asked for."""
    if path.is_file() and h5py.is_hdf5(path):
        with open_hdf5(path) as file:
            if PSF not in file:
                raise UserError(f"{path}: {PSF}: no such dataset, expected PSFs")
            yield file[PSF]
        return
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a FITS image of the PSF")
    try:
        with fits.open(path) as units:
            yield _first_image(units, path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as FITS ({error})") from None


def _first_image(units: fits.HDUList, path: Path) -> Any:
    for unit in units:
        if unit.is_image and unit.shape:
            return unit.section
    raise UserError(f"{path}: holds no image, expected a FITS image of the PSF")


def _hash(planes: Iterator[Floats]) -> str:
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()[:32]
