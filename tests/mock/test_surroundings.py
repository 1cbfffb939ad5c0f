"""What lies beside a galaxy: counts, luminosities and correlation against their sources."""

import numpy as np
import pytest
from scipy.special import exp1

from galddpm.mock import surroundings
from galddpm.mock.morphology import build
from galddpm.mock.selection import BRIGHTEST, EARLY, Chosen
from galddpm.mock.spectra import dimming


def central(redshift=0.5, kind=EARLY):
    return build(np.random.default_rng(0), Chosen(redshift, kind, 0.2, 20.0), np.zeros(2))


def test_field_galaxies_have_the_published_counts():
    """COSMOS2020: 10^4.21 a square degree and magnitude at i = 22.25, 10^4.97 at 24.75."""
    magnitudes, below = surroundings.number_density()
    for magnitude, log_count in ((22.25, 4.21), (24.75, 4.97)):
        inside = np.interp([magnitude - 0.25, magnitude + 0.25], magnitudes, below)
        assert np.log10(np.diff(inside)[0] / 0.5 * 3600) == pytest.approx(log_count, abs=0.02)


def test_a_stamp_holds_as_many_as_its_area_says():
    rng, galaxy = np.random.default_rng(1), central()
    expected = surroundings.number_density()[1][-1] * (127 * 0.168 / 60) ** 2
    counts = []
    for _ in range(150):
        around = surroundings.draw_surroundings(rng, galaxy, 127)
        counts.append(len(around.galaxies) + len(around.faint))
    companions = np.mean(
        [len(list(surroundings._companions(rng, galaxy, 127))) for _ in range(150)]
    )
    error = np.sqrt(expected / 150)
    assert np.mean(counts) - companions == pytest.approx(expected, abs=4 * error)


def test_companions_follow_luminosity_function_and_correlation():
    luminosity, above = surroundings._schechter()
    assert above[0] == pytest.approx(exp1(luminosity[0]) - exp1(luminosity[-1]), rel=0.01)
    assert surroundings.projection() == pytest.approx(3.68, abs=0.01)  # for a slope of 1.8
    rng, galaxy = np.random.default_rng(3), central()
    found = [pair for _ in range(400) for pair in surroundings._companions(rng, galaxy, 127)]
    for chosen, place in found:
        assert chosen.magnitude - dimming(chosen.template, 0.5) >= BRIGHTEST - 1e-9
        assert np.abs(place).max() < 127 / 2
    radius = np.array([np.hypot(*place) for _, place in found])
    inside = radius[radius < 60]
    shares = np.percentile(inside / 60, (25, 50, 75))
    np.testing.assert_allclose(shares, np.array([0.25, 0.5, 0.75]) ** (1 / 1.2), atol=0.08)


def test_faint_neighbours_carry_the_flux_of_their_magnitude():
    around = surroundings.draw_surroundings(np.random.default_rng(5), central(), 127)
    magnitudes = [27 - 2.5 * np.log10(profile.flux[2]) for profile in around.faint]
    assert min(magnitudes) >= surroundings.DETAILED - 1e-6
    assert max(magnitudes) <= surroundings.FAINT + 1e-6


def test_near_sources_are_counted_by_place_and_brightness():
    galaxy = central()
    shape = np.eye(2)
    flux = 10 ** (0.4 * (27 - np.array([24.9, 24.9, 25.1])))
    places = (np.array([9.9, -9.9]), np.array([10.1, 0.0]), np.zeros(2))
    faint = tuple(
        surroundings.Profile(np.full(5, f), place, shape)
        for f, place in zip(flux, places, strict=True)
    )
    around = surroundings.Surroundings((galaxy,), faint, ())
    assert around.near(10, 25) == 2  # the galaxy and the first profile
