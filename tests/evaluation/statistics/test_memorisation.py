"""Vectors of stamps, distances to the nearest and twins, by hand."""

import numpy as np
import pytest
import torch

from galddpm.data.symmetries import all_turns
from galddpm.evaluation.statistics import memorisation
from galddpm.evaluation.statistics.memorisation import (
    SOFTENING,
    compare_memory,
    nearest,
    unique_fraction,
    vectors,
)


def drawn(count, seed, side=4):
    return torch.randn(count, 2, side, side, generator=torch.Generator().manual_seed(seed))


def point(*values):
    """Vectors of one pixel each, which every symmetry leaves alone."""
    return torch.tensor(values).reshape(-1, 1, 1, 1)


def test_a_vector_is_the_stretched_centre_in_blocks_of_four_pixels():
    image = np.full((1, 2, 8, 8), 99.0)  # the outer pixels are neighbours' and not looked at
    image[:, :, 2:6, 2:6] = 0
    image[0, 0, 2, 2], image[0, 1, 5, 4] = np.sinh(4) * SOFTENING * 0.1, np.sinh(-8) * SOFTENING
    found = vectors(image, np.array([0.1, 1.0]))
    expected = torch.zeros(1, 2, 2, 2)
    expected[0, 0, 0, 0], expected[0, 1, 1, 1] = 1, -2  # of one pixel in four
    torch.testing.assert_close(found, expected)


def test_units_drop_out_and_broken_pixels_are_dark():
    image = np.random.default_rng(0).normal(0, 3, (3, 2, 16, 16))
    sigma = np.array([0.1, 0.4])
    torch.testing.assert_close(vectors(image, sigma), vectors(7 * image, 7 * sigma))
    broken, dark = image.copy(), image.copy()
    broken[0, 0, 8, 8], dark[0, 0, 8, 8] = np.nan, 0
    torch.testing.assert_close(vectors(broken, sigma), vectors(dark, sigma))


def test_the_eight_symmetries_are_all_different_and_hold_the_same_pixels():
    turns = all_turns(torch.arange(9.0).reshape(1, 1, 3, 3))
    assert len({tuple(turn.flatten().tolist()) for turn in turns}) == 8
    assert all(turn.sort().values.sum() == 36 for turn in turns)
    corners = {tuple(turn[0, 0, [0, 0, 2, 2], [0, 2, 2, 0]].tolist()) for turn in turns}
    assert corners == {
        (0, 2, 8, 6), (2, 8, 6, 0), (8, 6, 0, 2), (6, 0, 2, 8),
        (2, 0, 6, 8), (0, 6, 8, 2), (6, 8, 2, 0), (8, 2, 0, 6),
    }  # fmt: skip


def test_distances_by_hand():
    training = point(0.0, 10.0, 30.0)
    assert nearest(point(1.0, 18.0, 31.5), training).tolist() == [1.0, 8.0, 1.5]
    assert nearest(training, training, own=True).tolist() == [10.0, 10.0, 20.0]
    assert nearest(point(1.0), training[:1], own=True).tolist() == [torch.inf]


def test_blocks_change_no_distance(monkeypatch):
    image, training = drawn(7, 0), drawn(20, 1)
    whole, own = nearest(image, training), nearest(training, training, own=True)
    monkeypatch.setattr(memorisation, "BLOCK", 6)
    torch.testing.assert_close(nearest(image, training), whole)
    torch.testing.assert_close(nearest(training, training, own=True), own)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(nearest(image, training[order]), whole)


def test_a_twin_is_nearer_than_half_of_the_least_real_distance():
    real = point(0.0, 10.0, 14.0)  # least distance 4: twins lie within 2
    assert unique_fraction(point(0.0, 1.9, 50.0, 52.1), real) == 0.5
    assert unique_fraction(point(0.0, 2.1, 50.0, 52.1), real) == 1
    assert unique_fraction(point(0.0, 0.1, 0.2), real) == 0


def test_ratio_and_share_of_copies_by_hand():
    training = point(0.0)
    real = point(*np.arange(1.0, 102.0).tolist())  # the 1 % quantile lies at 2, the median at 51
    found = compare_memory(real, point(0.5, 1.5, 3.0, 102.0, -200.0, 60.0, 51.0), training)
    assert (found["n_real"], found["n_generated"], found["n_training"]) == (101, 7, 1)
    assert found["copied_fraction"] == pytest.approx(2 / 7)
    assert (found["median_real"], found["median_generated"]) == (51, 51)
    assert found["median_ratio"] == 1
    assert compare_memory(real, 3 * real, training)["median_ratio"] == pytest.approx(3)


def test_real_galaxies_that_are_training_galaxies_give_no_ratio():
    training = drawn(20, 0)
    assert compare_memory(training, drawn(20, 1), training)["median_ratio"] is None
