"""Measurements against closed forms, against GalSim's truth and against photutils' catalog."""

import galsim
import numpy as np
import photutils
import pytest
from photutils.segmentation import SegmentationImage, SourceCatalog
from test_detection import SIGMA, blob, noise

from galddpm.data.survey import BANDS
from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.morphology import (
    Ellipse,
    isophotal_area,
    kron_aperture,
    kron_scale,
    light_at_edge,
    light_radius,
    moments,
    without_neighbours,
)
from galddpm.evaluation.measurement.stamp import NUMBERS, measure_detected
from galddpm.mock.noise import add_noise

WHOLE = np.ones((64, 64), dtype=bool)


def sersic(magnitude, n, r_eff, axis_ratio, angle, seed, noisy=True) -> np.ndarray:
    """A Sersic galaxy seen by HSC in i; r_eff [pix] along the major axis, angle [deg]."""
    pixel = 0.168
    circular = r_eff * np.sqrt(axis_ratio) * pixel
    flux = 10 ** (0.4 * (27 - magnitude))
    galaxy = galsim.Sersic(n, half_light_radius=circular, flux=flux)
    galaxy = galaxy.shear(q=axis_ratio, beta=angle * galsim.degrees)
    seen = galsim.Convolve(galaxy, galsim.Moffat(beta=3, fwhm=0.61))
    image = seen.drawImage(nx=64, ny=64, scale=pixel).array.astype(np.float64)
    return image + noise(seed) if noisy else image


def measured(image) -> dict:
    """The row of a stamp without fits."""
    return measure_detected(image, detect(image))


def test_moments_of_an_elliptical_gaussian():
    ellipse = moments(blob(30.2, 33.7, width=4, axis_ratio=0.6), WHOLE)
    assert (ellipse.x, ellipse.y) == pytest.approx((30.2, 33.7), abs=1e-6)
    assert ellipse.semimajor_axis == pytest.approx(4, rel=1e-6)
    assert ellipse.semiminor_axis == pytest.approx(2.4, rel=1e-6)
    assert ellipse.ellipticity == pytest.approx(0.4, rel=1e-6)
    assert ellipse.orientation == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("angle", [-60, 0, 25, 45, 80])
def test_orientation_and_ellipticity_of_a_galsim_gaussian(angle):
    galaxy = galsim.Gaussian(sigma=3).shear(q=0.5, beta=angle * galsim.degrees)
    image = galaxy.drawImage(nx=64, ny=64, scale=1, method="no_pixel").array
    ellipse = moments(image, WHOLE)
    assert np.degrees(ellipse.orientation) == pytest.approx(angle, abs=0.05)
    assert ellipse.ellipticity == pytest.approx(0.5, abs=1e-3)


def test_one_pixel_source_has_the_size_of_a_pixel():
    segment = np.zeros((64, 64), dtype=bool)
    segment[10, 20] = True
    ellipse = moments(np.ones((64, 64)), segment)
    assert (ellipse.x, ellipse.y) == (20, 10)
    assert ellipse.semimajor_axis == pytest.approx(np.sqrt(1 / 12))
    assert isophotal_area(segment) == 1


def test_light_of_a_circular_gaussian():
    image, flux = blob(width=3, peak=1), 2 * np.pi * 9
    ellipse = moments(image, WHOLE)
    scale, _ = kron_scale(image, ellipse)
    # first moment of the light of a Gaussian is sqrt(pi/2) sigma; the least allowed is larger
    assert scale == pytest.approx(2.5 * 1.4)
    inside = (image * kron_aperture(image.shape, ellipse, scale)).sum()
    assert inside == pytest.approx(flux * (1 - np.exp(-(scale**2) / 2)), rel=2e-3)
    radius = light_radius(image, ellipse, flux / 2, 20)
    # pixels are squares of even light, which widens the profile by their variance
    assert radius == pytest.approx(np.sqrt((9 + 1 / 12) * 2 * np.log(2)), rel=2e-3)


def test_half_light_radius_that_does_not_exist():
    ellipse = Ellipse(31.5, 31.5, 3.0, 3.0, 0.0)
    assert np.isnan(light_radius(blob(), ellipse, 1e9, 20))
    assert np.isnan(light_radius(-blob(), ellipse, 10.0, 20))


def test_neighbour_is_replaced_by_the_pixels_opposite():
    image = np.arange(25.0).reshape(5, 5)
    others = np.zeros((5, 5), dtype=bool)
    others[0, 0] = others[0, 4] = others[4, 0] = True
    clean = without_neighbours(image, others, Ellipse(2.0, 2.0, 1.0, 1.0, 0.0))
    assert clean[0, 0] == image[4, 4]
    assert clean[0, 4] == clean[4, 0] == 0  # opposite each other: the sky
    np.testing.assert_array_equal(clean[~others], image[~others])


@pytest.mark.parametrize("seed", range(6))
def test_numbers_equal_photutils(seed):
    rng = np.random.default_rng(seed)
    image = sersic(20.5, 1 + seed % 4, 4, rng.uniform(0.4, 1), rng.uniform(0, 180), seed)
    found = detect(image)
    image = image - found.sky
    row = measured(image + found.sky)
    with photutils.use_future_column_names():
        label = SegmentationImage(found.segment.astype(int))
        theirs = SourceCatalog(image, label, mask=found.others)
        pairs = {
            "x": theirs.x_centroid,
            "y": theirs.y_centroid,
            "semimajor_axis": theirs.semimajor_axis.value,
            "semiminor_axis": theirs.semiminor_axis.value,
            "ellipticity": theirs.ellipticity.value,
            "isophotal_area": theirs.area.value,
        }
        turn = row["orientation"] - np.atleast_1d(theirs.orientation.value)[0]
        assert abs((turn + 90) % 180 - 90) < 1e-6  # an axis has no head: modulo 180 degrees
        if not found.others.any():  # neighbours are mended in another way
            pairs["flux"] = theirs.kron_flux
            pairs["half_light_radius"] = theirs.flux_radius(0.5).value
    for name, value in pairs.items():
        assert row[name] == pytest.approx(np.atleast_1d(value)[0], rel=1e-6), name


def test_turn_by_90_degrees_changes_only_angle_and_position():
    image = sersic(20, 2, 5, 0.5, 30, seed=3)
    before, after = (measured(stamp) for stamp in (image, np.rot90(image)))
    turned = {"x", "y", "orientation"}
    for name in set(NUMBERS) - turned:
        assert after[name] == pytest.approx(before[name], rel=1e-9, nan_ok=True), name
    # rot90 takes (y, x) to (63 - x, y)
    assert (after["x"], after["y"]) == pytest.approx((before["y"], 63 - before["x"]))
    assert (after["orientation"] - before["orientation"]) % 180 == pytest.approx(90)


def test_common_factor_in_flux_and_noise_changes_only_flux_and_noise():
    image = sersic(21, 1, 4, 0.6, 10, seed=4)
    one, other = measured(image), measured(3.7 * image)
    for name in set(NUMBERS) - {"flux", "flux_error", "sky_sigma"}:
        assert other[name] == pytest.approx(one[name], rel=1e-9, nan_ok=True), name
    assert other["flux"] / one["flux"] == pytest.approx(3.7)
    assert other["sky_sigma"] / one["sky_sigma"] == pytest.approx(3.7)


@pytest.mark.parametrize(("magnitude", "loss"), [(19, 0.06), (21, 0.08), (22.5, 0.12)])
def test_kron_flux_of_exponential_galaxies(magnitude, loss):
    """The Kron aperture of an exponential profile misses a few percent, more where it is faint."""
    flux = 10 ** (0.4 * (27 - magnitude))
    found = [measured(sersic(magnitude, 1, 4, 0.7, 20 * seed, seed))["flux"] for seed in range(8)]
    assert 1 - loss < np.median(found) / flux < 1.02


def test_sizes_follow_the_truth():
    """rms axes grow with the galaxy and keep its axis ratio, once the PSF is small beside it."""
    small, large = (measured(sersic(19, 1, r, 0.5, 0, 1)) for r in (4, 8))
    assert 1.6 < large["semimajor_axis"] / small["semimajor_axis"] < 2.0
    assert large["ellipticity"] == pytest.approx(0.5, abs=0.08)
    assert small["ellipticity"] < large["ellipticity"]


def test_light_at_the_edge_is_what_a_larger_aperture_gains():
    image = blob(width=4, axis_ratio=0.7)
    ellipse = moments(image, WHOLE)
    smaller, larger = ((image * kron_aperture((64, 64), ellipse, s)).sum() for s in (1.9, 2.1))
    assert light_at_edge(image, ellipse, 2.0) == pytest.approx((larger - smaller) / 0.2, rel=0.05)


def test_kron_scale_follows_a_pixel_as_its_slope_says():
    image = blob(width=4) ** 0.3  # shallow, so that the radius is above the least one
    ellipse = moments(image, blob(width=4) > 0.1)
    scale, slope = kron_scale(image, ellipse)
    for place in ((31, 40), (20, 25)):
        brighter = image.copy()
        brighter[place] += 1e-6
        change = (kron_scale(brighter, ellipse)[0] - scale) / 1e-6
        assert slope[place] == pytest.approx(change, rel=1e-4)


@pytest.mark.parametrize(("magnitude", "n", "r_eff"), [(20.5, 1, 4), (21.5, 2, 4), (22.5, 1, 3)])
def test_flux_errors_are_those_of_repeated_survey_noise(magnitude, n, r_eff):
    """Its pixels hang together; the sky's level and the aperture follow the noise as well."""
    light = sersic(magnitude, n, r_eff, 0.6, 30, 0, noisy=False).astype(np.float32)
    rows = [measured(light + survey_noise(light, seed)) for seed in range(120)]
    flux, error = (np.array([row[name] for row in rows]) for name in ("flux", "flux_error"))
    assert 0.8 < half_width((flux - np.median(flux)) / error) < 1.25


def half_width(values) -> float:
    low, high = np.quantile(values, (0.16, 0.84))
    return (high - low) / 2


def survey_noise(light, seed) -> np.ndarray:
    """Noise of the i band over a galaxy without noise, as the mock draws it."""
    bands = np.repeat(light[None].astype(np.float32), len(BANDS), axis=0)
    noise = add_noise(bands, np.random.default_rng([7, seed])) - bands
    return noise[BANDS.index("i")].astype(float)


def test_undetected_row_has_nan_and_a_flag():
    row = measured(noise())
    assert row["status"] == "undetected"
    assert row["flag"] & Flag.UNDETECTED
    assert row["flag"] & Flag.NOT_SELECTED
    assert row["sky_sigma"] == pytest.approx(SIGMA, rel=0.05)
    assert all(np.isnan(row[name]) for name in set(NUMBERS) - {"sky_sigma", "sky_correlation"})


def test_bad_row_has_only_nan():
    row = measured(np.full((64, 64), np.nan))
    assert row["status"] == "bad_pixels"
    assert all(np.isnan(row[name]) for name in NUMBERS)


def test_kron_aperture_over_the_edge_is_flagged():
    row = measured(blob(peak=30, width=11) + noise())
    assert row["flag"] & Flag.KRON_CUT
    assert not measured(blob(width=2) + noise())["flag"] & Flag.KRON_CUT
