"""Schedules against their closed forms."""

import numpy as np
import pytest
import torch

from galddpm.diffusion.schedule import Schedule, beta_of, edm_levels, linear_beta

PAPER = Schedule.linear(1000, 1e-4, 0.02)
ZERO = Schedule.linear(1000, 1e-4, 0.02, zero_terminal_snr=True)


def test_first_and_last_values_of_the_papers_schedule():
    assert linear_beta(1000, 1e-4, 0.02)[[0, -1]] == pytest.approx([1e-4, 0.02], rel=1e-15)
    assert PAPER.alpha_bar[:2] == pytest.approx([1.0, 1 - 1e-4], rel=1e-15)
    by_logarithms = np.exp(np.log1p(-linear_beta(1000, 1e-4, 0.02)).sum())
    assert PAPER.alpha_bar[-1] == pytest.approx(by_logarithms, rel=1e-12)
    assert PAPER.alpha_bar[-1] == pytest.approx(4.036e-5, rel=1e-3)  # facts of the process
    assert PAPER.sigma[-1] / PAPER.alpha[-1] == pytest.approx(157.4, rel=1e-3)


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
def test_alpha_bar_falls_and_betas_rebuild_it(schedule):
    assert (np.diff(schedule.alpha_bar) < 0).all()
    rebuilt = np.cumprod(1 - beta_of(schedule.alpha_bar))
    assert rebuilt == pytest.approx(schedule.alpha_bar[1:], rel=1e-12, abs=1e-15)


def test_zero_terminal_snr_leaves_nothing_and_keeps_the_first_step():
    assert ZERO.alpha_bar[-1] == 0
    assert ZERO.alpha_bar[1] == pytest.approx(PAPER.alpha_bar[1], rel=1e-14)


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
@pytest.mark.parametrize("spacing", ["uniform", "karras"])
@pytest.mark.parametrize("steps", [2, 20, 999])
def test_levels_run_from_the_noisiest_to_the_image(schedule, spacing, steps):
    levels = schedule.levels(steps, spacing)
    assert len(levels) == steps + 1
    assert levels[0] == pytest.approx((schedule.alpha[-1], schedule.sigma[-1]), abs=1e-12)
    assert levels[-1] == (1.0, 0.0)
    assert np.hypot(*np.array(levels).T) == pytest.approx(np.ones(steps + 1), abs=1e-12)
    assert (np.diff([sigma for _, sigma in levels]) < 0).all()


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
def test_karras_levels_lie_between_the_ends_asked_for(schedule):
    levels = schedule.levels(20, "karras", sigma_min=0.03, sigma_max=80.0)
    ratios = [sigma / alpha for alpha, sigma in levels[:-1] if alpha > 0]
    assert [ratios[0], ratios[-1]] == pytest.approx([80, 0.03])
    assert len(levels) == 21
    assert levels[-1] == (1.0, 0.0)
    assert (levels[0] == (0.0, 1.0)) == (schedule is ZERO)


def test_all_steps_are_all_of_the_table():
    assert np.array(PAPER.levels(1000))[::-1] == pytest.approx(
        np.stack([PAPER.alpha, PAPER.sigma], axis=1), rel=1e-14
    )


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
def test_t_of_inverts_the_table_and_sees_only_the_ratio(schedule):
    alpha, sigma = torch.from_numpy(schedule.alpha), torch.from_numpy(schedule.sigma)
    t = torch.arange(1001, dtype=torch.float64)
    torch.testing.assert_close(schedule.t_of(alpha, sigma), t, rtol=0, atol=1e-6)
    torch.testing.assert_close(schedule.t_of(3 * alpha, 3 * sigma), t, rtol=0, atol=1e-6)
    between = schedule.t_of(
        torch.tensor([float(alpha[400])]), torch.tensor([float(sigma[400]) * 1.0001])
    )
    assert 400 < between.item() < 401


def test_edm_levels_are_the_published_ones():
    # 18 steps of sigma from 80 to 0.002 with rho = 7, rounded
    expected = [80, 57.6, 40.8, 28.4, 19.4, 12.9, 8.4, 5.3, 3.26, 1.92, 1.09]
    levels = edm_levels(18)
    assert [sigma for _, sigma in levels[:11]] == pytest.approx(expected, rel=0.01)
    assert levels[-2:] == [(1.0, pytest.approx(0.002)), (1.0, 0.0)]


def test_impossible_lists_are_refused():
    with pytest.raises(ValueError, match="expected 1 to 1000"):
        PAPER.levels(1001)
    with pytest.raises(ValueError, match="spacing"):
        PAPER.levels(10, "random")
    with pytest.raises(ValueError, match="fall strictly"):
        Schedule(np.array([1.0, 0.5, 0.5]))
