"""Defects: at their rates, and only what they name."""

import numpy as np

from galddpm.mock import defects
from galddpm.mock.profiles import Knots
from galddpm.mock.surroundings import Star


def sky(seed=0):
    return np.random.default_rng(seed).normal(0, 0.05, (5, 64, 64)).astype(np.float32)


def test_defects_come_at_their_rates():
    rng, empty, named = np.random.default_rng(0), np.zeros((5, 32, 32), np.float32), []
    for _ in range(3000):
        named.append(defects.draw_defects(np.ones_like(empty), empty, (), rng))
    for name, rate in defects.RATES.items():
        share = np.mean([name in one for one in named])
        assert abs(share - rate) < 4 * np.sqrt(rate / 3000)


def test_zeros_are_a_band_or_an_area_beyond_an_edge():
    rng = np.random.default_rng(4)
    image = sky()
    defects._zero_band(image, rng)
    assert (image == 0).all(axis=(1, 2)).sum() == 1
    for _ in range(20):
        image = sky()
        defects._zero_area(image, rng)
        assert (image[:, 32, 32] != 0).all()  # the galaxy stays
        assert (image == 0).any()


def test_artefacts_are_few_pixels_of_one_band():
    image = sky()
    before = image.copy()
    defects._artefact(image, np.random.default_rng(1))
    changed = image != before
    assert changed.any(axis=(1, 2)).sum() == 1
    assert 1 <= changed.sum() <= 5
    assert np.abs(image[changed]).max() > 1


def test_a_saturated_star_is_clipped_and_bleeds_along_its_column():
    star = Star(16.0, Knots(np.full(5, 10**4.4), np.array([[5.0, -3.0]]), np.ones(1)))
    rows, columns = np.indices((127, 127))
    core = 1500 * np.exp(-0.5 * ((columns - 68) ** 2 + (rows - 60) ** 2) / 2.0**2)
    image = np.repeat(core[None], 5, 0).astype(np.float32)
    name = defects.draw_defects(image, np.zeros_like(image), (star,), np.random.default_rng(0))
    assert "saturated star" in name
    assert image.max() <= defects.FULL_WELL * 1.001
    assert (image[:, 50:70, 68] > 300).all()
    assert image[2, 60, 20] < 5


def test_haloes_are_over_subtracted():
    light = np.zeros((5, 127, 127), np.float32)
    light[:, 63, 63] = 25_000
    made = []
    for seed in range(20):
        image = light.copy()
        defects.draw_defects(image, light, (), np.random.default_rng(seed))
        made.append(image[:, 80, 80] - image[:, 0, 0])  # near the galaxy, and far from it
    made = np.mean(made, axis=0)
    expected = -25_000 * np.mean(defects.OVER_SUBTRACTED) / (2 * np.pi * defects.SKY_MESH**2)
    near, far = (np.exp(-(d**2) / defects.SKY_MESH**2) for d in (17, 63))
    np.testing.assert_allclose(made, expected * (near - far), rtol=0.4)
