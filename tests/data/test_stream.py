"""Batches addressed by a counter."""

import numpy as np
import pytest
import torch

from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.scaling import fit_scaling
from galddpm.data.stream import BatchStream, sample_rows
from galddpm.data.symmetries import all_turns, turned
from galddpm.errors import UserError
from helpers.galaxies import simple_galaxies, write_simple

COUNT, BATCH = 50, 8


@pytest.fixture(scope="module")
def galaxies(tmp_path_factory):
    path = tmp_path_factory.mktemp("stream") / "simple.hdf5"
    return GalaxyFile(write_simple(path, COUNT, size=8))


@pytest.fixture(scope="module")
def scaling(galaxies):
    return fit_scaling("asinh", galaxies.images(slice(None)))


@pytest.mark.parametrize("cache", ["none", "memory", "device", "memory_map"])
@pytest.mark.parametrize("symmetries", [False, True])
def test_every_cache_gives_the_same_batches(galaxies, scaling, tmp_path, cache, symmetries):
    options = {"seed": 5, "symmetries": symmetries, "cache_folder": tmp_path}
    stream = BatchStream(galaxies, scaling, BATCH, cache=cache, **options)
    reference = BatchStream(galaxies, scaling, BATCH, cache="none", **options)
    for index in (0, 1, 2, 9, 4):
        for got, expected in zip(stream(index)[:2], reference(index)[:2], strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=0)
    rows = stream.rows(3)
    pixels, redshift, _ = BatchStream(galaxies, scaling, BATCH, seed=5, cache="none")(3)
    np.testing.assert_array_equal(pixels.numpy(), scaling.encode(galaxies.images(rows)))
    np.testing.assert_array_equal(redshift.numpy(), galaxies.redshift[rows].astype(np.float32))


def test_each_galaxy_is_turned_by_itself_in_all_eight_ways(galaxies, scaling):
    plain, stream = (
        BatchStream(galaxies, scaling, BATCH, seed=5, symmetries=symmetries, cache="none")
        for symmetries in (False, True)
    )
    seen = []
    for index in range(12):
        turns = torch.stack(all_turns(plain(index).pixels), dim=1)
        same = (turns == stream(index).pixels[:, None]).flatten(2).all(dim=2)
        assert (same.sum(dim=1) == 1).all()
        seen.append(same.int().argmax(dim=1))
    assert len(torch.cat(seen).unique()) == 8
    assert max(len(batch.unique()) for batch in seen) > 3


def test_each_epoch_shows_every_galaxy_once_in_another_order(galaxies, scaling):
    stream = BatchStream(galaxies, scaling, BATCH, cache="none")
    seen = np.concatenate([stream.rows(index) for index in range(13)])
    first, second = seen[:COUNT], seen[COUNT : 2 * COUNT]
    np.testing.assert_array_equal(np.sort(first), np.arange(COUNT))
    np.testing.assert_array_equal(np.sort(second), np.arange(COUNT))
    assert (first != second).any()


def test_order_depends_on_the_seed_and_not_on_what_was_read_before(galaxies, scaling):
    stream = BatchStream(galaxies, scaling, BATCH, seed=1, cache="none")
    far = stream.rows(40)
    stream.rows(0)
    np.testing.assert_array_equal(stream.rows(40), far)
    other = BatchStream(galaxies, scaling, BATCH, seed=2, cache="none")
    assert (other.rows(40) != far).any()


def test_turned_gives_the_eight_symmetries():
    image = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(8, 1, 1, 1)
    out = turned(image, torch.arange(8))
    assert len({tuple(turn.flatten().tolist()) for turn in out}) == 8
    torch.testing.assert_close(out[0], image[0])
    torch.testing.assert_close(out[1], torch.rot90(image[1], 1, (-2, -1)))
    torch.testing.assert_close(out[4], image[4].flip(-1))


def test_sample_rows_are_fixed_and_distinct():
    rows = sample_rows(1000, 100, seed=3)
    np.testing.assert_array_equal(rows, sample_rows(1000, 100, seed=3))
    assert len(np.unique(rows)) == 100
    np.testing.assert_array_equal(sample_rows(5, 100, seed=3), np.arange(5))


def test_rare_redshifts_come_more_often(galaxies, scaling):
    stream = BatchStream(galaxies, scaling, len(galaxies), cache="none", rare_redshift_power=1.0)
    shown = np.concatenate([galaxies.redshift[stream.rows(epoch)] for epoch in range(20)])
    plain = galaxies.redshift
    far = np.quantile(plain, 0.9)
    assert (shown > far).mean() > 1.5 * (plain > far).mean()
    np.testing.assert_array_equal(stream.rows(3), stream.rows(3))


def test_further_columns_come_with_their_galaxies(tmp_path, scaling):
    columns = simple_galaxies(COUNT, size=8)
    columns["mag"] = np.where(np.arange(COUNT) == 7, np.inf, np.arange(COUNT) / 4)
    write_galaxies(tmp_path / "columns.hdf5", columns)
    galaxies = GalaxyFile(tmp_path / "columns.hdf5")
    stream = BatchStream(galaxies, scaling, BATCH, conditions=["mag", "object_id"])
    for index in range(7):
        rows, found = stream.rows(index), stream(index).conditions.numpy()
        expected = np.where(rows == 7, np.nan, rows / 4)
        np.testing.assert_array_equal(found[:, 0], expected.astype(np.float32))
        np.testing.assert_array_equal(found[:, 1], galaxies.object_id[rows].astype(np.float32))
    with pytest.raises(UserError, match="size: no such dataset"):
        BatchStream(galaxies, scaling, BATCH, conditions=["size"])
