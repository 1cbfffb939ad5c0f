"""Likelihoods under a denoiser, where both are known in closed form."""

import numpy as np
import pytest
import torch

from galddpm.diffusion.likelihood import integration_ratios, log_likelihoods

SPREAD = 0.7  # standard deviation of a pixel around its condition
SHAPE = (2, 4, 4)
RATIOS = integration_ratios(200, 0.05, 100.0)


def ideal(x, level, condition):
    """E[y | x] of white images of a mean that the condition gives, and of standard deviation
    SPREAD."""
    alpha, sigma = level
    share = (alpha * SPREAD) ** 2 / ((alpha * SPREAD) ** 2 + sigma**2)
    mean = condition[:, None, None, None]
    return mean + share * (x / alpha - mean)


def exact(y, condition):
    """ln p(y_r1 | z) of such images under the last noise, on average over it."""
    variance = SPREAD**2 + 0.05**2
    square = (y[:, None] - condition[:, :, None, None, None]).square().sum(dim=(2, 3, 4))
    return -square / (2 * variance)  # but for what all conditions share


def drawn():
    """The next noise; the same numbers in each test."""
    generator = torch.Generator().manual_seed(1)
    return lambda: torch.randn((3, *SHAPE), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("together", [1, 5, 100])
def test_differences_are_those_of_the_densities(together):
    generator = torch.Generator().manual_seed(0)
    y = 0.4 + SPREAD * torch.randn((3, *SHAPE), generator=generator, dtype=torch.float64)
    condition = torch.tensor([[0.0, 0.4, 1.5]], dtype=torch.float64).repeat(3, 1)
    found = log_likelihoods(ideal, y, condition, RATIOS, drawn(), together)
    expected = exact(y, condition)
    found, expected = (values - values[:, 1:2] for values in (found, expected))
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.6)  # noise of 200 draws
    assert (found.argmax(dim=1) == 1).all()


def test_how_many_at_once_changes_nothing():
    y = torch.ones((3, *SHAPE), dtype=torch.float64)
    condition = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    first, *others = (
        log_likelihoods(ideal, y, condition, RATIOS[:5], drawn(), together) for together in (1, 7)
    )
    for other in others:
        torch.testing.assert_close(other, first)


def test_ratios_are_even_in_the_logarithm_and_fill_the_range():
    ratios = integration_ratios(10, 0.5, 50.0)
    np.testing.assert_allclose(np.diff(np.log(ratios)), -np.log(100) / 10)
    assert ratios[0] == pytest.approx(50 * 100**-0.05)
    assert ratios[-1] == pytest.approx(0.5 * 100**0.05)
