"""Which galaxies are compared: all where the redshifts agree, else as many near pairs as can be."""

from itertools import pairwise

import numpy as np
import pytest

from galddpm.errors import UserError
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.statistics.distributions import SPLITS, distances, floor
from galddpm.evaluation.statistics.matching import (
    CALIPER,
    match_redshifts,
    redshifts_differ,
    require_shared_redshifts,
    same_redshifts,
    select,
)

RNG = np.random.default_rng


def at(redshift) -> Catalog:
    return Catalog(np.asarray(redshift), np.arange(len(redshift)), {}, {}, {})


def test_agreeing_redshifts_are_compared_whole():
    chosen = select(at(RNG(0).gamma(2, 0.3, 60)), at(RNG(1).gamma(2, 0.3, 40)), None)
    assert chosen.matched is False
    np.testing.assert_array_equal(chosen.real, np.arange(60))
    np.testing.assert_array_equal(chosen.generated, np.arange(40))
    assert len(chosen.splits) == SPLITS
    assert all(sorted([*a, *b]) == list(range(60)) for a, b in chosen.splits)


def test_other_redshifts_are_compared_in_pairs():
    real, generated = at(RNG(0).gamma(2, 0.3, 2000)), at(RNG(1).uniform(0.5, 0.9, 100))
    chosen = select(real, generated, None)
    assert chosen.matched is True
    gap = np.log1p(real.redshift[chosen.real]) - np.log1p(generated.redshift[chosen.generated])
    assert len(gap) == 100
    assert np.abs(gap).max() <= CALIPER
    first = chosen.splits[0][0]
    assert len(first) > 80  # each half is matched too
    assert not redshifts_differ(real.redshift[first], generated.redshift)


def test_a_reference_is_the_other_side_of_the_floor():
    real, reference = at(RNG(0).gamma(2, 0.3, 60)), at(RNG(2).gamma(2, 0.3, 31))
    chosen = select(real, at(RNG(1).gamma(2, 0.3, 40)), reference)
    assert {(len(a), len(b)) for a, b in chosen.splits} == {(30, 15)}
    assert set(np.concatenate([b for _, b in chosen.splits])) == set(range(31))


def test_halves_of_a_reference_are_matched_by_its_own_redshifts():
    real, reference = at(RNG(0).gamma(2, 0.3, 2000)), at(RNG(2).uniform(0, 3, 2000))
    generated = at(RNG(1).uniform(0.5, 0.9, 50))
    for _, second in select(real, generated, reference).splits[:3]:
        assert len(second) > 40
        assert not redshifts_differ(reference.redshift[second], generated.redshift)


def test_a_floor_of_the_same_redshifts_is_made_of_neighbours():
    redshift = RNG(0).gamma(2, 0.3, 301)
    chosen = select(at(redshift), at(RNG(1).permutation(redshift)), None)
    assert chosen.matched is False
    assert len(chosen.splits) == SPLITS
    rank = np.argsort(np.argsort(redshift))
    for first, second in chosen.splits:
        assert len(np.union1d(first, second)) == 300
        np.testing.assert_array_equal(np.abs(rank[first] - rank[second]), 1)
    assert any(first[0] != other[0] for (first, _), (other, _) in pairwise(chosen.splits))


def test_several_galaxies_at_each_redshift_are_still_the_same_redshifts():
    redshift = RNG(0).gamma(2, 0.3, 100)
    assert same_redshifts(redshift, np.repeat(redshift, 3))
    assert not same_redshifts(redshift, RNG(1).gamma(2, 0.3, 100))


def test_a_reference_is_matched_to_the_half_of_the_real_set():
    real, reference = at(RNG(0).gamma(2, 0.3, 100)), at(RNG(2).gamma(2, 0.3, 800))
    for first, second in select(real, real, reference).splits:
        assert len(first) == len(second) >= 45
        gap = np.log1p(real.redshift[first]) - np.log1p(reference.redshift[second])
        assert np.abs(gap).max() <= CALIPER


def test_a_perfect_generator_exceeds_the_floor_as_often_as_said():
    """The measurement follows redshift, which both sides share: 5 % of 160 are 8, and fewer than 2
    or more than 17 have a probability of .004."""
    beyond = 0
    for seed in range(160):
        rng = RNG(seed)
        redshift = rng.gamma(2, 0.3, 150)
        real, generated = (3 * np.tanh(redshift) + rng.normal(0, 0.3, 150) for _ in range(2))
        splits = select(at(redshift), at(redshift), None).splits
        null = floor(real, real, splits[:100], (150, 150))[:, 0]
        beyond += distances(real, generated)[0] > np.quantile(null, 0.95)
    assert 2 <= beyond <= 17


@pytest.mark.parametrize("seed", range(5))
def test_whoever_stays_out_has_no_free_partner(seed):
    real, generated = RNG(seed).gamma(2, 0.3, 80), RNG(50 + seed).gamma(2, 0.3, 120)
    rows, partners = match_redshifts(real, generated, RNG(seed))
    assert len(rows) == len(set(rows)) == len(set(partners)) > 40
    free = np.setdiff1d(np.arange(80), rows)
    alone = np.setdiff1d(np.arange(120), partners)
    gap = np.abs(np.log1p(real[free])[:, None] - np.log1p(generated[alone]))
    assert (gap > CALIPER).all()


def test_the_order_of_the_real_galaxies_does_not_matter():
    real, generated = RNG(0).gamma(2, 0.3, 80), RNG(1).gamma(2, 0.3, 60)
    order = RNG(2).permutation(80)
    rows, partners = match_redshifts(real, generated, RNG(3))
    again, same = match_redshifts(real[order], generated, RNG(3))
    pairs, others = zip(partners, rows, strict=True), zip(same, order[again], strict=True)
    assert sorted(pairs) == sorted(others)


@pytest.mark.parametrize(("apart", "count"), [(0.99, 1), (1.01, 0)])
def test_partners_lie_within_the_caliper_in_log_of_one_plus_z(apart, count):
    near = np.expm1(np.log1p(2.0) + apart * CALIPER)
    assert len(match_redshifts(np.array([2.0]), np.array([near]), RNG(0))[0]) == count


def test_sets_without_any_partner_are_refused():
    low, high = np.linspace(0.1, 0.3, 50), np.linspace(2.0, 2.2, 50)
    with pytest.raises(UserError, match="generated galaxies at 2 to 2.2 and real ones at 0.1 to"):
        require_shared_redshifts(low, high)
    require_shared_redshifts(np.append(low, 2.1), high)
    require_shared_redshifts(low, low + 1.0 * (low > 0.2))


def test_nobody_to_match_gives_no_pairs():
    for real, generated in (([], [0.5]), ([0.5], []), ([], [])):
        rows, partners = match_redshifts(np.array(real), np.array(generated), RNG(0))
        assert len(rows) == len(partners) == 0
        assert rows.dtype.kind == partners.dtype.kind == "i"
