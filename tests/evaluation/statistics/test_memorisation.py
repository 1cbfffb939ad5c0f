"""Copies under noise, twins, and distances by hand."""

import numpy as np
import pytest
import torch

from galddpm.evaluation.statistics import memorisation
from galddpm.evaluation.statistics.memorisation import (
    COMPONENTS,
    Space,
    compare_memory,
    find_space,
    nearest,
    unique_fraction,
    vectors,
)
from helpers.galaxies import NOISE, simple_galaxies

SIGMA = np.array(NOISE)
LINE = Space(torch.zeros(1), torch.ones(1, 1))  # vectors of one pixel are places on a line


def point(*values):
    """Vectors of one pixel each, which every symmetry leaves alone."""
    return torch.tensor(values).reshape(-1, 1, 1, 1)


def places(*values):
    return LINE.place(point(*values))


def noisy(image, seed):
    rng = np.random.default_rng(seed)
    return image + SIGMA[:, None, None] * rng.standard_normal(image.shape)


@pytest.fixture(scope="module")
def sets() -> dict[str, np.ndarray]:
    training = simple_galaxies(600, seed=1)["image"]
    return {"training": training, "real": simple_galaxies(300, seed=2)["image"]}


@pytest.fixture(scope="module")
def known(sets):
    real = vectors(sets["real"], SIGMA)
    space = find_space(real)
    return real, space, space.place(vectors(sets["training"], SIGMA))


def test_units_drop_out_and_broken_pixels_are_dark():
    image = np.random.default_rng(0).normal(0, 3, (3, 2, 16, 16))
    sigma = np.array([0.1, 0.4])
    torch.testing.assert_close(
        vectors(image, sigma), vectors(7 * image, 7 * sigma), atol=1e-4, rtol=1e-3
    )
    broken, dark = image.copy(), image.copy()
    broken[0, 0, 8, 8], dark[0, 0, 8, 8] = np.nan, 0
    torch.testing.assert_close(vectors(broken, sigma), vectors(dark, sigma))


def test_a_galaxy_moved_by_a_pixel_is_nearly_the_same(sets):
    image = sets["real"][:40]
    there = vectors(np.roll(image, (1, -1), (2, 3)), SIGMA)
    moved = (there - vectors(image, SIGMA)).flatten(1).norm(dim=1)
    others = (there - vectors(image, SIGMA).roll(1, 0)).flatten(1).norm(dim=1)
    assert (moved / others).median() < 0.25


def test_axes_are_orthonormal_and_keep_most_of_what_differs(known):
    real, space, _ = known
    torch.testing.assert_close(space.axes.T @ space.axes, torch.eye(COMPONENTS), atol=1e-4, rtol=0)
    whole = (real.flatten(1) - space.mean).square().sum()
    assert space.place(real).square().sum() > 0.8 * whole


def test_distances_by_hand():
    training = places(0.0, 10.0, 30.0, 70.0)
    found = nearest(point(1.0, 18.0), training, LINE)
    assert found.tolist() == [[1.0, 9.0, 29.0], [8.0, 12.0, 18.0]]
    assert nearest(point(0.0, 10.0), places(0.0, 10.0), LINE, own=True)[:, 0].tolist() == [10, 10]


def test_blocks_change_no_distance(known, monkeypatch):
    real, space, training = known
    whole = nearest(real[:20], training, space)
    monkeypatch.setattr(memorisation, "BLOCK", 70)
    torch.testing.assert_close(nearest(real[:20], training, space), whole)


def test_ratio_by_hand():
    training = places(0.0, 1000.0, 1001.0)
    real = point(*np.linspace(1.0, 101.0, 101).tolist())  # the 1 % quantile lies at 2 / 999
    found = compare_memory(real, point(0.5, 1.5, 51.0, 102.0, 60.0, 51.0), training, LINE)
    assert (found["n_real"], found["n_generated"], found["n_training"]) == (101, 6, 3)
    assert found["copied_fraction"] == pytest.approx(2 / 6)
    assert (found["median_real"], found["median_generated"]) == (51, 51)
    assert compare_memory(real, real, places(0.0), LINE)["copied_fraction"] is None


@pytest.mark.parametrize("shift", [0, 1])
def test_training_galaxies_under_fresh_noise_are_copies(sets, known, shift):
    real, space, training = known
    image = np.roll(noisy(sets["training"][:200], 3), (shift, shift), (2, 3))
    found = compare_memory(real, vectors(image, SIGMA), training, space)
    assert found["copied_fraction"] > 0.6


def test_galaxies_never_seen_are_no_copies(known):
    real, space, training = known
    own = vectors(simple_galaxies(200, seed=4)["image"], SIGMA)
    assert compare_memory(real, own, training, space)["copied_fraction"] < 0.05


def test_real_galaxies_that_are_training_galaxies_give_no_ratio(known):
    real, space, _ = known
    assert compare_memory(real, real, space.place(real), space)["median_ratio"] is None


def test_ten_galaxies_under_thirty_noises_are_not_unique(sets, known):
    real, space, _ = known
    few = noisy(sets["training"][:10].repeat(30, axis=0), 5)
    assert unique_fraction(vectors(few, SIGMA), real, space) < 0.2
    own = vectors(sets["training"][:300], SIGMA)
    unique = unique_fraction(own, real, space)
    assert unique > 0.98
    twins = torch.cat([real[:-1], real[:1]])  # one duplicate pair among the real ones
    assert unique_fraction(own, twins, space) == pytest.approx(unique, abs=0.005)
