"""One pass over all pixels counts what is odd, whatever the size of a block."""

import numpy as np
import pytest

from galddpm.data import check
from galddpm.data.check import HUGE, count_pixels
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from helpers.galaxies import simple_galaxies


@pytest.mark.parametrize("block", [1, 4, 100])
def test_each_oddity_is_counted_by_galaxy(tmp_path, monkeypatch, block):
    columns = simple_galaxies(11, size=8)
    image = columns["image"]
    image[1, 2, 3, 3] = 1.1 * HUGE
    image[2, :, 0, 0] = -1.1 * HUGE  # in every band, and yet one galaxy
    image[3, 0, 4, 4] = 0.9 * HUGE
    image[4, 1] = 2.5  # equal pixels
    image[5, 1:3] = 0  # in two bands
    image[6, :, [0, -1]] = 0  # padding above and below
    image[7, 0, [0, -1]] = 0  # in one band only: no padding
    image[8, 0, 0, 0], image[10, 4, 7, 7] = np.nan, -np.inf
    image[8, 1] = 0  # of a broken galaxy nothing else is counted
    write_galaxies(tmp_path / "a.hdf5", columns, None)
    monkeypatch.setattr(check, "ROWS_PER_READ", block)
    found = count_pixels(GalaxyFile(tmp_path / "a.hdf5"), lambda blocks, **how: blocks)
    assert found.non_finite == [8, 10]
    assert (found.huge, found.constant, found.zero_border) == (2, 2, 1)


def test_a_plain_file_has_nothing_odd(tmp_path):
    write_galaxies(tmp_path / "a.hdf5", simple_galaxies(3, size=8), None)
    found = count_pixels(GalaxyFile(tmp_path / "a.hdf5"), lambda blocks, **how: blocks)
    assert found == check.PixelCounts()
