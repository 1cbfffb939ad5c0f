"""A smaller file: a range of redshifts, a half, or fewer galaxies of the same distribution."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import PSF, ROWS_PER_READ, GalaxyFile
from galddpm.data.hdf5 import new_hdf5, open_hdf5, read_rows
from galddpm.errors import UserError
from galddpm.interrupts import raise_if_requested


def stratified_rows(redshift: Floats, count: int, seed: int) -> Ints:
    """`count` rows, sorted: one at random from each of `count` equal shares in redshift order.

    Every quantile of the subset is then that of the whole to 1 / count. Raises ValueError for a
    count that is not between 1 and the number of rows.
    """
    if not 1 <= count <= len(redshift):
        raise ValueError(f"--count: found {count}, expected 1 to {len(redshift)}")
    order = np.argsort(redshift, kind="stable")
    edges = np.linspace(0, len(order), count + 1).astype(int)
    places = np.random.default_rng(seed).integers(edges[:-1], edges[1:])
    return np.sort(order[places])


def chosen_rows(
    redshift: Floats, span: Sequence[float] | None, half: int | None, count: int | None, seed: int
) -> Ints:
    """Rows, sorted, of the redshifts in [span[0], span[1]), all or a stratified `count` of them.

    half: 1 or 2, of every two neighbours in redshift the one or the other; None: both.
    Raises ValueError where there are none, or fewer than `count`.
    """
    low, high = span or (-np.inf, np.inf)
    rows = np.flatnonzero((redshift >= low) & (redshift < high))
    if not len(rows):
        raise ValueError(f"no galaxy has a redshift from {low:g} to {high:g}")
    if half is not None:
        rows = np.sort(rows[np.argsort(redshift[rows], kind="stable")[half - 1 :: 2]])
    return rows if count is None else rows[stratified_rows(redshift[rows], count, seed)]


def write_subset(
    source: Path,
    out: Path,
    span: Sequence[float] | None,
    half: int | None,
    count: int | None,
    seed: int,
    arguments: str,
    progress: Callable[..., Any],
) -> int:
    """Copy `chosen_rows` of all data sets with one row a galaxy, and the PSF that all galaxies
    share, whole or not at all; how many.

    dtypes and attributes stay; images are streamed. `arguments` is kept in the file's attributes.
    Raises UserError where the source is unusable or has no such rows.
    """
    galaxies = GalaxyFile(source)
    try:
        rows = chosen_rows(galaxies.redshift, span, half, count, seed)
    except ValueError as error:
        raise UserError(f"{source}: {error}") from None
    with open_hdf5(galaxies.path) as whole:
        columns = {
            name: dataset
            for name, dataset in whole.items()
            if isinstance(dataset, h5py.Dataset) and dataset.shape[:1] == (len(galaxies),)
        }
        shared = (
            {PSF: columns.pop(PSF, whole[PSF])} if PSF in whole and whole[PSF].ndim == 3 else {}
        )
        layout = {name: ((len(rows), *c.shape[1:]), c.dtype) for name, c in columns.items()}
        layout |= {name: (dataset.shape, dataset.dtype) for name, dataset in shared.items()}
        with new_hdf5(out, layout, {**whole.attrs, "arguments": arguments}) as part:
            for name, dataset in shared.items():
                part[name][...] = dataset[...]
            for name, column in progress(list(columns.items()), desc="writing", unit="column"):
                _copy_rows(column, part[name], rows)
    return len(rows)


def _copy_rows(source: h5py.Dataset, copy: h5py.Dataset, rows: Ints) -> None:
    for start in range(0, len(rows), ROWS_PER_READ):
        raise_if_requested()
        few = rows[start : start + ROWS_PER_READ]
        copy[start : start + len(few)] = read_rows(source, few)
    copy.attrs.update(source.attrs)
