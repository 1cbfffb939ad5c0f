"""What is minimised."""

import numpy as np
import pytest
import torch

from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.objective import (
    NoiseLevels,
    Objective,
    with_gradient_over,
)
from galddpm.diffusion.process import add_noise, column, target
from galddpm.diffusion.schedule import Schedule
from galddpm.diffusion.typical_loss import TypicalLoss

PAPER = Schedule.linear(1000, 1e-4, 0.02)
ZERO = Schedule.linear(1000, 1e-4, 0.02, zero_terminal_snr=True)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Oracle(Denoiser):
    """A denoiser that knows the image, and so puts out exactly the target."""

    def __init__(self, x_0, prediction):
        super().__init__(torch.nn.Identity(), PAPER, prediction, 0.7)
        self.x_0 = x_0

    def output(self, x, alpha, sigma, redshift):
        eps = (x - column(alpha, x) * self.x_0) / column(sigma, x)
        return target(self.prediction, self.x_0, eps, alpha, sigma, self.sigma_data)


@pytest.mark.parametrize("prediction", ["eps", "v", "x_0", "edm"])
@pytest.mark.parametrize("noise", ["uniform", "log_normal"])
def test_a_perfect_predictor_loses_nothing(prediction, noise):
    x_0 = torch.randn(16, 2, 4, 4, generator=generator(1), dtype=torch.float64)
    objective = Objective(NoiseLevels(PAPER, noise))
    losses, t = objective(Oracle(x_0, prediction), x_0, torch.ones(16), generator())
    torch.testing.assert_close(losses, torch.zeros(16, dtype=torch.float64), atol=1e-15, rtol=0)
    assert ((t >= 1 - 1e-6) & (t <= 1000)).all()


class Zero:
    """Always says that the image is 0."""

    lowest = 0.0

    def error(self, x_0, eps, alpha, sigma, redshift):
        return -x_0


def test_equal_weights_divide_gradients_by_the_typical_loss():
    """Of the first batch, whose losses are the only ones known, level by level."""
    x_0 = torch.randn(8, 1, 4, 4, generator=generator(1))
    slopes = {}
    for weighting in ("none", "equal"):
        denoiser = Oracle(torch.zeros_like(x_0), "x_0")
        denoiser.x_0.requires_grad_()
        objective = Objective(NoiseLevels(PAPER), weighting=weighting)
        losses, t = objective(denoiser, x_0, torch.ones(8), generator())
        losses.sum().backward()
        slopes[weighting] = denoiser.x_0.grad, losses.detach(), t
    typical = TypicalLoss().update(slopes["none"][1], slopes["none"][2], PAPER.steps)
    assert torch.equal(slopes["equal"][1], slopes["none"][1])  # the log shows them as they are
    torch.testing.assert_close(slopes["equal"][0], slopes["none"][0] / typical[:, None, None, None])


def test_huber_loss_by_hand():
    x_0 = torch.tensor([0.5, -3.0]).reshape(1, 1, 1, 2)
    losses, _ = Objective(NoiseLevels(PAPER))(Zero(), x_0, torch.zeros(1), generator())
    assert losses.item() == pytest.approx((0.5**2 / 2 + (3 - 0.5)) / 2)


def test_a_pixel_at_the_given_distance_weighs_half_as_much_as_the_centre():
    objective = Objective(NoiseLevels(PAPER), centre_weight_radius=3.0)
    x_0 = torch.zeros(3, 1, 9, 9)
    x_0[0, 0, 4, 4] = x_0[1, 0, 4, 7] = 1.0  # the centre, and 3 pixels from it
    x_0[2] = 1.0
    losses, _ = objective(Zero(), x_0, torch.zeros(3), generator())
    assert losses[1] / losses[0] == pytest.approx(0.5)
    assert losses[2].item() == pytest.approx(0.5)  # weights have a mean of 1


def test_uniform_levels_are_whole_steps_with_equal_chance():
    alpha, sigma = NoiseLevels(PAPER).draw(100_000, generator())
    t = PAPER.t_of(alpha, sigma).numpy()
    np.testing.assert_allclose(t, np.round(t), atol=1e-6)
    counts = np.bincount(np.round(t).astype(int), minlength=1001)
    assert counts[0] == 0
    assert set(counts[1:]) <= {99, 100, 101}  # stratified: far more even than chance


def test_every_batch_covers_all_levels():
    t = PAPER.t_of(*NoiseLevels(PAPER).draw(20, generator(3)))
    np.testing.assert_array_equal(np.sort((t.numpy() - 1e-6) // 50), np.arange(20))


def test_log_normal_levels_are_log_normal_inside_the_schedule():
    alpha, sigma = NoiseLevels(ZERO, "log_normal", -0.5, 0.8).draw(100_000, generator())
    ratio = torch.log(sigma / alpha)
    assert ratio.mean().item() == pytest.approx(-0.5, abs=0.01)
    assert ratio.std().item() == pytest.approx(0.8, abs=0.01)
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones_like(alpha))
    _, wide = NoiseLevels(PAPER, "log_normal", 0.0, 10.0).draw(1000, generator())
    assert PAPER.sigma[1] <= wide.min() < wide.max() <= PAPER.sigma[-1] + 1e-12


def test_redshifts_are_jittered_by_the_papers_amount():
    seen = []

    class Spy(Oracle):
        def output(self, x, alpha, sigma, redshift):
            seen.append(redshift)
            return super().output(x, alpha, sigma, redshift)

    x_0 = torch.zeros(20_000, 1, 1, 1)
    Objective(NoiseLevels(PAPER), jitter=0.01)(
        Spy(x_0, "v"), x_0, torch.full((20_000,), 0.5), generator()
    )
    assert seen[0].mean().item() == pytest.approx(0.5, abs=4e-4)
    assert seen[0].std().item() == pytest.approx(0.01, rel=0.03)


def test_conditions_are_left_unknown_as_often_as_asked():
    """Each by itself, so that of two a fraction .3 x .3 knows none."""
    seen = []

    class Spy(Oracle):
        def output(self, x, alpha, sigma, condition):
            seen.append(condition)
            return super().output(x, alpha, sigma, condition)

    count = 20_000
    x_0, redshift = torch.zeros(count, 1, 1, 1), torch.full((count,), 0.5)
    conditions = torch.stack([torch.arange(count) + 1.0, -torch.arange(count) - 1.0], dim=1)
    objective = Objective(NoiseLevels(PAPER), jitter=0.0, condition_dropout=0.3)
    objective(Spy(x_0, "v"), x_0, redshift, generator(), conditions)
    asked = seen[0]
    assert (asked[:, 0] == 0.5).all()
    unknown = torch.isnan(asked[:, 1:])
    torch.testing.assert_close(asked[:, 1:][~unknown], conditions[~unknown])
    assert unknown.float().mean(dim=0).tolist() == pytest.approx([0.3, 0.3], abs=0.01)
    assert unknown.all(dim=1).float().mean().item() == pytest.approx(0.09, abs=0.008)


def test_equal_weights_divide_gradients_by_the_usual_loss():
    """Of losses 1 and 9 at two levels each gradient is that of the loss over its own mean."""
    schedule, t = PAPER, torch.tensor([100.0, 900.0])
    typical = TypicalLoss()
    for _ in range(3):
        usual = typical.update(torch.tensor([1.0, 9.0]), t, schedule.steps)
    torch.testing.assert_close(usual, torch.tensor([1.0, 9.0]))
    parameter = torch.tensor([1.0, 3.0], requires_grad=True)
    losses = with_gradient_over(parameter.square(), usual)
    torch.testing.assert_close(losses.detach(), torch.tensor([1.0, 9.0]))
    losses.sum().backward()
    torch.testing.assert_close(parameter.grad, torch.tensor([2.0, 6.0 / 9.0]))


def test_the_usual_loss_forgets():
    typical, t = TypicalLoss(), torch.tensor([500.0])
    typical.update(torch.tensor([8.0]), t, 1000)
    for _ in range(9):
        usual = typical.update(torch.tensor([2.0]), t, 1000)
    weights = 0.99 ** np.arange(10)
    expected = (2 * weights[:9].sum() + 8 * weights[9]) / weights.sum()
    assert usual.item() == pytest.approx(expected, rel=1e-6)


def test_denoiser_scales_its_input_to_unit_variance_and_names_t():
    received = {}

    class Recorder(torch.nn.Module):
        def forward(self, x, t, redshift):
            received.update(x=x, t=t)
            return torch.zeros_like(x)

    s = 0.3
    x_0 = s * torch.randn(4000, 1, 2, 2, generator=generator())
    eps = torch.randn(4000, 1, 2, 2, generator=generator(1))
    denoiser = Denoiser(Recorder(), PAPER, "edm", sigma_data=s)
    level = (float(PAPER.alpha[300]), float(PAPER.sigma[300]))
    alpha, sigma = (torch.full((4000,), part, dtype=torch.float64) for part in level)
    x = add_noise(x_0, eps, alpha, sigma)
    denoised = denoiser(x, level, torch.zeros(4000))
    assert received["x"].std().item() == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(received["t"], torch.full((4000,), 300.0))
    # with F = 0 the estimate is the best linear one, c_skip x
    gain = level[0] * s**2 / (level[0] ** 2 * s**2 + level[1] ** 2)
    torch.testing.assert_close(denoised, gain * x)


def test_where_nothing_is_lost_nothing_is_learned():
    typical = TypicalLoss().update(torch.zeros(3), torch.full((3,), 500.0), 1000)
    losses = torch.zeros(3, requires_grad=True)
    found = with_gradient_over(losses.square(), typical)
    found.sum().backward()
    assert found.tolist() == losses.grad.tolist() == [0, 0, 0]
