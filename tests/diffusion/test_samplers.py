"""Samplers against exact recursions and, step by step, against the diffusers library."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    HeunDiscreteScheduler,
)

from galddpm.diffusion.samplers import (
    SAMPLERS,
    ddim,
    ddpm,
    dpmpp_2m,
    dpmpp_3m,
    evaluations,
    heun,
)
from galddpm.diffusion.schedule import Schedule, edm_levels

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PAPER = Schedule.linear(1000, 1e-4, 0.02)
ZERO = Schedule.linear(1000, 1e-4, 0.02, zero_terminal_snr=True)
MEAN, STD = 0.7, 0.5  # of the Gaussian "galaxies"
BETAS = {"beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear", "clip_sample": False}


def ideal(x, level):
    """E[x_0 | x] for x_0 ~ N(MEAN, STD^2): affine in x."""
    alpha, sigma = level
    gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
    return MEAN + gain * (x - alpha * MEAN)


def affine(sampler, levels):
    """The deterministic sampler with the ideal denoiser as x -> slope x + offset."""
    x = torch.tensor([0.0, 1.0], dtype=torch.float64)
    low, high = sampler(ideal, x, levels, None).tolist()
    return high - low, low


def noises(count, like):
    generator = torch.Generator().manual_seed(4)
    return [torch.randn(like.shape, generator=generator, dtype=like.dtype) for _ in range(count)]


def replay(draws):
    remaining = iter(draws)
    return lambda: next(remaining)


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
@pytest.mark.parametrize("sampler", [ddim, dpmpp_2m, dpmpp_3m, heun])
def test_deterministic_samplers_reach_mean_and_spread(schedule, sampler):
    slope, offset = affine(sampler, schedule.levels(400, "karras"))
    alpha, sigma = schedule.alpha[-1], schedule.sigma[-1]
    spread = np.hypot(alpha * STD, sigma)
    tolerance = 0.02 if sampler is ddim else 2e-3
    assert slope * spread == pytest.approx(STD, rel=tolerance)
    assert slope * alpha * MEAN + offset == pytest.approx(MEAN, rel=tolerance)


def test_heun_converges_in_second_order_and_ddim_in_first():
    def error(sampler, steps):
        slope, _ = affine(sampler, edm_levels(steps))
        return abs(slope * np.hypot(STD, 80) / STD - 1)

    assert error(heun, 32) / error(heun, 64) > 3
    assert 1.5 < error(ddim, 128) / error(ddim, 256) < 2.5


@pytest.mark.parametrize("schedule", [PAPER, ZERO])
@pytest.mark.parametrize("steps", [10, 100, 1000])
@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_ddpm_moments_follow_the_recursion(schedule, steps, variance):
    """With the ideal denoiser each step is x' = g x + c + s z, so moments are known exactly."""
    levels = schedule.levels(steps)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, generator=generator, dtype=torch.float64)
    mean, var = 0.0, 1.0
    for (a_t, g_t), (a_s, g_s) in pairwise(levels):
        forward = g_t**2 - (a_t / a_s) ** 2 * g_s**2
        to_x, to_0 = a_t / a_s * g_s**2 / g_t**2, a_s * forward / g_t**2
        gain = a_t * STD**2 / (a_t**2 * STD**2 + g_t**2)
        added = (g_s**2 * forward / g_t**2 if variance == "posterior" else forward) * (g_s > 0)
        mean, var = (
            (to_x + to_0 * gain) * mean + to_0 * (1 - gain * a_t) * MEAN,
            (to_x + to_0 * gain) ** 2 * var + added,
        )
    out = ddpm(
        ideal,
        x,
        levels,
        lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype),
        variance=variance,
    )
    assert out.mean().item() == pytest.approx(mean, abs=5 * np.sqrt(var / len(x)))
    assert out.var().item() == pytest.approx(var, rel=5 * np.sqrt(2 / len(x)))


@pytest.mark.parametrize("name", list(SAMPLERS))
@pytest.mark.parametrize("levels", [ZERO.levels(7), ZERO.levels(7, "karras"), [(0, 1), (1, 0)]])
def test_every_sampler_is_finite_from_pure_noise(name, levels):
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None, None, None]
    calls = []

    def counted(x, level):
        calls.append(level)
        return ideal(x, level)

    out = SAMPLERS[name](counted, x, levels, lambda: torch.zeros_like(x))
    assert torch.isfinite(out).all()
    assert len(calls) == evaluations(name, levels)
    if len(levels) == 2:  # one step from pure noise can only give the mean
        torch.testing.assert_close(out, torch.full_like(x, MEAN))


@pytest.mark.parametrize("levels", [PAPER.levels(9), ZERO.levels(13, "karras"), PAPER.levels(1000)])
def test_ddim_with_eta_1_is_ddpm(levels):
    x = torch.linspace(-2, 2, 6, dtype=torch.float64)
    draws = noises(len(levels), x)
    torch.testing.assert_close(
        ddim(ideal, x, levels, replay(draws), eta=1.0),
        ddpm(ideal, x, levels, replay(draws)),
        rtol=1e-9,
        atol=1e-9,
    )


def test_ddim_upwards_undoes_ddim_downwards():
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)

    def error(levels):
        down = ddim(ideal, x, levels, None)
        return (ddim(ideal, down, levels[::-1], None) - x).abs().max().item()

    levels = PAPER.levels(1000)[:-1]
    assert error(levels) < 0.01
    assert error(levels[::3]) / error(levels) > 2.5  # first order in the step
    with pytest.raises(ValueError, match="sigma = 0"):
        ddim(ideal, x, PAPER.levels(10)[::-1], None)


def walk(scheduler, sample, steps, **options):
    """Run a diffusers scheduler with the ideal denoiser, in its own order of time steps."""
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        alpha, sigma = PAPER.alpha[int(t) + 1], PAPER.sigma[int(t) + 1]
        eps = (sample - alpha * ideal(sample, (alpha, sigma))) / sigma
        sample = scheduler.step(eps, t, sample, **options).prev_sample
    return sample


@pytest.mark.parametrize(
    ("theirs", "ours"), [("fixed_small", "posterior"), ("fixed_large", "beta")]
)
def test_ddpm_agrees_with_diffusers(theirs, ours):
    x = torch.linspace(-2, 2, 8, dtype=torch.float64)[None]
    torch.manual_seed(7)
    expected = walk(DDPMScheduler(variance_type=theirs, **BETAS), x, 1000)
    torch.manual_seed(7)
    out = ddpm(
        ideal,
        x,
        PAPER.levels(1000),
        lambda: torch.randn(x.shape, dtype=x.dtype),
        variance=ours,
    )
    torch.testing.assert_close(out, expected, rtol=0, atol=2e-4)  # their tables are float32


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim_agrees_with_diffusers(eta):
    x = torch.linspace(-2, 2, 8, dtype=torch.float64)[None]
    scheduler = DDIMScheduler(timestep_spacing="trailing", set_alpha_to_one=True, **BETAS)
    draws = noises(50, x)
    scheduler.set_timesteps(50)
    expected = x
    for t, z in zip(scheduler.timesteps, draws, strict=True):
        level = PAPER.alpha[int(t) + 1], PAPER.sigma[int(t) + 1]
        eps = (expected - level[0] * ideal(expected, level)) / level[1]
        last = t == scheduler.timesteps[-1]
        expected = scheduler.step(
            eps, t, expected, eta=eta, variance_noise=torch.zeros_like(z) if last else z
        ).prev_sample
    out = ddim(ideal, x, PAPER.levels(50), replay(draws), eta=eta)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("sampler", "order"), [(dpmpp_2m, 2), (dpmpp_3m, 3)])
def test_dpmpp_agrees_with_diffusers(sampler, order):
    x = torch.linspace(-2, 2, 8, dtype=torch.float64)[None]
    options = {name: value for name, value in BETAS.items() if name != "clip_sample"}
    scheduler = DPMSolverMultistepScheduler(
        algorithm_type="dpmsolver++",
        solver_order=order,
        final_sigmas_type="zero",
        lower_order_final=True,
        euler_at_final=True,
        **options,
    )
    scheduler.set_timesteps(20)
    expected = x
    levels = []
    for t in scheduler.timesteps:
        level = PAPER.alpha[int(t) + 1], PAPER.sigma[int(t) + 1]
        levels.append(level)
        eps = (expected - level[0] * ideal(expected, level)) / level[1]
        expected = scheduler.step(eps, t, expected).prev_sample
    out = sampler(ideal, x, [*levels, (1.0, 0.0)], None)
    torch.testing.assert_close(out, expected, rtol=0, atol=2e-4)


def test_heun_agrees_with_diffusers():
    options = {name: value for name, value in BETAS.items() if name != "clip_sample"}
    scheduler = HeunDiscreteScheduler(**options)
    scheduler.set_timesteps(15)
    sigmas = [float(s) for s in scheduler.sigmas[[0, *range(1, len(scheduler.sigmas), 2)]]]
    x = torch.linspace(-2, 2, 8, dtype=torch.float64)[None] * sigmas[0]
    expected = x
    for index, t in enumerate(scheduler.timesteps):
        sigma = float(scheduler.sigmas[index])
        eps = (expected - ideal(expected, (1.0, sigma))) / sigma
        expected = scheduler.step(eps, t, expected).prev_sample
    levels = [(1.0, sigma) for sigma in sigmas]
    out = heun(ideal, x, levels, None)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


def test_unknown_variance_is_refused():
    with pytest.raises(ValueError, match="variance"):
        ddpm(ideal, torch.zeros(1), PAPER.levels(2), None, variance="large")
