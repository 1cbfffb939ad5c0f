"""The process against Bayes and against itself."""

import numpy as np
import pytest
import torch

from galddpm.diffusion.process import (
    PREDICTIONS,
    add_noise,
    eps_from,
    input_scale,
    mixture,
    posterior,
    target,
    x_0_from,
)
from galddpm.diffusion.schedule import Schedule, beta_of

SCHEDULE = Schedule.linear(1000, 1e-4, 0.02)


def levels(t, alpha_scale=1.0):
    alpha = torch.from_numpy(SCHEDULE.alpha[t] * alpha_scale)
    return alpha, torch.from_numpy(SCHEDULE.sigma[t] * alpha_scale)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("sigma_data", [1.0, 0.4])
def test_predictions_convert_back_and_forth(prediction, sigma_data):
    generator = torch.Generator().manual_seed(1)
    x_0, eps = torch.randn(2, 6, 2, 3, 3, generator=generator, dtype=torch.float64)
    alpha, sigma = levels(np.array([1, 10, 200, 500, 900, 1000]))
    x_t = add_noise(x_0, eps, alpha, sigma)
    output = target(prediction, x_0, eps, alpha, sigma, sigma_data)
    back = x_0_from(prediction, output, x_t, alpha, sigma, sigma_data)
    # an error in eps is multiplied by sigma / alpha = 157 at t = T
    torch.testing.assert_close(back, x_0, rtol=0, atol=1e-12 if prediction != "eps" else 2e-10)
    torch.testing.assert_close(eps_from(x_t, x_0, alpha, sigma), eps, rtol=0, atol=1e-12)


@pytest.mark.parametrize("prediction", ["v", "x_0", "edm"])
def test_predictions_are_finite_without_any_signal(prediction):
    x_0, eps = torch.randn(2, 1, 1, 4, 4, dtype=torch.float64)
    alpha, sigma = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    output = target(prediction, x_0, eps, alpha, sigma)
    torch.testing.assert_close(x_0_from(prediction, output, eps, alpha, sigma), x_0)


def test_v_is_that_of_salimans_and_ho():
    x_0, eps = torch.randn(2, 1, 1, 2, 2, dtype=torch.float64)
    alpha, sigma = levels(np.array([300]))
    torch.testing.assert_close(target("v", x_0, eps, alpha, sigma), alpha * eps - sigma * x_0)


def test_edm_is_karras_table_1():
    """c_skip, c_out and c_in of arXiv:2206.00364, in its own form (1, sigma)."""
    sigma = torch.tensor([0.002, 0.1, 1.0, 80.0], dtype=torch.float64)
    x_0, eps = torch.randn(2, 4, 1, 2, 2, dtype=torch.float64)
    s = 0.5
    one, root = torch.ones(4, dtype=torch.float64), torch.sqrt(sigma**2 + s**2)
    c_skip, c_out = s**2 / root**2, sigma * s / root
    x = add_noise(x_0, eps, one, sigma)
    c_skip, c_out = c_skip[:, None, None, None], c_out[:, None, None, None]
    torch.testing.assert_close(target("edm", x_0, eps, one, sigma, s), (x_0 - c_skip * x) / c_out)
    torch.testing.assert_close(input_scale(one, sigma, s), 1 / root)
    output = torch.randn(4, 1, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(
        x_0_from("edm", output, x, one, sigma, s), c_skip * x + c_out * output
    )


def test_edm_with_unit_variance_is_minus_v():
    alpha, sigma = levels(np.array([50, 500]))
    for edm, v in zip(
        mixture("edm", alpha, sigma, 1.0), mixture("v", alpha, sigma, 1.0), strict=True
    ):
        torch.testing.assert_close(edm, -v)


def test_single_steps_make_up_the_closed_form():
    """t kernels q(x_t | x_{t-1}) applied to N(3, 0.25) give alpha_bar's mean and variance."""
    mean, variance = 3.0, 0.25
    for t, beta in enumerate(beta_of(SCHEDULE.alpha_bar), start=1):
        mean, variance = np.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        assert mean == pytest.approx(SCHEDULE.alpha[t] * 3.0, rel=1e-10)
        closed = SCHEDULE.alpha[t] ** 2 * 0.25 + SCHEDULE.sigma[t] ** 2
        assert variance == pytest.approx(closed, rel=1e-10)


@pytest.mark.parametrize(("t", "s"), [(1000, 999), (1000, 500), (500, 20), (2, 1), (5, 0)])
def test_posterior_is_bayes_for_two_gaussians(t, s):
    (a_t, g_t), (a_s, g_s) = ((SCHEDULE.alpha[i], SCHEDULE.sigma[i]) for i in (t, s))
    c_x, c_0, variance, forward = posterior(a_t, g_t, a_s, g_s)
    ratio = a_t / a_s
    assert forward == pytest.approx(1 - ratio**2, rel=1e-9)
    if s == 0:
        assert (c_x, c_0, variance) == pytest.approx((0, 1, 0), abs=1e-12)
        return
    precision = 1 / g_s**2 + ratio**2 / forward
    assert variance == pytest.approx(1 / precision, rel=1e-9)
    assert c_x == pytest.approx(ratio / forward / precision, rel=1e-9)
    assert c_0 == pytest.approx(a_s / g_s**2 / precision, rel=1e-9)


def test_posterior_from_pure_noise_forgets_it():
    assert posterior(0.0, 1.0, 0.6, 0.8) == pytest.approx((0.0, 0.6, 0.64, 1.0))


def test_unknown_prediction_is_refused():
    with pytest.raises(ValueError, match="prediction"):
        mixture("score", torch.ones(1), torch.ones(1), 1.0)
