"""The central source of a stamp: which pixels are its own, and what is said when there is none."""

import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats

from galddpm.evaluation.measurement.detection import (
    CLIP,
    PIXELS,
    clipped_median_rms,
    detect,
    inside_borders,
    measure_sky,
)
from galddpm.evaluation.measurement.flags import MEANING, Flag

SIZE = 64
SIGMA = 0.076  # [count] i-band noise of HSC Wide


def blob(x=31.5, y=31.5, peak=3.0, width=3.0, axis_ratio=1.0, size=SIZE) -> np.ndarray:
    """A Gaussian source [count], without noise, its major axis along x."""
    v, u = np.mgrid[:size, :size]
    return peak * np.exp(-((u - x) ** 2 + ((v - y) / axis_ratio) ** 2) / (2 * width**2))


def noise(seed=0, size=SIZE) -> np.ndarray:
    return SIGMA * np.random.default_rng(seed).standard_normal((size, size))


def test_clipping_equals_astropy():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.3, 2.0, 4000), rng.normal(40, 5, 300)])
    _, median, rms = sigma_clipped_stats(values, sigma=CLIP, maxiters=None)
    np.testing.assert_allclose(clipped_median_rms(values), (median, rms), rtol=1e-12)


def test_sky_of_pure_noise():
    sky, rms, _ = measure_sky(noise() + 5.0, np.ones((SIZE, SIZE), dtype=bool))
    assert sky == pytest.approx(5.0, abs=4 * SIGMA / SIZE)
    assert rms == pytest.approx(SIGMA, rel=0.05)


def test_sky_is_measured_around_the_sources():
    image = blob(peak=20, width=6) + noise()
    clipped, _ = clipped_median_rms(image)
    sky, rms, _ = measure_sky(image, np.ones_like(image, dtype=bool))
    assert abs(sky) < 0.5 * abs(clipped)
    assert rms == pytest.approx(SIGMA, rel=0.05)


def test_plain_source_is_ok():
    found = detect(blob() + noise())
    assert (found.status, found.flag) == ("ok", Flag(0))
    assert found.segment[31, 31]
    assert not (found.segment & found.others).any()


def test_segment_is_what_stands_above_the_threshold():
    clean = blob(peak=50, width=4)
    found = detect(clean + noise())
    expected = (clean > 1.5 * SIGMA).sum()
    assert found.segment.sum() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_common_factor_in_flux_and_noise_changes_no_pixel(factor):
    image = blob(peak=1) + blob(50, 20) + noise()
    one, other = detect(image), detect(factor * image)
    np.testing.assert_array_equal(one.segment, other.segment)
    np.testing.assert_array_equal(one.others, other.others)
    assert other.sky_sigma == pytest.approx(factor * one.sky_sigma)


def test_constant_sky_changes_no_pixel():
    image = blob(peak=1) + noise()
    np.testing.assert_array_equal(detect(image).segment, detect(image + 7.5).segment)


def test_neighbour_is_masked():
    found = detect(blob() + blob(52, 50) + noise())
    assert found.others[50, 52]
    assert not found.segment[50, 52]
    assert Flag.DEBLENDED not in found.flag


def test_touching_neighbour_is_parted():
    found = detect(blob(width=3) + blob(42, 31.5, width=3) + noise())
    assert Flag.DEBLENDED in found.flag
    assert found.segment[31, 31]
    assert found.others[31, 42]


def test_two_equal_sources():
    found = detect(blob(25.5, 31.5) + blob(37.5, 31.5) + noise())
    assert found.status == "ok"
    assert found.segment[31, 25] != found.segment[31, 37]
    assert found.others[31, 25] != found.others[31, 37]


def test_source_near_the_centre_is_taken():
    found = detect(blob(31.5, 35.5, width=1.0) + noise())
    assert found.status == "ok"
    assert found.flag == Flag.OFF_CENTRE


def test_source_far_from_the_centre_is_not_taken():
    assert detect(blob(31.5, 45, width=1.5) + noise()).status == "undetected"


def test_source_at_the_edge():
    found = detect(blob(peak=30, width=14) + noise())
    assert found.status == "edge"
    assert Flag.EDGE in found.flag


def test_empty_noise_is_undetected():
    found = [detect(noise(seed)) for seed in range(40)]
    assert {one.status for one in found} == {"undetected"}
    assert {one.flag for one in found} == {Flag.UNDETECTED}
    assert found[0].sky_sigma == pytest.approx(SIGMA, rel=0.05)


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constant_stamp_is_bad(value):
    found = detect(np.full((SIZE, SIZE), value))
    assert (found.status, found.flag) == ("bad_pixels", Flag.BAD_PIXELS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_pixel_is_bad(value):
    image = blob() + noise()
    image[3, 5] = value
    assert detect(image).status == "bad_pixels"


def test_negative_source_is_undetected():
    assert detect(noise() - blob()).status == "undetected"


def test_saturated_source():
    image = np.minimum(blob(peak=100), 40.0) + noise()
    image[image > 39] = 40.0
    found = detect(image)
    assert found.status == "ok"
    assert found.flag == Flag.SATURATED


def test_sparse_lit_pixels_are_bad_or_undetected():
    image = np.zeros((SIZE, SIZE))
    image[30:33, 30:33] = 1.0
    image[0, 0] = image[-1, -1] = 0.5
    assert detect(image).status == "bad_pixels"


def test_zero_borders_are_masked():
    padded = np.zeros((127, 127))
    padded[:120, :120] = blob(60.5, 60.5, size=120) + noise(size=120)
    assert inside_borders(padded).sum() == 120 * 120
    found = detect(padded)
    assert found.status == "ok"
    assert found.others[123, 60]
    assert found.sky_sigma == pytest.approx(SIGMA, rel=0.05)


def test_source_at_a_zero_border_is_at_the_edge():
    padded = np.zeros((127, 127))
    padded[:70] = (blob(63, 63, width=5, size=127) + noise(size=127))[:70]
    assert detect(padded).status == "edge"


@pytest.mark.parametrize("shape", [(40, 64), (33, 33), (5, 5), (1, 1), (2, 3)])
def test_any_size_is_judged(shape):
    rng = np.random.default_rng(0)
    v, u = np.indices(shape)
    middle = (np.array(shape) - 1) / 2
    source = 5 * np.exp(-((v - middle[0]) ** 2 + (u - middle[1]) ** 2) / 8)
    status = detect(source + SIGMA * rng.standard_normal(shape)).status
    assert status == "ok" if min(shape) > 30 else status


def test_every_flag_is_one_bit_with_a_meaning():
    assert set(MEANING) == set(Flag)
    assert sum(Flag) == 2 ** len(Flag) - 1
    assert PIXELS > 1


def test_an_artefact_is_masked_and_flagged_and_spoils_nothing():
    image = blob() + noise()
    clean = detect(image)
    image[12, 50] = -25241.0
    found = detect(image)
    assert found.status == "ok"
    assert found.flag == Flag.MASKED
    assert found.others[11:14, 49:52].all()
    assert found.sky_sigma == pytest.approx(clean.sky_sigma, rel=0.02)
    np.testing.assert_array_equal(found.segment, clean.segment)


def test_a_row_of_zeros_is_masked_and_flagged():
    image = blob() + noise()
    image[50] = 0
    found = detect(image)
    assert found.flag == Flag.MASKED
    assert found.others[50].all()
    assert not found.free[50].any()


def test_a_triangle_without_data_is_masked_and_flagged_and_leaves_the_noise_alone():
    image = blob() + noise()
    y, x = np.indices(image.shape)
    empty = x + y > 72
    image[empty] = 0
    found = detect(image)
    assert 0.3 < empty.mean() < 0.45
    assert found.flag & Flag.MASKED
    assert found.others[empty].all()
    assert found.sky_sigma == pytest.approx(SIGMA, rel=0.05)


def test_padding_alone_is_no_fault():
    padded = np.zeros((80, 80))
    padded[8:72, 8:72] = blob() + noise()
    assert detect(padded).flag == Flag(0)
