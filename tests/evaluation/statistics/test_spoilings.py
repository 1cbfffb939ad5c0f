"""Each fault does to a galaxy what its name says."""

import numpy as np
import pytest

from galddpm.evaluation.statistics.spoilings import SPOILINGS, blurred, flat_in_the_middle, lumpy

RNG = np.random.default_rng(0)
SIGMA = np.full((2, 1, 1), 0.1, dtype=np.float32)


@pytest.fixture
def galaxy() -> np.ndarray:
    y, x = np.mgrid[:64, :64] - 31.5
    light = 10 * np.exp(-np.hypot(y, x) / 3)
    return np.stack([light, 2 * light])[None].astype(np.float32)


@pytest.mark.parametrize("name", SPOILINGS)
def test_a_fault_changes_the_galaxy_and_leaves_the_original(galaxy, name):
    before = galaxy.copy()
    spoilt = SPOILINGS[name](galaxy, SIGMA, RNG)
    assert spoilt.shape == galaxy.shape
    assert not np.array_equal(spoilt, galaxy)
    np.testing.assert_array_equal(galaxy, before)


def test_lumps_add_their_share_of_the_light(galaxy):
    added = (lumpy(galaxy, SIGMA, RNG) - galaxy).sum(axis=(2, 3))
    y, x = np.mgrid[:64, :64] - 31.5
    inside = galaxy[..., np.hypot(y, x) < 12].sum(axis=-1)
    np.testing.assert_allclose(added, 0.05 * inside, rtol=1e-3)


def test_a_blur_and_a_flat_core_keep_the_light(galaxy):
    for spoil in (blurred, flat_in_the_middle):
        np.testing.assert_allclose(
            spoil(galaxy, SIGMA, RNG).sum(axis=(2, 3)), galaxy.sum(axis=(2, 3)), rtol=1e-3
        )
    core = flat_in_the_middle(galaxy, SIGMA, RNG)[0, 0, 31:33, 31:33]
    assert np.ptp(core) == 0
