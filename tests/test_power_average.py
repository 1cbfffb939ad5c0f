"""Averages whose length is chosen after training: closed forms of arXiv:2312.02696, section 3."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from galddpm.errors import UserError
from galddpm.training.power_average import (
    EVERY,
    WIDTHS,
    PowerAverages,
    averaged,
    exponent,
    product,
    weights_of,
)


@pytest.mark.parametrize(("width", "expected"), [(0.05, 16.97), (0.10, 6.94), (0.25, None)])
def test_exponents(width, expected):
    found = exponent(width)
    moments = [quad(lambda x, n=n: (found + 1) * x ** (found + n), 0, 1)[0] for n in (1, 2)]
    assert np.sqrt(moments[1] - moments[0] ** 2) == pytest.approx(width, rel=1e-6)
    if expected:  # as quoted in section 3.1
        assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("width", [0.0, -0.1, 0.29, 1.5])
def test_impossible_widths_are_refused(width):
    with pytest.raises(ValueError, match="width of an average"):
        exponent(width)


@pytest.mark.parametrize(("a", "b"), [((1.0, 3.0), (1.0, 3.0)), ((4.0, 7.0), (9.0, 17.0))])
def test_products_of_profiles_are_their_integrals(a, b):
    def profile(tau, t, g):
        return (g + 1) * tau**g / t ** (g + 1) if tau <= t else 0.0

    end = min(a[0], b[0])
    expected = quad(lambda tau: profile(tau, *a) * profile(tau, *b), 0, end)[0]
    assert product(a, b) == pytest.approx(expected, rel=1e-6)
    assert product(b, a) == pytest.approx(expected, rel=1e-6)


def test_a_profile_that_is_held_is_found_again():
    held = [(t, exponent(width)) for t in (100.0, 200.0, 300.0) for width in WIDTHS]
    np.testing.assert_allclose(weights_of(held, held[-1]), [0, 0, 0, 0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("width", [0.03, 0.07, 0.15, 0.22])
def test_the_mean_time_of_a_made_average_is_that_of_its_profile(width):
    end = 800.0
    held = [(t, exponent(kept)) for t in np.linspace(100, end, 8) for kept in WIDTHS]
    weights = weights_of(held, (end, exponent(width)))
    assert weights.sum() == pytest.approx(1.0)
    times = [t * (g + 1) / (g + 2) for t, g in held]
    wanted = exponent(width)
    assert weights @ times == pytest.approx(end * (wanted + 1) / (wanted + 2), rel=0.02)


class Walk:
    """A weight that wanders, so that averages of other lengths are other numbers."""

    def __init__(self, steps):
        rng = np.random.default_rng(0)
        self.path = np.cumsum(rng.standard_normal((steps + 1, 50)), axis=0).astype("f4")
        self.model = torch.nn.Linear(50, 1, bias=False)

    def at(self, step):
        self.model.weight.data.copy_(torch.from_numpy(self.path[step])[None])
        return self.model

    def average(self, width):
        """By summation over all steps."""
        share = np.diff(np.linspace(0, 1, len(self.path)) ** (exponent(width) + 1))
        return share @ self.path[1:]


def walked(folder, steps=1600, snapshots=8):
    walk = Walk(steps)
    averages = PowerAverages(walk.model, folder)
    for step in range(1, steps + 1):
        averages.update(walk.at(step), step)
        if step % (steps // snapshots) == 0:
            averages.save(step)
    return walk


@pytest.mark.parametrize("width", [0.05, 0.10, 0.07, 0.15, 0.20])
def test_a_made_average_is_nearly_the_one_that_was_not_kept(tmp_path, width):
    walk = walked(tmp_path)
    found = averaged(tmp_path, width)["weight"][0].numpy()
    expected = walk.average(width)
    others = [walk.average(width * factor) for factor in (0.8, 1.25)]
    error = np.linalg.norm(found - expected)
    assert error < 0.5 * min(np.linalg.norm(other - expected) for other in others)
    assert error < 0.05 * np.linalg.norm(expected)


def test_state_and_load_go_on_to_the_same_bits(tmp_path):
    walk = Walk(8 * EVERY)
    whole = PowerAverages(walk.model, tmp_path)
    for step in range(1, 8 * EVERY + 1):
        whole.update(walk.at(step), step)
        if step == 4 * EVERY:
            half = {name: tensor.clone() for name, tensor in whole.state().items()}
    resumed = PowerAverages(walk.model, tmp_path)
    resumed.load(half)
    for step in range(4 * EVERY + 1, 8 * EVERY + 1):
        resumed.update(walk.at(step), step)
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, resumed.state()[name])


def test_without_snapshots_there_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="train with training.snapshot_every"):
        averaged(tmp_path, 0.1)
    walked(tmp_path, steps=64)
    with pytest.raises(UserError, match=r"found 0.5, expected more than 0, up to 0.28"):
        averaged(tmp_path, 0.5)
