"""A smaller file with the same distribution of redshifts."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from galddpm.data.galaxiesml import ROWS_PER_READ, GalaxyFile, open_hdf5
from galddpm.errors import UserError


def stratified_rows(redshift: NDArray, count: int, seed: int) -> NDArray:
    """`count` rows, sorted: one at random from each of `count` equal shares in redshift order.

    Every quantile of the subset is then that of the whole to 1 / count. Raises ValueError for a
    count that is not between 1 and the number of rows.
    """
    if not 1 <= count <= len(redshift):
        raise ValueError(f"found {count}, expected 1 to {len(redshift)}")
    order = np.argsort(redshift, kind="stable")
    edges = np.linspace(0, len(order), count + 1).astype(int)
    places = np.random.default_rng(seed).integers(edges[:-1], edges[1:])
    return np.sort(order[places])


def write_subset(
    source: Path, out: Path, count: int, seed: int, arguments: str, progress: Callable
) -> None:
    """Copy a stratified subset of all data sets with one row a galaxy; whole or not at all.

    dtypes and attributes stay; images are streamed. `arguments` is kept in the file's attributes.
    Raises UserError where the source is unusable or the count impossible.
    """
    galaxies = GalaxyFile(source)
    try:
        rows = stratified_rows(galaxies.redshift, count, seed)
    except ValueError as error:
        raise UserError(f"{source}: --count: {error}") from None
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".tmp")
    with open_hdf5(galaxies.path) as whole, h5py.File(temporary, "w") as part:
        for name, dataset in progress(list(whole.items()), desc="subset"):
            if isinstance(dataset, h5py.Dataset) and dataset.shape[:1] == (len(galaxies),):
                _copy_rows(dataset, part, name, rows)
        part.attrs.update(whole.attrs)
        part.attrs["arguments"] = arguments
    os.replace(temporary, out)


def _copy_rows(dataset: h5py.Dataset, part: h5py.File, name: str, rows: NDArray) -> None:
    copy = part.create_dataset(name, shape=(len(rows), *dataset.shape[1:]), dtype=dataset.dtype)
    for start in range(0, len(rows), ROWS_PER_READ):
        few = rows[start : start + ROWS_PER_READ]
        copy[start : start + len(few)] = dataset[few]
    copy.attrs.update(dataset.attrs)
