"""What the paper's section 6.2 sees: galaxies get more compact with redshift, and stay as round."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from galddpm.arrays import Floats
from galddpm.evaluation.statistics.distributions import interval

TRENDS = {  # measurement: what the paper expects
    "half_light_radius": "compact",
    "ellipticity": "constant",
}
RESAMPLES = 500
TELLING = 0.1  # half an interval, of a mean by unit redshift, up to which "agrees" says something


def compare_trends(
    real: tuple[Floats, Mapping[str, Floats]], generated: tuple[Floats, Mapping[str, Floats]]
) -> dict[str, dict[str, Any]]:
    """Relative slope of each measurement of `TRENDS` by redshift, for both sides, and whether they
    agree.

    real, generated: (redshift (N,), columns (N,)). The verdict is "differs" where the 95 % interval
    of the difference, generated less real, excludes 0. Else it is "agrees" where half of that
    interval is at most `TELLING` or half the real slope, and "too few to say" where it is wider.
    """
    result = {}
    for name, expected in TRENDS.items():
        drawn = [
            _slopes(z, columns[name], seed) for seed, (z, columns) in enumerate((real, generated))
        ]
        line: dict[str, Any] = {"expected": expected}
        for side, slopes in zip(("real", "generated"), drawn, strict=True):
            line[side] = {"slope": _first(slopes), "slope_interval": interval(slopes[1:])}
        line["difference"] = line["difference_interval"] = None
        line["verdict"] = "too few to say"
        if all(map(len, drawn)):
            difference = drawn[1] - drawn[0]
            line |= {"difference": difference[0], "difference_interval": interval(difference[1:])}
            line["verdict"] = _verdict(difference[1:], drawn[0][0])
        result[name] = line
    return result


def relative_slope(redshift: Floats, values: Floats) -> tuple[float | None, list[float] | None]:
    """Least-squares slope over the mean, and its bootstrap interval; None for too few values."""
    slopes = _slopes(redshift, values)
    return _first(slopes), interval(slopes[1:])


def _slopes(redshift: Floats, values: Floats, seed: int = 0) -> Floats:
    """The slope, then those of resampled galaxies; empty for too few values."""
    known = np.isfinite(values)
    redshift, values = redshift[known], values[known]
    if len(values) < 3 or np.ptp(redshift) == 0:
        return np.empty(0)
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    slopes = []
    for pick in [np.arange(len(values)), *drawn]:
        z, y = redshift[pick], values[pick]
        spread = ((z - z.mean()) ** 2).sum()
        slopes.append((z - z.mean()) @ y / spread / y.mean() if np.ptp(z) else 0.0)
    return np.array(slopes)


def _first(slopes: Floats) -> float | None:
    return float(slopes[0]) if len(slopes) else None


def _verdict(differences: Floats, real_slope: float) -> str:
    low, high = interval(differences) or (-np.inf, np.inf)
    if low > 0 or high < 0:
        return "differs"
    return "agrees" if (high - low) / 2 <= max(TELLING, abs(real_slope) / 2) else "too few to say"
