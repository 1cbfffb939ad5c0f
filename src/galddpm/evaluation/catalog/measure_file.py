"""Measures a whole file: one row a galaxy, in chunks that survive a kill, by several processes."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.catalog.table import (
    Catalog,
    read_catalog,
    recorded_arguments,
    write_catalog,
)
from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.stamp import (
    FLAGS,
    NUMBERS,
    STATUS,
    matched_fluxes,
    measure_found,
)
from galddpm.workers import results

Estimate = Callable[[np.ndarray], dict[str, np.ndarray]]  # images (B, C, H, W) [count] -> columns
ESTIMATED = 256  # images at a time
CHUNK = 32  # galaxies a task: a few seconds at most, which is what a kill costs


@dataclass(frozen=True)
class Measurement:
    """What to measure on a file, and with which PSF."""

    path: Path
    bands: tuple[str, ...]  # names of the file's bands, in order
    measured: tuple[str, ...]  # those that sources are looked for in; the first one leads
    psfs: Mapping[str, np.ndarray]  # by band; odd size, unit sum
    count: int  # galaxies, from the first row on
    statmorph: int  # of them, drawn at random, for statmorph
    selected: np.ndarray = field(init=False)  # (count,) bool

    def __post_init__(self):
        chosen = np.random.default_rng(0).permutation(self.count) < self.statmorph
        object.__setattr__(self, "selected", chosen)


def measure(
    measurement: Measurement,
    galaxies: GalaxyFile,
    out: Path,
    arguments: Mapping,
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
        for rows, columns in _measure_chunks(measurement, chunks, pool):
            parts.save(rows, columns)
            advance(len(rows))
        if not parts.finished:
            identity = {
                "row": np.arange(count),
                "object_id": galaxies.object_id[:count],
                "redshift": galaxies.redshift[:count],
            }
            bands = {"measured": measurement.measured, "bands": measurement.bands}
            seen = {} if estimate is None else estimate_redshifts(galaxies, count, estimate)
            write_catalog(out, with_redshifts(parts.gather(), seen), identity, arguments, **bands)
            parts.remove()
    return read_catalog(out)


def measure_rows(measurement: Measurement, rows: range) -> dict[str, np.ndarray]:
    """The columns of some rows, named BAND:COLUMN; and BAND:asinh, the mean of asinh(counts)."""
    # unchecked: a galaxy with a non-finite pixel keeps its row, which says so
    stamps = GalaxyFile(measurement.path).unchecked_images(rows).astype(np.float64)
    columns: dict[str, np.ndarray] = {}
    for index, band in enumerate(measurement.bands):
        with np.errstate(invalid="ignore"):  # a broken stamp has no mean
            columns[f"{band}:asinh"] = np.arcsinh(stamps[:, index]).mean(axis=(1, 2))
        if band not in measurement.measured:
            continue
        selected = measurement.selected[rows.start : rows.stop]
        found = [detect(image) for image in stamps[:, index]]
        table = measure_found(stamps[:, index], found, measurement.psfs[band], selected)
        if band == measurement.measured[0]:
            light = np.array(
                [matched_fluxes(*one) for one in zip(stamps, found, table, strict=True)]
            )
            columns |= {f"{b}:aperture": light[:, k] for k, b in enumerate(measurement.bands)}
        for name in (STATUS, *FLAGS, *NUMBERS):
            kind = "S10" if name == STATUS else np.int32 if name in FLAGS else np.float64
            columns[f"{band}:{name}"] = np.array([line[name] for line in table], dtype=kind)
    return columns


def estimate_redshifts(
    galaxies: GalaxyFile, count: int, estimate: Estimate
) -> dict[str, np.ndarray]:
    """The columns of `estimate` for the first `count` galaxies of a file."""
    starts = range(0, count, ESTIMATED)
    blocks = [
        estimate(galaxies.unchecked_images(range(start, min(start + ESTIMATED, count))))
        for start in starts
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def with_redshifts(
    columns: Mapping[str, np.ndarray], seen: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The columns with estimated redshifts in every measured band; the features stand alone."""
    columns = dict(columns)
    for name in [name for name in columns if name.endswith(":z_phot")]:
        band = name.removesuffix("z_phot")
        for key in ("z_phot", "z_phot_error"):
            columns[band + key] = seen.get(key, columns[band + key])
        known = np.isfinite(columns[name])
        columns[band + "flag"] = np.where(
            known, columns[band + "flag"] & ~int(Flag.NO_REDSHIFT), columns[band + "flag"]
        ).astype(np.int32)
    if "features" in seen:
        columns["features"] = seen["features"]
    return columns


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
) -> Iterator[tuple[range, dict[str, np.ndarray]]]:
    """Each chunk's rows and columns as they get ready, in any order."""
    work = partial(measure_rows, measurement)
    with one_thread() if pool is None else nullcontext():  # as in a process of a pool, so that the
        yield from results(pool, work, chunks)  # numbers are the same
