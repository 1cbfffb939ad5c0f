"""Sizes, ultraviolet light and mergers through cosmic time, on galaxies that are known."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units
from astropy.cosmology import Planck18

from galddpm.data.cosmology import comoving_volume
from galddpm.evaluation.statistics.cosmic_time import (
    Population,
    by_gini_m20,
    compare_cosmic_time,
    compare_mergers,
    compare_sizes,
    compare_ultraviolet,
    radius_kpc,
    star_formation,
    ultraviolet,
)

PIVOT = {"g": 4791, "r": 6214, "i": 7689, "z": 8903, "y": 9772}


def population(count=600, exponent=-0.75, slope=0.0, mergers=0.1, scatter=0.1, seed=0, **changes):
    """Galaxies whose size, spectrum and share of mergers are given."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.05, 2.4, count)
    kpc = 5 * (1 + z) ** exponent * np.exp(rng.normal(0, scatter, count))
    angle = kpc / (Planck18.kpc_proper_per_arcmin(z).value / 60) / 0.168
    merging = rng.random(count) < mergers
    columns = {
        "sersic_r_eff": angle,
        "gini": np.where(merging, 0.7, 0.5),
        "m20": np.full(count, -1.8),
        "asymmetry": np.where(merging, 0.5, 0.1),
        "snr": np.full(count, 100.0),
        "half_light_radius": np.full(count, 4.0),
    } | changes
    aperture = {
        band: 20.0 * (pivot / 7689) ** slope * np.ones(count) for band, pivot in PIVOT.items()
    }
    return Population(z, columns, aperture)


def test_a_radius_in_kpc():
    some = population(scatter=0.0)
    np.testing.assert_allclose(radius_kpc(some), 5 * (1 + some.redshift) ** -0.75, rtol=1e-6)


@pytest.mark.parametrize("slope", [0.0, 1.7])
def test_light_between_two_bands_goes_by_a_power_of_wavelength(slope):
    some = population(slope=slope)
    z = some.redshift
    observed = 2800 * (1 + z)
    counts = 20.0 * (observed / 7689) ** slope
    density = (counts * 10 ** (-0.4 * 27) * 3631 * units.Jy).to("erg / (s cm2 Hz)")
    expected = 4 * np.pi * Planck18.luminosity_distance(z).to("cm") ** 2 * density / (1 + z)
    between = (observed > 4791) & (observed < 9772)
    found = ultraviolet(some)
    np.testing.assert_allclose(found[between], expected.value[between], rtol=1e-3)
    assert np.isnan(found[~between]).all()
    assert 0 < between.sum() < len(z)


def test_bands_may_come_in_any_order():
    some = population(slope=1.0)
    turned = replace(some, aperture=dict(reversed(some.aperture.items())))
    np.testing.assert_array_equal(ultraviolet(turned), ultraviolet(some))


def test_a_flux_that_is_not_positive_has_no_luminosity():
    some = population()
    some.aperture["z"][:] = -1.0
    between = (2800 * (1 + some.redshift) > 7700) & (2800 * (1 + some.redshift) < 9700)
    assert np.isnan(ultraviolet(some)[between]).all()
    one_band = Population(some.redshift, some.columns, {"i": some.aperture["i"]})
    assert np.isnan(ultraviolet(one_band)).all()


def test_sizes_find_the_exponent():
    found = compare_sizes(population(seed=1), population(exponent=-0.75, seed=2))
    low, high = found["real"]["exponent_interval"]
    assert low < -0.75 < high
    assert high - low < 0.1
    assert found["verdict"] == "agrees"
    other = compare_sizes(population(seed=1), population(exponent=-1.48, seed=2))
    assert other["verdict"] == "differs"
    assert other["difference"] == pytest.approx(-0.73, abs=0.08)


def test_a_galaxy_at_redshift_0_has_no_size():
    some = population(seed=1)
    some.redshift[0] = 0.0
    found = compare_sizes(some, population(seed=2))
    assert found["real"]["n"] == len(some) - 1
    assert found["verdict"] == "agrees"


def test_few_galaxies_do_not_agree_in_a_bin():
    """Twenty of a scatter of a fifth of a decade cannot say that sizes are the same."""
    bins = compare_sizes(population(160, scatter=0.46), population(160, scatter=0.46, seed=1))[
        "bins"
    ]
    assert "agrees" not in {line["verdict"] for line in bins}


def test_ultraviolet_light_by_volume():
    """Of equal numbers in all bins, of equal light, density goes by volume alone."""
    rng = np.random.default_rng(0)
    edges = [(0.72, 0.9), (0.9, 1.1), (1.1, 1.4), (1.4, 1.8), (1.8, 2.48)]
    z = np.concatenate([rng.uniform(*edge, 40) for edge in edges])
    distance = Planck18.luminosity_distance(z).value
    light = dict.fromkeys(PIVOT, 1e5 * (1 + z) / distance**2)  # L_nu alike everywhere
    some = Population(z, {}, light)
    double = Population(z, {}, {band: 2 * flux for band, flux in light.items()})
    lines = compare_ultraviolet(some, double)
    for line, edge in zip(lines, edges, strict=True):
        assert line["real"]["n"] == 40
        expected = comoving_volume(0.72, 0.9) / comoving_volume(*edge)
        assert line["real"]["density"] == pytest.approx(expected, rel=1e-6)
        assert line["difference"] == pytest.approx(np.log10(2), abs=1e-6)
        assert line["verdict"] == "differs"
    assert lines[0]["published"] == 1
    rate = lines[0]["real"]["star_formation"] / 10 ** lines[0]["real"]["mean"]
    assert rate == pytest.approx(1.15e-28)


def test_star_formation_peaks_two_gigayears_after_the_start():
    z = np.linspace(0, 6, 601)
    rates = [star_formation(one) for one in z]
    assert z[np.argmax(rates)] == pytest.approx(1.86, abs=0.02)  # Madau & Dickinson 2014, section 5
    assert star_formation(0) == pytest.approx(0.015, rel=0.01)


def test_shares_of_mergers():
    same = compare_mergers(population(3000, seed=1), population(3000, seed=2), by_gini_m20)
    other = compare_mergers(population(seed=1), population(mergers=0.5, seed=2), by_gini_m20)
    few = compare_mergers(population(300, mergers=0.0), population(300, mergers=0.0), by_gini_m20)
    assert few[0]["verdict"] == "too few to say"  # though all are alike
    assert [line["verdict"] for line in same] == ["agrees"] * 5
    assert other[-1]["verdict"] == "differs"
    assert other[-1]["generated"]["mean"] == pytest.approx(0.5, abs=0.08)


def test_small_and_faint_galaxies_are_no_evidence():
    small = population(half_light_radius=np.full(600, 2.0))
    faint = population(snr=np.full(600, 20.0))
    for some in (small, faint):
        for line in compare_mergers(population(), some, by_gini_m20):
            assert line["generated"]["n"] == 0
            assert line["verdict"] == "too few to say"


def test_too_few_galaxies_say_nothing():
    some = population(8)
    none = Population(
        some.redshift[:0],
        {name: values[:0] for name, values in some.columns.items()},
        {band: flux[:0] for band, flux in some.aperture.items()},
    )
    assert compare_cosmic_time(none, none)["size"]["real"]["n"] == 0
    found = compare_cosmic_time(population(8), population(8, seed=1))
    assert found["size"]["verdict"] == "too few to say"
    assert found["size"]["real"]["exponent"] is None
    lines = [*found["ultraviolet"], *found["mergers"]["asymmetry"]]
    assert {line["verdict"] for line in lines} == {"too few to say"}
