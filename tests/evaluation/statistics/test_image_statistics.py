"""Statistics of stamps by closed forms, and what each is called."""

import numpy as np
import pytest
import torch

from galddpm.evaluation.statistics.image_statistics import (
    ALL,
    SCALES,
    Statistic,
    asymmetry,
    image_statistics,
    layers,
    moments,
    power_spectrum,
    ring_weights,
    smoothed,
)

BANDS = ("g", "r")


def column(table, **wanted) -> np.ndarray:
    """The values (n, k) of all statistics of these properties."""
    keep = [all(getattr(name, key) == v for key, v in wanted.items()) for name in table.names]
    return table.values[:, keep]


def noise(count=20, side=64, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2, side, side)).astype(np.float32)


def test_every_statistic_has_a_name_and_is_finite():
    flux = noise(3)
    flux[0, 0, 5, 5] = np.nan
    flux[1] = 0
    table = image_statistics(flux, np.ones(2), BANDS)
    assert table.values.shape == (3, len(table.names))
    assert np.isfinite(table.values).all()
    assert len(set(table.names)) == len(table.names)
    assert Statistic("spread", "asinh", "g", "0.7", "0-2") in table.names
    assert str(Statistic("power", "linear", "g", "2.3", ALL)) == "power:linear:g:2.3:all"


def test_the_unit_is_the_skys_noise_of_each_band():
    flux, sigma = noise(4), np.array([0.1, 3.0])
    one = image_statistics(flux, np.ones(2), BANDS)
    other = image_statistics(flux * sigma[:, None, None], sigma, BANDS).values
    # of layers that are nearly constant within a ring float32 leaves few digits of moments
    np.testing.assert_allclose(other, one.values, atol=0.05)
    assert np.median(np.abs(other - one.values)) < 1e-5


def test_layers_add_up_to_the_image():
    image = torch.from_numpy(noise(2))
    found = layers(image)
    assert list(found) == [*(f"{scale:g}" for scale in SCALES), "rest"]
    torch.testing.assert_close(sum(found.values()), image, atol=1e-5, rtol=0)


def test_smoothing_widens_a_point_to_a_gaussian():
    image = torch.zeros(1, 1, 65, 65)
    image[..., 32, 32] = 1
    y, x = np.mgrid[:65, :65] - 32
    expected = np.exp(-(x**2 + y**2) / (2 * 2.8**2)) / (2 * np.pi * 2.8**2)
    np.testing.assert_allclose(smoothed(image, 2.8)[0, 0], expected, atol=2e-5)


def test_rings_share_all_pixels_and_are_means():
    rings = ring_weights(64, 64)
    assert sum((ring > 0).int() for ring in rings.values()).eq(1).all()
    assert all(ring.sum() == pytest.approx(1, abs=1e-5) for ring in rings.values())
    assert list(ring_weights(8, 8)) == ["0-2", "2-4", "4-8"]


def test_moments_are_those_of_their_distribution():
    """Of 40,000 exponential deviates: mean 1, ln rms 0, skewness 2, kurtosis 9."""
    pixels = torch.from_numpy(np.random.default_rng(0).exponential(1, (1, 1, 200, 200)))
    whole = {"all": torch.full((200, 200), 1 / 40_000, dtype=torch.float64)}
    found = {name: float(values) for name, values in moments(pixels, whole).items()}
    assert found["mean"] == pytest.approx(1, abs=0.02)
    assert found["spread"] == pytest.approx(0, abs=0.03)
    assert found["skewness"] == pytest.approx(2, abs=0.15)
    assert np.exp(found["kurtosis"]) == pytest.approx(9, rel=0.2)


def test_white_noise_has_the_same_power_on_all_scales():
    powers = power_spectrum(torch.from_numpy(noise(50)))
    assert np.allclose([p.exp().mean() for p in powers.values()], 1, atol=0.1)


def test_what_is_the_same_in_both_bands_is_alike():
    flux = noise(10)
    apart = column(image_statistics(flux, np.ones(2), BANDS), measure="correlation", scale="0.7")
    assert np.abs(apart.mean(axis=0)).max() < 0.2
    flux[:, 1] = flux[:, 0]
    same = column(image_statistics(flux, np.ones(2), BANDS), measure="correlation")
    np.testing.assert_allclose(same, 1, atol=1e-4)


@pytest.mark.parametrize("centre", [(31.5, 31.5), (32.0, 31.5), (32.0, 32.0)])
def test_a_round_galaxy_leaves_nothing_and_an_arm_does(centre):
    y, x = np.mgrid[:64, :64]
    light = 100 * np.exp(-np.hypot(y - centre[0], x - centre[1]) / 3)
    arm = light + 10 * np.exp(-((y - 38) ** 2 + (x - 30) ** 2) / 8)
    image = torch.from_numpy(np.stack([light, arm])[:, None].astype(np.float32))
    left = asymmetry(image, ring_weights(64, 64))[:, 0, :4]
    assert (left[0] < -4).all()
    assert left[1].max() > 0
