"""What is compared after so many seconds, on models whose errors are known."""

import numpy as np
import pytest
import torch

from galddpm.benchmarks import peers
from galddpm.benchmarks.contest import Contestant, HeldOut
from galddpm.benchmarks.quality import PEER_ATTENTION, PEER_CHANNELS, seconds_to
from galddpm.benchmarks.recipe import CHANGES
from galddpm.benchmarks.training import read_recipe

SKY = 0.05
CPU = torch.device("cpu")


class Passes:
    """Takes what it sees for light, or knows the light and errs by `share` of the noise."""

    def __init__(self, light, share=None):
        self.known, self.share = light, share

    def light(self, x, alpha, sigma, condition):
        alpha, sigma = (level[:, None, None, None] for level in (alpha, sigma))
        return x / alpha if self.share is None else self.known + self.share * sigma / alpha


def held_out():
    generator = torch.Generator().manual_seed(1)
    light = torch.rand(8, 5, 64, 64, generator=generator)
    own = SKY * torch.randn(light.shape, generator=generator)
    return HeldOut(light + own, light, torch.ones(8), SKY)


def test_the_error_is_in_units_of_the_noise():
    sides = held_out()
    assert sides.error(Passes(sides.light, 0.0)) == 0
    assert sides.error(Passes(sides.light, 0.3)) == pytest.approx(0.3, rel=1e-4)
    both = np.sqrt(1 + np.array([2, 8, 30, 120.0]) ** -2)  # the added noise, and the images' own
    expected = np.exp(np.log(both).mean())
    assert sides.error(Passes(sides.light)) == pytest.approx(expected, rel=0.01)


def test_when_an_error_was_reached():
    """An error that falls as exp(-t / 10), looked at every ten seconds."""
    curve = [(t, float(np.exp(-t / 10))) for t in (10.0, 20.0, 30.0)]
    assert seconds_to(np.exp(-2.3), curve) == pytest.approx(23.0)
    assert seconds_to(0.9, curve) == 10.0  # not looked at before
    assert seconds_to(0.01, curve) == np.inf


def test_a_contestant_trains_for_its_seconds_and_is_looked_at():
    taken = []
    contestant = Contestant(
        lambda: taken.append(torch.randn(300, 300).svd()), lambda: len(taken), CPU
    )
    contestant.train(0.05)
    contestant.train(0.1)
    assert contestant.steps == len(taken)
    assert [error for _, error in contestant.curve][-1] == len(taken)
    assert contestant.curve[-1][0] >= 0.1


def test_the_peer_is_as_large_and_called_as_ours_is():
    network = peers.RedshiftUNet(read_recipe("small"), PEER_CHANNELS, PEER_ATTENTION)
    x, t = torch.randn(2, 5, 64, 64), torch.tensor([3.5, 900.0])
    with torch.inference_mode():
        near, far = (network(x, t, torch.full((2,), z)) for z in (0.1, 2.0))
    assert near.shape == x.shape
    assert not torch.allclose(near, far)  # it sees the redshift
    hidden = sum(weight.numel() for weight in network.hidden_weights())
    assert 0.8 < hidden / peers.parameters(network) < 1


def test_every_change_of_the_recipe_is_one():
    recipe = read_recipe("small")
    assert [
        name for name, changes in CHANGES.items() if read_recipe("small", changes) == recipe
    ] == ["recipe"]
