"""Distances at given redshift: no galaxy is left out, and ignoring redshift is seen."""

from itertools import pairwise

import numpy as np
import pytest

from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.statistics.distributions import LEAST, distances
from galddpm.evaluation.statistics.matching import Selection, select
from galddpm.evaluation.statistics.redshift_bins import (
    EDGES,
    conditional_distance,
    merged,
    redshift_bins,
)

RNG = np.random.default_rng


def at(redshift) -> Catalog:
    return Catalog(np.asarray(redshift), np.arange(len(redshift)), {}, {}, {})


def bins_of(real, generated):
    return redshift_bins(real, generated, real, select(at(real), at(generated), None))


def test_bins_hold_every_galaxy_and_every_split():
    real, generated = np.append(RNG(0).uniform(0, 4, 400), 5.5), RNG(1).uniform(0, 4, 300)
    bins = bins_of(real, generated)
    assert [b.low for b in bins] == list(EDGES[:-1])
    assert bins[-1].high > 5.5
    assert sorted(np.concatenate([b.chosen.real for b in bins])) == list(range(401))
    assert sorted(np.concatenate([b.chosen.generated for b in bins])) == list(range(300))
    whole = select(at(real), at(generated), None).splits
    for k in (0, 57):
        rows = np.concatenate([b.chosen.splits[k][0] for b in bins])
        assert sorted(rows) == sorted(whole[k][0])


@pytest.mark.parametrize("seed", range(3))
def test_merged_bins_hold_enough_and_leave_nobody_out(seed):
    redshift = RNG(seed).gamma(1.8, 0.35, 700)
    values = np.where(RNG(seed).random(700) < 0.2, np.nan, 1.0)
    bins = merged(bins_of(redshift, redshift), values, values)
    assert len(bins) > 2
    assert all(b.measured(values, values) >= LEAST for b in bins)
    assert all(b.high == c.low for b, c in pairwise(bins))
    assert bins[0].low == 0
    assert bins[-1].high >= 4
    assert sum(len(b.chosen.real) for b in bins) == 700


def test_a_mean_of_two_bins_by_hand():
    redshift = np.repeat([0.1, 0.3], [200, 300])
    rows = np.arange(500)
    halves = [(rows[::2], rows[1::2])]
    bins = redshift_bins(redshift, redshift, redshift, Selection(rows, rows, False, halves))
    real, generated = RNG(0).normal(size=500), RNG(1).normal(size=500)
    found = conditional_distance(real, generated, real, bins)
    near, far = slice(0, 200), slice(200, 500)
    parts = [distances(real[part], generated[part])[0] for part in (near, far)]
    assert found["conditional_ks"] == pytest.approx(0.4 * parts[0] + 0.6 * parts[1])
    null = [distances(real[part][::2], real[part][1::2])[0] for part in (near, far)]
    # as N^-1/2, less what samples with N = n m / (n + m) are short of that by: .22 / N
    sizes = np.array([200, 300])
    full = (np.array(null) + 0.22 / (sizes / 4)) / np.sqrt(2) - 0.22 / (sizes / 2)
    floor = full @ [0.4, 0.6]
    assert found["conditional_ks_floor"] == pytest.approx(floor)
    assert found["conditional_edges"] == [0, 0.25, 4.0]


def test_redshift_that_is_ignored_is_seen_where_few_galaxies_are_far():
    """Six bins of ten hold fewer than `LEAST` galaxies; they count all the same."""
    redshift = np.append(RNG(0).uniform(0, 0.5, 260), RNG(0).uniform(1.2, 3.5, 140))
    size = np.where(redshift > 1, 1.0, 3.0) + RNG(1).normal(0, 0.5, 400)
    shuffled = RNG(2).permutation(size)
    again = np.where(redshift > 1, 1.0, 3.0) + RNG(3).normal(0, 0.5, 400)
    bins = bins_of(redshift, redshift)
    ignored, right = (conditional_distance(size, side, size, bins) for side in (shuffled, again))
    assert ignored["conditional_edges"][-1] == 4
    assert ignored["conditional_ks"] > 3 * ignored["conditional_ks_floor_95"]
    assert right["conditional_ks"] < 1.3 * right["conditional_ks_floor_95"]
    assert distances(size, shuffled)[0] == 0


def test_too_few_galaxies_have_no_distance():
    redshift = RNG(0).uniform(0, 3, 150)
    values = np.where(np.arange(150) < LEAST - 1, 1.0, np.nan)
    bins = bins_of(redshift, redshift)
    assert merged(bins, values, values) == []
    found = conditional_distance(values, values, values, bins)
    assert set(found.values()) == {None}
