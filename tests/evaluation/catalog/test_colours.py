"""Magnitudes and colours by hand, against Astropy's AB system, and where there is no light."""

import astropy.units as u
import numpy as np
import pytest

from galddpm.evaluation.catalog.colours import colours, magnitudes


def test_magnitudes_by_hand():
    # one count is magnitude 27, a hundred times the light is five magnitudes brighter
    np.testing.assert_allclose(magnitudes(np.array([1.0, 100.0, 1e4, 0.01])), [27, 22, 17, 32])


def test_magnitudes_are_those_of_astropys_ab_system():
    flux = np.random.default_rng(0).lognormal(3, 2, 50)
    count = 3631 * 10 ** (-0.4 * 27.0) * u.Jy  # of a source that gives one count
    np.testing.assert_allclose(magnitudes(flux), (flux * count).to_value(u.ABmag), atol=1e-4)


def test_colours_are_of_neighbouring_bands_the_bluer_one_first():
    flux = {"g": np.array([1.0, 100.0]), "r": np.array([100.0, 100.0]), "i": np.array([1e4, 1.0])}
    found = colours(flux)
    assert list(found) == ["magnitude_g", "magnitude_r", "magnitude_i", "g-r", "r-i"]
    np.testing.assert_allclose(found["magnitude_i"], [17, 27])
    np.testing.assert_allclose(found["g-r"], [5, 0])  # red is positive
    np.testing.assert_allclose(found["r-i"], [5, -5])


def test_a_common_factor_moves_magnitudes_and_leaves_colours():
    draw = np.random.default_rng(1)
    flux = {band: draw.lognormal(3, 1, 20) for band in "griz"}
    before, after = colours(flux), colours({band: 10 * values for band, values in flux.items()})
    for name in before:
        shift = -2.5 if name.startswith("magnitude") else 0
        np.testing.assert_allclose(after[name], before[name] + shift, atol=1e-12)


@pytest.mark.parametrize("flux", [0.0, -3.0, np.nan])
def test_without_light_there_is_neither_magnitude_nor_colour(flux):
    found = colours({"g": np.array([flux, 1.0]), "r": np.ones(2), "i": np.ones(2)})
    assert np.isnan(found["magnitude_g"]).tolist() == [True, False]
    assert np.isnan(found["g-r"]).tolist() == [True, False]
    np.testing.assert_allclose(found["r-i"], 0)


def test_one_band_has_no_colour_and_no_galaxy_no_value():
    assert list(colours({"i": np.ones(3)})) == ["magnitude_i"]
    assert colours({}) == {}
    assert all(len(v) == 0 for v in colours({"g": np.empty(0), "r": np.empty(0)}).values())
