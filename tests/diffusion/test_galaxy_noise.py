"""One stream of normal numbers a galaxy, whoever its neighbours are."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from galddpm.diffusion.galaxy_noise import GalaxyNoise, as_noise_ids
from galddpm.errors import UserError
from galddpm.inference.evolution import INVERSION
from galddpm.inference.filling import FILLING
from galddpm.inference.generator import INSTRUMENT
from galddpm.inference.posterior import POSTERIOR

SHAPE = (2, 4, 4)


def test_a_galaxy_does_not_depend_on_its_neighbours_or_its_place():
    together, apart = GalaxyNoise(7, [3, 10**12, 5], SHAPE), GalaxyNoise(7, [5, 3], SHAPE)
    for _ in range(3):
        one, other = together(), apart()
        assert torch.equal(one[0], other[1])
        assert torch.equal(one[2], other[0])


def test_each_call_goes_on():
    noise, again = GalaxyNoise(7, [3], SHAPE), GalaxyNoise(7, [3], SHAPE)
    first, second = noise(), noise()
    assert not (first == second).any()
    assert torch.equal(again(), first)
    assert torch.equal(again(), second)


def test_no_two_seeds_or_galaxies_share_numbers():
    values = [GalaxyNoise(seed, range(4), SHAPE)().flatten() for seed in range(4)]
    assert len(torch.cat(values).unique()) == 4 * 4 * 32


def test_numbers_are_standard_normal_and_galaxies_independent():
    values = GalaxyNoise(0, range(400), (1, 10, 10))()
    assert values.dtype == torch.float32
    assert values.shape == (400, 1, 10, 10)
    assert kstest(values.flatten().numpy(), "norm").pvalue > 0.01
    table = values.flatten(1).numpy()
    neighbours = (table[1:] * table[:-1]).mean()
    assert abs(neighbours) < 4 / np.sqrt(399 * 100)


def test_no_galaxies_have_no_noise():
    assert GalaxyNoise(0, [], SHAPE)().shape == (0, *SHAPE)


def test_noise_ids_are_row_numbers_or_those_given():
    assert as_noise_ids(None, 3).tolist() == [0, 1, 2]
    assert as_noise_ids([2**63 - 1, 0], 2).tolist() == [2**63 - 1, 0]
    assert as_noise_ids(range(5, 7), 2).dtype == np.int64


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0], r"found shape \(1,\), expected one a redshift, \(2,\)"),
        ([0, -1], "found -1 to 0"),
        ([0.0, 1.0], "found float64"),
        ([0, 2**63], "expected whole numbers"),
        ([2**63, 2**63], "found 9223372036854775808"),
        ([2**70, 0], "found object"),
        (["a", "b"], "expected whole numbers"),
    ],
)
def test_impossible_noise_ids_are_refused(ids, message):
    with pytest.raises(UserError, match=f"noise_id: .*{message}"):
        as_noise_ids(ids, 2)


def test_each_use_has_numbers_of_its_own():
    """Else the instrument's noise would be the very numbers that the galaxy was drawn from."""
    uses = [0, INSTRUMENT, POSTERIOR, INVERSION, FILLING]
    assert len(set(uses)) == len(uses)
    values = [GalaxyNoise(7, [3], SHAPE, use=use)().flatten() for use in uses]
    assert len(torch.cat(values).unique()) == len(uses) * values[0].numel()


def test_the_numbers_of_a_galaxy_are_those_that_they_were():
    """Pinned: another key, or another way to draw, would make another galaxy of every seed."""
    found = GalaxyNoise(7, [3], SHAPE)().flatten()[:3].tolist()
    assert found == pytest.approx([-1.4470675, -0.9134207, -0.5155607], abs=1e-6)
