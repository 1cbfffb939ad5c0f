"""What passes of an image under noise, against closed forms."""

import pytest
import torch

from galddpm.diffusion.means import weighed_means


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def level(alpha, sigma):
    return tuple(torch.full((1, 1, 1, 1), value, dtype=torch.float64) for value in (alpha, sigma))


def equal(means):
    return torch.zeros(1, 1 + means, 1, 1, 1, dtype=torch.float64)


def test_one_pixel_trusted_as_the_spread_is_the_skip_of_edm():
    x = normal(2, 3, 8, 8)
    expected = 0.8 * 0.5**2 * x / (0.6**2 + (0.8 * 0.5) ** 2)
    found = weighed_means(x, equal(1), *level(0.8, 0.6), [1], sigma_data=0.5)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 100.0])
def test_weights_are_those_of_independent_measurements_of_one_value(ratio):
    """Of values y_k with variances v_k, before them 0 with variance s^2, the best estimate is
    sum(y_k / v_k) / (1 / s^2 + sum(1 / v_k))."""
    alpha, sigma = level((1 + ratio**2) ** -0.5, ratio * (1 + ratio**2) ** -0.5)
    x, widths = normal(1, 1, 9, 9), (1, 3, 5)
    trusts = torch.log(torch.tensor([1.0, 0.5, 2.0, 3.0]).double()).reshape(1, -1, 1, 1, 1)
    found = weighed_means(x, trusts, alpha, sigma, widths, sigma_data=0.7)[0, 0, 4, 4]
    middle = [x[0, 0, 4 - k : 5 + k, 4 - k : 5 + k].mean() / alpha.item() for k in range(3)]
    worth = [0.5 / ratio**2, 2 * 9 / ratio**2, 3 * 25 / ratio**2]
    expected = sum(w * y for w, y in zip(worth, middle, strict=True)) / (0.7**-2 + sum(worth))
    torch.testing.assert_close(found, expected)


def test_on_even_light_nothing_unbiased_is_better():
    """The error of the estimate is what is left of the variance of one mean over five pixels."""
    ratio, light = 0.5, normal(20_000, 1, 1, 1, seed=1)
    x = light + ratio * normal(20_000, 1, 5, 5, seed=2)
    nothing, all_of_it = torch.tensor(-60.0), torch.tensor(0.0)
    trusts = torch.stack([all_of_it, nothing, all_of_it]).double().reshape(1, 3, 1, 1, 1)
    found = weighed_means(x, trusts, *level(1.0, ratio), [1, 5])[..., 2:3, 2:3]
    variance = ratio**2 / 25
    expected = variance / (1 + variance)
    assert (found - light).square().mean().item() == pytest.approx(expected, rel=0.03)


def test_from_pure_noise_nothing_passes():
    x = normal(1, 2, 8, 8)
    found = weighed_means(x, 50 * normal(1, 3, 2, 8, 8), *level(0.0, 1.0), [1, 3])
    torch.testing.assert_close(found, torch.zeros_like(x))


def test_trusts_beyond_what_exp_holds_are_weights():
    x = normal(1, 1, 8, 8)
    trusts = torch.tensor([-1e4, 1e4, 0.0]).double().reshape(1, 3, 1, 1, 1)
    torch.testing.assert_close(weighed_means(x, trusts, *level(0.8, 0.6), [1, 3]), x / 0.8)
