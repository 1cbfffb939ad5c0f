"""Like is compared with like: which galaxies are compared, and how the floor is split."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import ks_2samp

from galddpm.arrays import Floats, Ints
from galddpm.errors import UserError
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.statistics.distributions import SPLITS, Split, distances

SAME_REDSHIFTS = 0.01  # smallest p-value of the KS test with which two sets are taken as they are
CALIPER = 0.05  # largest distance of two partners in log(1+z)


@dataclass(frozen=True)
class Selection:
    """Which galaxies are compared, and the splits of the real ones for the floor."""

    real: Ints  # rows
    generated: Ints  # rows
    matched: bool
    splits: list[Split]


def select(real: Catalog, generated: Catalog, reference: Catalog | None) -> Selection:
    """All galaxies where the redshifts agree, else partners in log(1+z).

    Where both sides have the very same redshifts, as by default, so have both sides of the floor:
    measurements that depend on redshift are then nearer to each other than those of two random
    samples.
    """
    matched = redshifts_differ(real.redshift, generated.redshift)
    paired = not matched and same_redshifts(real.redshift, generated.redshift)
    rows: tuple[Ints, Ints] = np.arange(len(real)), np.arange(len(generated))
    if matched:
        rows = match_redshifts(real.redshift, generated.redshift, np.random.default_rng(0))
    second = None if reference is None else reference.redshift
    if paired:
        splits = paired_splits(real.redshift, second)
    else:
        splits = floor_splits(real.redshift, second, generated.redshift, matched)
    return Selection(*rows, matched, splits)


def redshifts_differ(real: Floats, generated: Floats) -> bool:
    """Whether the redshift distributions of the two sets differ."""
    return bool(ks_2samp(real, generated, method="asymp").pvalue < SAME_REDSHIFTS)


def require_shared_redshifts(real: Floats, generated: Floats) -> None:
    """Raise UserError where the redshifts of two sets differ so far that no two are partners."""
    if not redshifts_differ(real, generated):
        return
    nearest, _ = cKDTree(np.log1p(real)[:, None]).query(np.log1p(generated)[:, None])
    if nearest.min() > CALIPER:
        ranges = [f"{z.min():g} to {z.max():g}" for z in (generated, real)]
        raise UserError(
            f"redshifts: found generated galaxies at {ranges[0]} and real ones at {ranges[1]},"
            f" expected some within {CALIPER:g} in ln(1+z) of each other"
        )


def same_redshifts(real: Floats, generated: Floats) -> bool:
    """Whether one galaxy less would already differ by more than the two distributions do."""
    return distances(real, generated)[0] <= 1 / max(len(real), len(generated))


def match_redshifts(real: Floats, generated: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows of partners: for each generated galaxy the nearest real one in log(1+z) that is free.

    No galaxy is used twice, so that the sample sizes mean what they say; the generated ones choose
    in random order, and stay out where no free partner lies within `CALIPER`.
    """
    real, generated = np.log1p(real), np.log1p(generated)
    rows = np.argsort(real, kind="stable").tolist()
    free = real[rows].tolist()
    pairs = []
    for row in rng.permutation(len(generated)):
        place = bisect_left(free, generated[row])
        near = [k for k in (place - 1, place) if 0 <= k < len(free)]
        best = min(near, key=lambda k: abs(free[k] - generated[row]), default=None)
        if best is not None and abs(free[best] - generated[row]) <= CALIPER:
            pairs.append((rows.pop(best), row))
            free.pop(best)
    partners = np.array(sorted(pairs), dtype=int).reshape(-1, 2)
    return partners[:, 0], partners[:, 1]


def floor_splits(
    real: Floats, reference: Floats | None, generated: Floats, matched: bool
) -> list[Split]:
    """Pairs of disjoint real samples, made as the compared ones are; arguments are redshifts.

    Without a reference set the real one is halved at random; with one, a random half of the one
    stands against a random half of the other. Where the sets are matched, each half is matched to
    the generated redshifts first.
    """
    rng = np.random.default_rng(0)
    splits = []
    for first, second in _halves(len(real), None if reference is None else len(reference), rng):
        if matched:
            other = real if reference is None else reference
            first = first[match_redshifts(real[first], generated, rng)[0]]
            second = second[match_redshifts(other[second], generated, rng)[0]]
        splits.append((first, second))
    return splits


def paired_splits(real: Floats, reference: Floats | None) -> list[Split]:
    """Pairs of disjoint real samples with nearly the same redshifts; arguments are redshifts.

    Without a reference set neighbours in redshift go to different halves, at random. With one, a
    random half of the real set stands against its partners in the reference set.
    """
    rng = np.random.default_rng(0)
    if reference is None:
        return [_parted(real, rng) for _ in range(SPLITS)]
    splits = []
    for first, _ in _halves(len(real), None, rng):
        partners, places = match_redshifts(reference, real[first], rng)
        splits.append((first[places], partners))
    return splits


def _parted(redshift: Floats, rng: np.random.Generator) -> Split:
    """Neighbours in redshift order, two by two, one of them to each half; an odd one stays out."""
    order = np.lexsort([rng.random(len(redshift)), redshift])
    start = rng.integers(2) if len(order) % 2 else 0
    pairs = order[start : start + len(order) // 2 * 2].reshape(-1, 2)
    swapped = rng.random(len(pairs)) < 0.5
    pairs[swapped] = pairs[swapped, ::-1]
    return pairs[:, 0], pairs[:, 1]


def _halves(count: int, reference: int | None, rng: np.random.Generator) -> Iterator[Split]:
    for _ in range(SPLITS):
        order = rng.permutation(count)
        first, second = order[: count // 2], order[count // 2 :]
        if reference is not None:
            second = rng.permutation(reference)[: reference // 2]
        yield first, second
