"""Ratios of redshift scatter by hand and by the asymptotics of the median; who may judge."""

import numpy as np
import pytest

from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.photoz.comparison import compare_redshifts

RNG = np.random.default_rng
EDGES = (0.0, 0.5, 1.0, 4.0)
STEPS = np.tile([-0.02, -0.01, 0.0, 0.01, 0.02], 20)  # median absolute deviation 0.01
TRUE = np.repeat([0.2, 0.6, 1.0, 2.0, 3.0], 20)


def seen(true, dz, error=0.1) -> Catalog:
    """A catalog of estimates that are off by dz (1 + z)."""
    count = len(true)
    table = {"z_phot": true + dz * (1 + true), "z_phot_error": np.full(count, error)}
    return Catalog(true, np.arange(count), {"i": table}, {}, {})


def every(*catalogs):
    return tuple(np.arange(len(catalog)) for catalog in catalogs)


def compared(real, generated, edges=EDGES):
    return compare_redshifts(real, generated, every(real, generated), edges)


def scattered(seed, count, scatter) -> Catalog:
    return seen(RNG(seed).uniform(0.1, 3, count), RNG(100 + seed).normal(0, scatter, count))


def test_ratio_by_hand():
    found = compared(seen(TRUE, STEPS), seen(TRUE, 2 * STEPS))
    assert found["real"]["nmad"] == pytest.approx(0.01 / 0.67449)
    assert found["nmad_ratio"] == pytest.approx(2)
    assert found["usable"] is True
    assert found["reason"] is None
    assert found["constant_nmad"] > 0.1


def test_the_interval_is_as_wide_as_medians_scatter():
    found = compared(scattered(0, 2000, 0.02), scattered(1, 2000, 0.03))
    low, high = found["nmad_ratio_interval"]
    assert low < found["nmad_ratio"] < high
    # variance of the scaled MAD of a normal: 1.361 sigma^2 / N (Huber 1981)
    error = 1.5 * np.sqrt(2 * 1.361 / 2000)
    assert found["nmad_ratio"] == pytest.approx(1.5, abs=3 * error)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.2)


def test_sides_that_change_places_turn_the_ratio_over():
    one, other = scattered(0, 300, 0.02), scattered(1, 200, 0.03)
    forth, back = compared(one, other), compared(other, one)
    assert forth["nmad_ratio"] == pytest.approx(1 / back["nmad_ratio"])
    assert forth["real"] == back["generated"]
    assert forth["generated"] == back["real"]


def test_only_the_rows_compared_count():
    dz = np.append(STEPS, np.full(50, 7.0))
    whole = seen(np.append(TRUE, np.full(50, 0.1)), dz)
    found = compare_redshifts(whole, whole, (np.arange(100), np.arange(50)), EDGES)
    assert (found["real"]["n"], found["generated"]["n"]) == (100, 50)
    assert found["real"]["outlier_fraction"] == found["generated"]["outlier_fraction"] == 0


def test_the_leading_band_is_the_one_that_is_read():
    catalog = seen(TRUE, STEPS)
    catalog.bands["g"] = {name: np.full(100, np.nan) for name in ("z_phot", "z_phot_error")}
    assert compared(catalog, catalog)["real"]["n"] == 100


@pytest.mark.parametrize("side", [0, 1])
def test_without_estimates_on_a_side_nothing_is_said(side):
    sides = [scattered(0, 100, 0.02), scattered(1, 100, 0.02)]
    rows = [np.arange(100), np.arange(100)]
    rows[side] = rows[side][:0]
    assert compare_redshifts(*sides, tuple(rows), EDGES) is None
    sides[side].bands["i"]["z_phot"][:] = np.nan
    assert compared(*sides) is None


def test_galaxies_without_an_estimate_are_left_out():
    real = seen(np.append(TRUE, 3.5), np.append(STEPS, np.nan))
    found = compared(real, seen(TRUE, 3 * STEPS))
    assert found["real"]["n"] == 100
    assert found["nmad_ratio"] == pytest.approx(3)
    assert np.isfinite(found["nmad_ratio_interval"]).all()


def test_a_poor_cnn_judges_nothing_and_says_why():
    true = RNG(0).uniform(0.1, 3, 200)
    poor = seen(true, (1.0 - true) / (1 + true))  # always 1
    found = compared(poor, scattered(1, 200, 0.02))
    assert found["usable"] is False
    assert found["nmad_ratio"] is found["nmad_ratio_interval"] is None
    assert "a constant's" in found["reason"]
    assert f"{found['real']['nmad']:.3f}" in found["reason"]
    assert found["generated"]["nmad"] > 0  # both sides are told all the same
    good = compared(scattered(1, 200, 0.02), poor)  # only real galaxies tell whether it is poor
    assert good["usable"] is True
    assert good["nmad_ratio"] > 3


def test_in_a_bin_the_cnn_must_beat_the_best_constant_there():
    """An NMAD knows no bias, so the best constant is the lowest redshift: dz = 1.5 / (1 + z) - 1.
    The deviation m from the median, 1.5 / 1.75, that half of even redshifts keep within solves
    1 / (1 / 1.75 - m) - 1 / (1 / 1.75 + m) = 0.25, and is 0.0406."""
    true = np.tile(np.linspace(0.5, 1.0, 100, endpoint=False), 2)
    middle = np.full(200, 0.75)
    sharp = seen(true, np.tile([-0.01, 0.01], 100))
    blunt = seen(true, (middle - true) / (1 + true))
    for catalog, usable in ((sharp, True), (blunt, False)):
        bins = compared(catalog, sharp)["by_redshift"]
        assert [b["usable"] for b in bins] == [False, usable, False]
        assert bins[1]["constant_nmad"] == pytest.approx(1.5 * 0.0406 / 0.67449, rel=0.02)
        assert bins[0]["constant_nmad"] is None
    few = compare_redshifts(sharp, sharp, (np.arange(29), np.arange(29)), EDGES)
    assert few["by_redshift"][1]["usable"] is False


def test_bins_of_redshift_hold_their_lower_edge_and_not_the_upper():
    true = np.repeat([0.0, 0.2, 0.5, 0.7, 0.9, 1.0, 3.0], 20)
    middle = np.repeat([0.5, 0.7, 0.9], 20)
    dz = 0.01 * np.repeat(np.arange(7.0), 20)
    found = compared(seen(true, dz), seen(middle, 0.02 * np.arange(60.0)))
    assert [(b["low"], b["high"]) for b in found["by_redshift"]] == [(0, 0.5), (0.5, 1), (1, 4)]
    assert [b["real"]["n"] for b in found["by_redshift"]] == [40, 60, 40]
    assert [b["generated"]["n"] for b in found["by_redshift"]] == [0, 60, 0]
    assert [b["real"]["bias"] for b in found["by_redshift"]] == pytest.approx([0.005, 0.03, 0.055])
    assert found["by_redshift"][0]["generated"]["nmad"] is None


def test_one_real_galaxy_gives_no_ratio():
    one, many = seen(np.array([0.5]), np.array([0.01])), scattered(0, 100, 0.02)
    assert compared(one, many)["nmad_ratio"] is None
    found = compared(many, one)  # nor does one generated galaxy
    assert found["nmad_ratio"] is None
    assert "1 galaxies of a side are seen" in found["reason"]


def test_few_galaxies_are_compared_without_a_warning():
    few = seen(TRUE[::20], STEPS[:5])
    found = compared(few, few)
    assert (found["usable"], found["nmad_ratio"], found["nmad_ratio_interval"]) == (
        False,
        None,
        None,
    )
    assert "5 galaxies of a side are seen, fewer than 100" in found["reason"]
