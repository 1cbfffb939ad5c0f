"""Measures a whole file: one row a galaxy, in chunks that survive a kill, by several processes."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from galddpm import processes
from galddpm.arrays import Array, Bools, Floats
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.catalog.table import (
    BRIGHTNESS,
    LIGHT,
    Catalog,
    Tables,
    read_catalog,
    recorded_arguments,
    write_catalog,
)
from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.psf_files import Psfs
from galddpm.evaluation.measurement.stamp import (
    FLAGS,
    NUMBERS,
    STATUS,
    matched_fluxes,
    measure_found,
)
from galddpm.workers import results


class Estimate(Protocol):
    """A redshift CNN, such as galddpm.inference.photoz.Estimator."""

    fingerprint: str  # what the estimates depend on

    @property
    def device(self) -> object:
        """Where it computes."""

    def __call__(self, flux: Floats) -> dict[str, Array]:
        """`z_phot`, `z_phot_error` (B,) and `features` (B, F) of images (B, C, H, W) [count]."""


ESTIMATED = 256  # images at a time
CHUNK = 64  # galaxies a task: a few seconds at most, which is what a kill costs
REDSHIFTS = ("z_phot", "z_phot_error")


@dataclass(frozen=True)
class Measurement:
    """What to measure on a file, and with which PSF."""

    path: Path
    bands: tuple[str, ...]  # names of the file's bands, in order
    measured: tuple[str, ...]  # those that sources are looked for in; the first one leads
    psfs: Psfs
    count: int  # galaxies, from the first row on
    statmorph: int  # of them, drawn at random, for statmorph
    selected: Bools = field(init=False)  # (count,) bool

    def __post_init__(self) -> None:
        chosen = np.random.default_rng(0).permutation(self.count) < self.statmorph
        object.__setattr__(self, "selected", chosen)


def measure(
    measurement: Measurement,
    galaxies: GalaxyFile,
    out: Path,
    arguments: Mapping[str, Any],
    *,
    overwrite: bool = False,
    pool: Executor | None = None,
    advance: Callable[[int], object] = lambda galaxies: None,
    estimate: Estimate | None = None,
) -> Catalog:
    """The catalog of a file, written to `out` as FITS; goes on where an earlier call stopped.

    arguments: what determines the result, recorded in the file. advance: told how many galaxies
    were finished. estimate: redshifts of images, for `z_phot`.
    Raises UserError where `out` was made otherwise or the file cannot be read.
    """
    count = measurement.count
    with ChunkedOutput(out, arguments, count, CHUNK, overwrite, recorded_arguments) as parts:
        chunks = [] if parts.finished else parts.missing()
        advance(count - sum(map(len, chunks)))
        for rows, tables in _measure_chunks(measurement, chunks, pool):
            parts.save(rows, _flat(tables))
            advance(len(rows))
        processes.wait()  # until all have saved their share
        if not parts.finished and processes.is_first():
            identity = {
                "row": np.arange(count),
                "object_id": galaxies.object_id[:count],
                "redshift": galaxies.redshift[:count],
            }
            tables, features = _nested(parts.gather(), measurement), None
            if estimate is not None:
                seen = estimate_redshifts(galaxies, count, estimate)
                tables, features = with_redshifts(tables, seen), seen["features"]
            write_catalog(out, tables, identity, arguments, features)
            parts.remove()
    processes.wait()  # for the first to have written it
    return read_catalog(out)


def measure_rows(measurement: Measurement, rows: range) -> Tables:
    """Some rows of each table: one of each measured band, and one of the light in all bands."""
    # unchecked: a galaxy with a non-finite pixel keeps its row, which says so
    stamps = GalaxyFile(measurement.path).unchecked_images(rows).astype(np.float64)
    selected = measurement.selected[rows.start : rows.stop]
    light, tables = {}, {}
    for band, images in zip(measurement.bands, stamps.swapaxes(0, 1), strict=True):
        with np.errstate(invalid="ignore"):  # a broken stamp has no mean
            light[f"asinh_{band}"] = np.arcsinh(images).mean(axis=(1, 2))
        if band in measurement.measured:
            found = [detect(image) for image in images]
            psf = measurement.psfs.of(band, rows)
            table = measure_found(images, found, psf, selected)
            tables[band] = _columns(table)
        if band == measurement.measured[0]:
            same = zip(stamps, found, table, strict=True)
            with np.errstate(invalid="ignore"):  # nor has it a flux
                aperture = np.array([matched_fluxes(*galaxy) for galaxy in same])
    for band, flux in zip(measurement.bands, aperture.T, strict=True):
        light[f"aperture_{band}"] = flux
    return {**tables, BRIGHTNESS: light}


def estimate_redshifts(galaxies: GalaxyFile, count: int, estimate: Estimate) -> dict[str, Array]:
    """The columns of `estimate` for the first `count` galaxies of a file."""
    starts = range(0, count, ESTIMATED)
    blocks = [
        estimate(galaxies.unchecked_images(range(start, min(start + ESTIMATED, count))))
        for start in starts
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def with_redshifts(tables: Tables, seen: Mapping[str, Array]) -> Tables:
    """The tables with estimated redshifts in every measured band, and their flag taken off."""
    flag = np.where(np.isfinite(seen["z_phot"]), int(Flag.NO_REDSHIFT), 0).astype(np.int32)
    estimated = {name: seen[name] for name in REDSHIFTS}
    return {
        name: table if name == BRIGHTNESS else {**table, **estimated, "flag": table["flag"] & ~flag}
        for name, table in tables.items()
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread; sums come out alike wherever they are made."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measure_chunks(
    measurement: Measurement, chunks: list[range], pool: Executor | None
) -> Iterator[tuple[range, Tables]]:
    """Each chunk's rows and tables as they get ready, in any order."""
    work = partial(measure_rows, measurement)
    with one_thread() if pool is None else nullcontext():  # as in a process of a pool, so that the
        yield from results(pool, work, chunks)  # numbers are the same


def _columns(table: list[dict[str, Any]]) -> dict[str, Array]:
    """Rows as columns, each of one type."""
    kinds: dict[str, Any] = {
        STATUS: "S10",
        **dict.fromkeys(FLAGS, np.int32),
        **dict.fromkeys(NUMBERS, np.float64),
    }
    return {name: np.array([row[name] for row in table], kind) for name, kind in kinds.items()}


def _flat(tables: Tables) -> dict[str, Array]:
    """TABLE/COLUMN, as HDF5 names what lies in groups."""
    return {f"{t}/{name}": column for t, table in tables.items() for name, column in table.items()}


def _nested(columns: Mapping[str, Array], measurement: Measurement) -> Tables:
    """Undo `_flat`, in the order that a catalog has."""
    light = [f"{kind}_{band}" for kind in LIGHT for band in measurement.bands]
    order = {**dict.fromkeys(measurement.measured, (STATUS, *FLAGS, *NUMBERS)), BRIGHTNESS: light}
    return {
        table: {name: columns[f"{table}/{name}"] for name in names}
        for table, names in order.items()
    }
