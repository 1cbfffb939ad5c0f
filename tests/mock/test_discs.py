"""Discs with structure: what must stay whatever they are made of, and what structure does."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.fft

from galddpm.mock.profiles import Profile, ellipse, profile_wave
from galddpm.mock.structure import Disc, disc_light, disc_wave, extinction

CANVAS = 160
OLD, YOUNG = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([4.0, 3.0, 2.0, 2.0, 1.0])
PLAIN = Disc(
    OLD, YOUNG, np.zeros(2), r_eff=8.0, axis_ratio=0.6, angle=0.4, redshift=0.1, arms=0, pitch=0.4,
    strength=0.0, phase=0.0, inner=0.0, edge=20.0, ring=0.0, flocculence=0.0, dust=0.0,
    texture=(0, 0),
)  # fmt: skip
SPIRAL = replace(PLAIN, arms=2, strength=1.5, inner=0.4, dust=1.0, flocculence=0.4, ring=1.5)


def pixels(disc):
    return scipy.fft.irfft2(disc_wave(disc, CANVAS), s=(CANVAS, CANVAS))


@pytest.mark.parametrize(
    "disc", [PLAIN, SPIRAL, replace(SPIRAL, axis_ratio=0.22), replace(SPIRAL, edge=2.0)]
)
def test_every_band_keeps_its_flux(disc):
    """But for what an exponential leaves beyond the canvas, 17 scale lengths away."""
    np.testing.assert_allclose(pixels(disc).sum(axis=(1, 2)), OLD + YOUNG, rtol=0.01)


@pytest.mark.parametrize("q", [0.9, 0.3])
def test_a_disc_without_structure_is_an_exponential(q):
    disc = replace(PLAIN, axis_ratio=q, place=np.array([3.0, -2.0]))
    wave = profile_wave(Profile(OLD, disc.place, ellipse(8.0, q, 0.4)), CANVAS)
    expected = (OLD + YOUNG)[:, None, None] * wave
    low = np.abs(disc_wave(disc, CANVAS) - expected)[:, :30, :30]  # waves that the PSF lets pass
    assert low.max() < 0.02 * (OLD + YOUNG).max()


def test_two_arms_look_the_same_upside_down_and_three_do_not():
    image = disc_light(replace(SPIRAL, flocculence=0.0), CANVAS)[0]
    turned = np.roll(image[::-1, ::-1], (1, 1), (0, 1))  # about the middle
    np.testing.assert_allclose(image, turned, rtol=1e-3, atol=1e-6)
    three = disc_light(replace(SPIRAL, flocculence=0.0, arms=3), CANVAS)[0]
    assert np.abs(three - np.roll(three[::-1, ::-1], (1, 1), (0, 1))).sum() > 0.2 * three.sum()


def test_arms_are_logarithmic_spirals():
    """The crest at radius r lies at ln(r) / tan(pitch) further round, face-on."""
    disc = replace(PLAIN, axis_ratio=1.0, angle=0.0, arms=2, strength=2.0, r_eff=20.0, phase=0.7)
    image = disc_light(disc, CANVAS)[0]
    middle = len(image) // 2
    scale, azimuth = 20.0 / 1.678347, np.linspace(0, np.pi, 720, endpoint=False)
    for radius in (1.0, 1.5, 2.5):
        x = np.rint(middle + radius * scale * np.cos(azimuth)).astype(int)
        y = np.rint(middle + radius * scale * np.sin(azimuth)).astype(int)
        second = np.sum(image[y, x] * np.exp(2j * azimuth))
        expected = np.log(radius) / np.tan(0.4) - 0.7 / 2
        assert np.cos(np.angle(second) - 2 * expected) > 0.98


def test_young_light_lies_on_the_arms_more_than_old():
    g, y = disc_light(SPIRAL, CANVAS)[[0, 4]]
    smooth_g, smooth_y = disc_light(replace(SPIRAL, arms=0, flocculence=0, ring=0), CANVAS)[[0, 4]]
    contrast = [np.std(a / b) for a, b in ((g, smooth_g), (y, smooth_y))]
    assert contrast[0] > 1.2 * contrast[1]


def test_dust_dims_blue_light_more_and_cuts_an_edge_on_disc_in_two():
    depth = extinction(0.0)
    assert depth[0] / depth[4] == pytest.approx((4791 / 9772) ** -0.7, rel=1e-6)
    edge_on = replace(PLAIN, axis_ratio=0.2, angle=0.0, r_eff=25.0, dust=2.0)
    image = disc_light(edge_on, CANVAS)
    middle = image.shape[1] // 2
    for band in image:  # across the disc, where the lane is
        column = band[:, middle + 5]
        assert column[middle] < 0.9 * column[[middle - 3, middle + 3]].mean()


def test_a_truncated_disc_ends():
    far, near = (disc_light(replace(PLAIN, edge=edge), CANVAS)[0] for edge in (2.0, 20.0))
    middles = len(far) // 2, len(near) // 2
    assert far[middles[0] + 35, middles[0]] < 0.3 * near[middles[1] + 35, middles[1]]
