"""How far apart two samples of a measurement are, and how far two real ones would be.

Kolmogorov-Smirnov and first Wasserstein distances, each with an interval and with a floor: the
distance between two disjoint halves of the real sample, rescaled to the sizes in use.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import kolmogi

from galddpm.arrays import Floats, Ints

LEAST = 100  # galaxies a side below which distances say nothing
SPLITS = 200  # real against real
RESAMPLES = 1000  # bootstrap, of means
DRAWS = 1_000_000  # values drawn at a time: 8 MB
SUBSAMPLES = 200  # of the Wasserstein distance
# a KS distance of samples with n m / (n + m) = N is short of its limit, which goes by N^-1/2, by
# SHORT / N on average: .24 for n = m, .20 for m = 2 n (60,000 pairs of 50 and more)
SHORT = 0.22
COVERED = 0.95

Split = tuple[Ints, Ints]  # rows


def distances(a: Floats, b: Floats) -> tuple[float, float]:
    """Two-sample KS and Wasserstein distances: largest gap and area between the two CDFs."""
    value, rank = ranked(np.concatenate([a, b]))
    ks, wasserstein = distances_of_ranks(value, rank[None, : len(a)], rank[None, len(a) :])[0]
    return float(ks), float(wasserstein)


def ranked(values: Floats) -> tuple[Floats, Ints]:
    """Finite values in order and the place of each of `values` (n,) in it; that of what is not
    finite is beyond the last."""
    order = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
    count = int(np.isfinite(values).sum())
    rank = np.empty(len(values), np.uint32)
    rank[order] = np.minimum(np.arange(len(values)), count)
    return values[order[:count]], rank


def distances_of_ranks(value: Floats, first: Ints, second: Ints) -> Floats:
    """KS and Wasserstein distances (splits, 2) of samples given by the places (splits, n) and
    (splits, m) of their members among the values; a place beyond the last is nobody.

    Whole numbers that hold a place and a side sort ten times faster than values do.
    """
    keys = np.sort(np.concatenate([2 * first, 2 * second + 1], axis=1), axis=1)
    place, there = keys >> 1, keys < 2 * len(value)
    from_second = (there & (keys & 1 > 0)).cumsum(axis=1)
    from_first: Ints = there.cumsum(axis=1) - from_second
    gap = np.abs(from_first / from_first[:, -1:] - from_second / from_second[:, -1:])[:, :-1]
    width = np.diff(np.append(value, value[-1])[place], axis=1)
    return np.stack([gap.max(1, initial=0.0, where=width > 0), (gap * width).sum(1)], axis=1)


def size_scale(n: int, m: int) -> float:
    """What the distance of two samples of one distribution is proportional to."""
    scale: float = np.sqrt(1 / n + 1 / m)
    return scale


def ks_interval(ks: float, n: int, m: int) -> list[float]:
    """The distance plus and minus the 95 % quantile of the null distribution, cut at 0.

    A plain bootstrap would be biased upwards, because resampling adds a distance of its own. The
    quantile is Kolmogorov's asymptotic one.
    """
    reach = kolmogi(1 - COVERED) * size_scale(n, m)
    return [max(0.0, ks - reach), ks + reach]


def wasserstein_interval(
    a: Floats, b: Floats, distance: float, rng: np.random.Generator
) -> list[float]:
    """Symmetric subsampling interval (Politis, Romano & Wolf 1999), cut at 0.

    Subsamples of n^(2/3) galaxies scatter around the whole sample's distance as that one does
    around the truth, in units of the size scale.
    """
    n, m = (max(2, round(len(sample) ** (2 / 3))) for sample in (a, b))
    value, rank = ranked(np.concatenate([a, b]))
    sides = (rank[: len(a)], n), (rank[len(a) :], m)
    few = [rng.permuted(np.tile(ranks, (SUBSAMPLES, 1)), axis=1)[:, :k] for ranks, k in sides]
    deviations = np.abs(distances_of_ranks(value, *few)[:, 1] - distance)
    shrink = size_scale(len(a), len(b)) / size_scale(n, m)
    reach = np.quantile(deviations, COVERED) * shrink
    return [max(0.0, distance - reach), distance + reach]


def floor(
    real: Floats, reference: Floats, splits: Sequence[Split], sizes: tuple[int, int]
) -> Floats:
    """KS and Wasserstein distances of real against real for each split, (splits, 2).

    real, reference: the measurement for all galaxies, NaN where there is none; without a second
    real set they are the same. splits: pairs of row numbers into them. Rescaled to `sizes`; without
    a row where one of these is 0.
    """
    if not splits or not min(sizes):
        return np.empty((0, 2))
    value, rank = ranked(np.concatenate([real, reference]))
    rank = np.append(rank, len(value))  # of nobody
    first, second = (rank[rows] for rows in side_by_side(splits, len(real)))
    counts = [(side < len(value)).sum(axis=1) for side in (first, second)]
    some = np.minimum(*counts) > 0
    here = np.sqrt(sum(1 / count[some] for count in counts))  # size_scale of each split
    there = size_scale(*sizes)
    null = distances_of_ranks(value, first[some], second[some])
    null[:, 0] += SHORT * here**2
    null *= (there / here)[:, None]
    null[:, 0] = np.maximum(null[:, 0] - SHORT * there**2, 0)
    return null


def side_by_side(splits: Sequence[Split], count: int) -> tuple[Ints, Ints]:
    """Rows (splits, n) and (splits, m) among two sets, the first of `count`, one after the other;
    -1 fills up those of shorter splits."""
    sides = []
    for side, start in enumerate((0, count)):
        rows = [split[side] for split in splits]
        filled = np.full((len(rows), max(map(len, rows))), -1)
        for line, known in zip(filled, rows, strict=True):
            line[: len(known)] = known + start
        sides.append(filled)
    return sides[0], sides[1]


def compare(real: Floats, generated: Floats, null: Floats, ratio: bool = True) -> dict[str, Any]:
    """Distances, floors, means and spreads of one measurement, ready for JSON.

    real, generated: the measurement for the galaxies compared, NaN where there is none; null: what
    `floor` gives for the numbers of those measured. ratio: whether a ratio of means says something,
    which it does not for magnitudes. What could not be had is None, with a reason.
    """
    rng = np.random.default_rng(0)
    real, generated = finite(real), finite(generated)
    sizes = len(real), len(generated)
    result: dict[str, Any] = {"n_real": sizes[0], "n_generated": sizes[1], "reason": None}
    result |= compare_means(real, generated, rng, ratio)
    if min(sizes) < LEAST:
        found = f"{sizes[0]} real and {sizes[1]} generated galaxies were measured"
        return result | NO_DISTANCES | {"reason": f"{found}, fewer than {LEAST} on a side"}
    ks, wasserstein = distances(real, generated)
    result |= {"ks": ks, "ks_interval": ks_interval(ks, *sizes)}
    result |= floor_summary("ks", null[:, 0])
    interval = wasserstein_interval(real, generated, wasserstein, rng)
    result |= {"wasserstein": wasserstein, "wasserstein_interval": interval}
    return result | floor_summary("wasserstein", null[:, 1])


NO_DISTANCES = {
    f"{distance}{part}": None
    for distance in ("ks", "wasserstein")
    for part in ("", "_interval", "_floor", "_floor_95")
}


def floor_summary(name: str, null: Floats) -> dict[str, Any]:
    """Mean and 95 % quantile of the floor; None without a split."""
    if not len(null):
        return {f"{name}_floor": None, f"{name}_floor_95": None}
    return {f"{name}_floor": null.mean(), f"{name}_floor_95": _bound(null)}


def _bound(null: Floats) -> float:
    """What one more draw like these exceeds in 5 % of cases (Weibull's place in the order)."""
    return float(np.quantile(null, COVERED, method="weibull"))


def compare_means(
    real: Floats, generated: Floats, rng: np.random.Generator, ratio: bool = True
) -> dict[str, Any]:
    """Means and spreads of finite samples, and difference and ratio of the means, generated less or
    over real, each with its bootstrap interval.

    The ratio is None where it is not asked for, and where the real mean is not clearly positive.
    """
    result: dict[str, Any] = {"mean_difference": None, "mean_difference_interval": None}
    result |= {"mean_ratio": None, "mean_ratio_interval": None}
    means = {}
    for side, sample in (("real", real), ("generated", generated)):
        means[side] = bootstrap_means(sample, rng)
        result[f"mean_{side}"] = sample.mean() if len(sample) else None
        result[f"std_{side}"] = sample.std() if len(sample) else None
        result[f"mean_{side}_interval"] = interval(means[side])
    if not all(map(len, means.values())):
        return result
    result["mean_difference"] = result["mean_generated"] - result["mean_real"]
    result["mean_difference_interval"] = interval(means["generated"] - means["real"])
    if ratio and result["mean_real_interval"][0] > 0:
        result["mean_ratio"] = result["mean_generated"] / result["mean_real"]
        some = means["real"] > 0  # a resampled mean of rare values may be 0
        result["mean_ratio_interval"] = interval(means["generated"][some] / means["real"][some])
    return result


def bootstrap_means(sample: Floats, rng: np.random.Generator) -> Floats:
    """Means of resampled samples; empty for fewer than two values."""
    count = len(sample)
    if count < 2:
        return np.empty(0)
    block = max(1, DRAWS // count)
    sizes = [min(block, RESAMPLES - done) for done in range(0, RESAMPLES, block)]
    return np.concatenate(
        [sample[rng.integers(count, size=(size, count))].mean(axis=1) for size in sizes]
    )


def interval(values: Floats) -> list[float] | None:
    """The central 95 %; None without values."""
    if not len(values):
        return None
    ends: list[float] = np.quantile(values, [(1 - COVERED) / 2, (1 + COVERED) / 2]).tolist()
    return ends


def finite(values: Floats) -> Floats:
    """The values that were measured."""
    return values[np.isfinite(values)]
