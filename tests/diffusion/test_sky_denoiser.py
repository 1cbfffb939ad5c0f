"""The local Wiener filter against closed forms."""

import pytest
import torch

from galddpm.data.scaling import fit_scaling
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.noise_spectrum import WHITE, sky_power
from galddpm.diffusion.schedule import Schedule
from galddpm.diffusion.sky_denoiser import SkyNoise, sky_filtered, smooth, wiener_gain
from helpers.correlation import smoothed

SKY = 0.2


class Silent(torch.nn.Module):
    def forward(self, x, t, redshift):
        return torch.zeros_like(x)


def denoised(x, ratio, local, correlation=WHITE):
    alpha = 1 / (1 + ratio**2) ** 0.5
    schedule = Schedule.linear(1000, 1e-4, 0.02, True)
    sky_noise = SkyNoise(SKY, lambda value: torch.full_like(value, local), correlation)
    denoiser = Denoiser(Silent(), schedule, "edm", SKY, sky_noise)
    return denoiser(alpha * x, (alpha, alpha * ratio), torch.zeros(len(x)))


def test_a_quadratic_surface_stays_as_it_is():
    y, x = torch.meshgrid(*2 * [torch.arange(16, dtype=torch.float64)], indexing="ij")
    surface = (1 + 2 * x - y + 0.3 * x * y - 0.2 * x**2 + 0.1 * y**2)[None, None]
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(smooth(surface)[inner], surface[inner], atol=1e-10, rtol=0)


def test_noise_that_is_left():
    noise = torch.randn(8, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    assert smooth(noise).std().item() == pytest.approx((27 / 175) ** 0.5, rel=0.03)


@pytest.mark.parametrize("local", [0.02, 0.1, SKY])
@pytest.mark.parametrize("ratio", [0.05, 0.2, 1.0])
def test_fine_noise_passes_as_its_share_of_the_local_noise(local, ratio):
    """With a silent network the fine part of a pixel is multiplied by s^2 / (s^2 + ratio^2), and a
    smooth part by the share of the sky."""
    x = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fine = x - smooth(x)
    expected = (
        wiener_gain(SKY, torch.tensor(ratio, dtype=torch.float64)) * smooth(x)
        + wiener_gain(local, torch.tensor(ratio, dtype=torch.float64)) * fine
    )
    torch.testing.assert_close(denoised(x, ratio, local), expected, rtol=1e-6, atol=1e-8)


def test_nothing_is_said_where_all_is_noise():
    x = torch.randn(2, 1, 32, 32)
    with_detail = denoised(x, 50.0, 0.01)
    torch.testing.assert_close(with_detail, wiener_gain(SKY, torch.tensor(50.0)) * x)
    sky_noise = SkyNoise(SKY, lambda value: torch.full_like(value, 0.1))
    at_the_end = Denoiser(Silent(), Schedule.linear(1000, 1e-4, 0.02, True), "edm", SKY, sky_noise)
    assert torch.isfinite(at_the_end(x, (0.0, 1.0), torch.zeros(2))).all()


def correlated(shape, smoothing, seed=0):
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for axis in (-2, -1):
        noise = noise + smoothing * (noise.roll(1, axis) + noise.roll(-1, axis))
    return noise / (1 + 2 * smoothing**2)


def test_spectrum_is_that_of_the_smoothed_noise():
    noise = correlated((4000, 16, 16), 0.15)
    seen = torch.fft.rfft2(noise).abs().square().mean(dim=0) / 256
    expected = sky_power(noise, smoothed(0.15))
    torch.testing.assert_close(seen, expected, rtol=0.1, atol=0.02)
    assert torch.equal(sky_power(noise, WHITE), torch.ones_like(expected))


def test_correlated_sky_is_denoised_as_well_as_can_be():
    """No share for all waves leaves as small an error as the Wiener filter with the spectrum."""
    sky = SKY * correlated((8, 1, 64, 64), 0.15)
    ratio = SKY
    seen = sky + ratio * correlated(sky.shape, 0.0, seed=1)
    with_spectrum = (denoised(seen, ratio, SKY, smoothed(0.15)) - sky).square().mean()
    best_share = min((share * seen - sky).square().mean() for share in torch.linspace(0.3, 0.7, 41))
    assert with_spectrum < 0.97 * best_share
    along = 1 + 2 * 0.15 * torch.cos(2 * torch.pi * torch.fft.fftfreq(64, dtype=torch.float64))
    power = along**2 / (1 + 2 * 0.15**2)  # of white noise smoothed with (a, 1, a)
    shares = wiener_gain(
        SKY * (power[:, None] * power).sqrt(), torch.tensor(ratio, dtype=torch.float64)
    )
    least = ratio**2 * shares.mean()  # mean over waves of S r^2 / (S + r^2)
    assert with_spectrum.item() == pytest.approx(least.item(), rel=0.03)


def test_white_spectrum_is_a_single_share():
    x = correlated((2, 3, 16, 20), 0.0)
    torch.testing.assert_close(sky_filtered(x, torch.tensor(0.5), WHITE), x / 1.25)


def test_noise_of_the_sky_on_bright_light():
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(400, 2, 16, 16, generator=generator, dtype=torch.float64)
    scaling = fit_scaling("asinh", (noise + 0.02).numpy())
    for light in (0.0, 1.0, 30.0):
        pixels = torch.from_numpy(scaling.encode((noise + light).numpy())).double()
        expected = scaling.sky_sigma_at(pixels.mean(dim=(0, 2, 3))[None, :, None, None])
        assert pixels.std(dim=(0, 2, 3)).tolist() == pytest.approx(
            expected.flatten().tolist(), rel=0.05
        )
    linear = fit_scaling("min_max", noise.numpy())
    spread = linear.sky_sigma_at(torch.zeros(1, 2, 4, 4)).unique().item()
    assert spread == pytest.approx(linear.sky_sigma)
