"""Light under noise of a known spectrum, against closed forms."""

import pytest
import torch

from galddpm.diffusion.denoiser import LightDenoiser
from galddpm.diffusion.light import (
    SkyNoise,
    band_limited,
    ending_in_light,
    image_of,
    light_aim,
    light_of,
)
from galddpm.diffusion.noise_spectrum import WHITE, filtered, sky_power
from galddpm.diffusion.objective import NoiseLevels, Objective
from galddpm.diffusion.samplers import ddim, dpmpp_2m, dpmpp_3m, heun
from galddpm.diffusion.schedule import Schedule
from galddpm.pooling import mean_over
from helpers.correlation import smoothed

SKY, SMOOTHING = 0.2, 0.15
ZERO = Schedule.linear(1000, 1e-4, 0.02, zero_terminal_snr=True)


def noise_of(share=1.0):
    """Noise of the sky, of this share of its standard deviation on light."""
    return SkyNoise(SKY, lambda light: torch.full_like(light, share * SKY), smoothed(SMOOTHING))


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def correlated(*shape, seed=0):
    noise = normal(*shape, seed=seed)
    for axis in (-2, -1):
        noise = noise + SMOOTHING * (noise.roll(1, axis) + noise.roll(-1, axis))
    return noise / (1 + 2 * SMOOTHING**2)


def levels(count, *values):
    return tuple(torch.full((count, 1, 1, 1), value, dtype=torch.float64) for value in values)


def test_spectrum_is_that_of_the_smoothed_noise():
    noise = correlated(4000, 16, 16)
    seen = torch.fft.rfft2(noise).abs().square().mean(dim=0) / 256
    expected = sky_power(noise, smoothed(SMOOTHING))
    torch.testing.assert_close(seen, expected, rtol=0.1, atol=0.02)
    assert torch.equal(sky_power(noise, WHITE), torch.ones_like(expected))


def test_where_the_light_is_known_the_image_is_estimated_as_well_as_can_be():
    """The error of a Wiener filter with variances u under white noise of variance r^2 is the mean
    over waves of u r^2 / (u + r^2)."""
    light, ratio, noise = normal(1, 1, 64, 64, seed=3), SKY, noise_of()
    image = light + SKY * correlated(16, 1, 64, 64)
    x = image + ratio * normal(16, 1, 64, 64, seed=1)
    found = image_of(light.expand_as(x), x, *levels(16, 1.0, ratio), noise)
    u = noise.variances(x)
    along = 1 + 2 * SMOOTHING * torch.cos(2 * torch.pi * torch.fft.fftfreq(64).double())
    power = along**2 / (1 + 2 * SMOOTHING**2)  # of white noise smoothed with (a, 1, a)
    torch.testing.assert_close(u, SKY**2 * power[:, None] * power[:33], rtol=1e-6, atol=0)
    variances = SKY**2 * power[:, None] * power
    least = (variances * ratio**2 / (variances + ratio**2)).mean()
    assert (found - image).square().mean().item() == pytest.approx(least.item(), rel=0.03)


@pytest.mark.parametrize("level", [(0.0, 1.0), (0.6, 0.8), (1.0, 0.1)])
def test_light_and_image_tell_each_other(level):
    light, x, noise = normal(3, 2, 16, 16), normal(3, 2, 16, 16, seed=1), noise_of()
    image = image_of(light, x, *levels(3, *level), noise)
    torch.testing.assert_close(light_of(image, x, level, noise), light)


def test_from_pure_noise_the_image_is_the_light():
    light, x = normal(3, 2, 16, 16), normal(3, 2, 16, 16, seed=1)
    torch.testing.assert_close(image_of(light, x, *levels(3, 0.0, 1.0), noise_of()), light)


def test_what_is_aimed_at_is_light_on_average_whatever_is_seen():
    """Under noise n of the image and r eps, aim - light is uncorrelated with what is seen of both,
    wave by wave; image - light is not."""
    ratio, noise = 0.3, noise_of()
    own, eps = SKY * correlated(20_000, 8, 8), normal(20_000, 8, 8, seed=1)
    seen = torch.fft.rfft2(own + ratio * eps)
    aim = light_aim(own, eps, torch.tensor(ratio), noise)  # of dark sky

    def covariance(error):
        return (torch.fft.rfft2(error) * seen.conj()).real.mean(dim=0) / 64

    u = noise.variances(own)
    assert covariance(aim).abs().max() < 0.04 * u.mean()
    torch.testing.assert_close(covariance(own), u, rtol=0.05, atol=0)


def test_where_light_leaves_less_noise_the_aim_is_light_on_average_too():
    """Each pixel by itself, under white noise of which it has a share of its own."""
    ratio, share = 0.3, torch.linspace(0, 1, 64, dtype=torch.float64).reshape(8, 8)
    noise = SkyNoise(SKY, lambda light: SKY * share.sqrt().expand_as(light))
    own, eps = SKY * share.sqrt() * normal(20_000, 8, 8), normal(20_000, 8, 8, seed=1)
    aim = light_aim(own, eps, torch.tensor(ratio), noise, noise.share(own))
    covariance = (aim * (own + ratio * eps)).mean(dim=0)
    assert covariance.abs().max() < 0.04 * SKY**2  # of the sky's aim .96 u where the share is 0.04
    plain = light_aim(own, eps, torch.tensor(ratio), noise)
    torch.testing.assert_close(
        (plain * (own + ratio * eps)).mean(dim=0), SKY**2 * (share - 1), rtol=0, atol=0.002
    )


@pytest.mark.parametrize("level", [(0.0, 1.0), (0.6, 0.8), (1.0, 0.1)])
def test_light_and_image_tell_each_other_pixel_by_pixel(level):
    """Exactly under white noise; a share of one leaves the sky's own."""
    light, x, noise = normal(3, 2, 16, 16), normal(3, 2, 16, 16, seed=1), noise_of()
    share = normal(3, 2, 16, 16, seed=2).abs()
    white = SkyNoise(SKY, noise.local_sigma)
    image = image_of(light, x, *levels(3, *level), white, share)
    torch.testing.assert_close(light_of(image, x, level, white, share), light)
    ones = image_of(light, x, *levels(3, *level), noise, torch.ones_like(x))
    torch.testing.assert_close(ones, image_of(light, x, *levels(3, *level), noise))


class Knows(torch.nn.Module):
    """A network of a light denoiser that knows the light."""

    def __init__(self, light):
        super().__init__()
        self.light = light

    def forward(self, scaled, t, redshift):
        alpha, sigma = LEVEL
        x = scaled * (alpha**2 + sigma**2) ** 0.5
        return (sigma * self.light - alpha * (x - alpha * self.light) / sigma) / (
            alpha**2 + sigma**2
        ) ** 0.5


LEVEL = (0.8, 0.6)


def test_the_denoiser_passes_noise_as_its_spectrum_says():
    light, noise = normal(2, 3, 16, 16), noise_of()
    x = normal(2, 3, 16, 16, seed=1)
    found = LightDenoiser(Knows(light), ZERO, noise)(x, LEVEL, torch.zeros(2))
    torch.testing.assert_close(found, image_of(light, x, *levels(2, *LEVEL), noise))


def test_a_denoiser_trains_for_the_noise_that_its_light_leaves():
    """Where it leaves none the image itself is what is aimed at, and what is estimated."""
    light, eps, noise = normal(2, 3, 16, 16), normal(2, 3, 16, 16, seed=1), noise_of(0.0)
    denoiser, at = LightDenoiser(Knows(light), ZERO, noise), torch.zeros(2)
    alpha, sigma = (torch.full((2,), value, dtype=torch.float64) for value in LEVEL)
    error = denoiser.error(light, eps, alpha, sigma, at)
    torch.testing.assert_close(error, torch.zeros_like(error))
    x = LEVEL[0] * light + LEVEL[1] * eps
    torch.testing.assert_close(denoiser(x, LEVEL, at), light)


class Trusts(torch.nn.Module):
    """A network that trusts the mean over three pixels alone, and adds a tenth."""

    def forward(self, scaled, t, redshift):
        trusts = torch.tensor([-60.0, -60.0, 0.0]).double().reshape(1, 3, 1, 1, 1)
        trusts = trusts.expand(len(scaled), 3, *scaled.shape[1:]).flatten(1, 2)
        return torch.cat([torch.full_like(scaled, 0.1), trusts], dim=1)


def test_means_of_what_is_seen_pass():
    x, (alpha, sigma) = normal(2, 3, 16, 16), LEVEL
    denoiser = LightDenoiser(Trusts(), ZERO, noise_of(), sigma_data=0.5, means=[1, 3])
    light = denoiser.light(x, *(torch.full((2,), v).double() for v in LEVEL), torch.zeros(2))
    added = 0.1 * sigma * 0.5 / (sigma**2 + (alpha * 0.5) ** 2) ** 0.5
    torch.testing.assert_close(light, mean_over(x, 3) / alpha + added)


def test_a_network_that_estimates_the_light_loses_only_what_the_aim_scatters():
    """The aim scatters about the light by u + u^2 / r^2 in each wave, in units of the network's
    output: sigma_data r / sqrt(sigma_data^2 + r^2)."""
    light, noise = normal(1, 1, 64, 64), noise_of()
    image = light + SKY * correlated(64, 1, 64, 64)
    alpha, sigma = (torch.full((64,), value, dtype=torch.float64) for value in LEVEL)
    eps = normal(64, 1, 64, 64, seed=2)
    denoiser = LightDenoiser(Knows(light), ZERO, noise)
    error = denoiser.error(image, eps, alpha, sigma, torch.zeros(64))
    ratio, u = LEVEL[1] / LEVEL[0], noise.variances(light)
    both = torch.cat([u, u[:, 1:-1]], dim=1)  # with the waves that a real transform leaves out
    expected = (both + both**2 / ratio**2).mean() * (1 + ratio**2) / ratio**2
    assert error.square().mean().item() == pytest.approx(expected.item(), rel=0.02)


@pytest.mark.parametrize("sampler", [ddim, dpmpp_2m, dpmpp_3m, heun])
@pytest.mark.parametrize("steps", [2, 5, 20])
def test_samplers_that_end_in_light_find_it(sampler, steps):
    """With a denoiser that is ideal for one light under the sky's noise, exactly, after any number
    of steps; on light with less noise the noise that is left is less too."""
    light, noise = normal(3, 2, 16, 16), noise_of()

    def denoise(x, level):
        return image_of(light, x, *levels(3, *level), noise)

    path = ZERO.levels(steps, "karras", 1.5 * SKY, 500.0)
    x = normal(3, 2, 16, 16, seed=1)
    found = ending_in_light(sampler, noise)(denoise, x, path, None)
    torch.testing.assert_close(found, light)


def test_on_bright_light_less_noise_is_taken_away():
    light, level = torch.zeros(1, 1, 8, 8, dtype=torch.float64), (0.8, 0.6)
    x = normal(1, 1, 8, 8)
    stays = [
        ending_in_light(ddim, noise_of(share))(lambda x, level: 0.1 * x, x, [level, (1, 0)], None)
        for share in (0.0, 0.5, 1.0)
    ]
    torch.testing.assert_close(stays[0], 0.1 * x + light)
    torch.testing.assert_close(stays[1] - stays[0], (stays[2] - stays[0]) / 4)
    expected = filtered(0.8 * 0.1 * x - x, 0.8 * noise_of().variances(x) / 0.36)
    torch.testing.assert_close(stays[2] - stays[0], expected)


def test_nothing_is_trained_below_the_noise_of_the_images():
    drawn = []

    class Spy(LightDenoiser):
        def error(self, x_0, eps, alpha, sigma, redshift):
            drawn.append(sigma / alpha)
            return x_0

    objective = Objective(NoiseLevels(ZERO, "log_normal", -1.0, 1.5))
    generator = torch.Generator().manual_seed(0)
    spy = Spy(torch.nn.Identity(), ZERO, noise_of())
    objective(spy, torch.zeros(5000, 1, 1, 1), torch.zeros(5000), generator)
    ratios = drawn[0].log()
    assert ratios.min() > torch.tensor(SKY).log() - 1e-6
    reference = -1.0 + 1.5 * normal(200_000, seed=5)
    reference = reference[reference > torch.tensor(SKY).log()]
    assert ratios.mean().item() == pytest.approx(reference.mean().item(), abs=0.01)
    assert ratios.std().item() == pytest.approx(reference.std().item(), rel=0.01)


@pytest.mark.parametrize(
    ("frequency", "passes"), [(0.1, 1.0), (0.29, 1.0), (0.35, 0.5), (0.41, 0.0), (0.495, 0.0)]
)
def test_waves_beyond_the_band_limit_are_taken_away(frequency, passes):
    """Waves that go on as their mirror image, along either axis."""
    place = torch.arange(100, dtype=torch.float64) + 0.5
    wave = torch.cos(2 * torch.pi * frequency * place).expand(1, 1, 60, 100)
    torch.testing.assert_close(band_limited(wave, 0.4), passes * wave, atol=1e-6, rtol=0)
    torch.testing.assert_close(band_limited(wave.mT, 0.4), passes * wave.mT, atol=1e-6, rtol=0)
    square = wave[..., :1, :].expand(1, 1, 100, 100)
    across = square * square.mT  # of a frequency larger by the square root of 2
    limit = 0.4 * 2**0.5
    torch.testing.assert_close(band_limited(across, limit), passes * across, atol=1e-6, rtol=0)


def test_a_star_in_seeing_of_three_pixels_and_a_half_passes():
    """At the recipes' limit but for half a per cent of its peak."""
    y, x = torch.meshgrid(*2 * [torch.arange(64.0).double() - 30.3], indexing="ij")
    star = torch.exp(-(x**2 + y**2) / (2 * (3.5 / 2.355) ** 2))[None, None]
    assert (band_limited(star, 0.4) - star).abs().max() < 5e-3 * star.max()


def test_whole_steps_below_it_are_not_drawn_either():
    alpha, sigma = NoiseLevels(ZERO).draw(20_000, torch.Generator().manual_seed(0), lowest=SKY)
    steps = ZERO.t_of(alpha, sigma).round()
    first = int((ZERO.sigma < SKY * ZERO.alpha).sum())
    assert (steps.min(), steps.max()) == (first, 1000)
    counts = torch.bincount(steps.long())[first:].double()
    assert counts.min() > 0.9 * counts.mean()  # stratified: nearly even
