"""What the paper's section 6.2 sees: galaxies get more compact with redshift, and stay as round."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from galddpm.arrays import Floats
from galddpm.evaluation.statistics.distributions import interval

TRENDS = {
    "half_light_radius": "compact",
    "ellipticity": "constant",
}  # measurement: what is expected
RESAMPLES = 500
FLAT = 0.05  # of a mean by unit redshift, within which a measurement is constant


def compare_trends(
    sides: Mapping[str, tuple[Floats, Mapping[str, Floats]]],
) -> dict[str, dict[str, Any]]:
    """Relative slope of each measurement of `TRENDS` by redshift, with its interval, for each side;
    and whether it is as expected.

    sides: name: (redshift (N,), columns (N,)). "compact": the slope lies below 0 with its interval;
    "constant": its interval reaches into plus or minus `FLAT`.
    """
    result = {}
    for name, expected in TRENDS.items():
        line: dict[str, Any] = {"expected": expected}
        for side, (redshift, columns) in sides.items():
            known = np.isfinite(columns[name])
            slope, reach = relative_slope(redshift[known], columns[name][known])
            line[side] = {"slope": slope, "slope_interval": reach, "holds": _holds(expected, reach)}
        result[name] = line
    return result


def relative_slope(redshift: Floats, values: Floats) -> tuple[float | None, list[float] | None]:
    """Least-squares slope over the mean, and its bootstrap interval; None for too few values."""
    if len(values) < 3 or np.ptp(redshift) == 0:
        return None, None
    rng = np.random.default_rng(0)
    slopes = []
    for pick in [np.arange(len(values)), *rng.integers(len(values), size=(RESAMPLES, len(values)))]:
        z, y = redshift[pick], values[pick]
        spread = ((z - z.mean()) ** 2).sum()
        slopes.append((z - z.mean()) @ y / spread / y.mean() if np.ptp(z) else 0.0)
    return slopes[0], interval(np.array(slopes[1:]))


def _holds(expected: str, reach: list[float] | None) -> bool | None:
    if reach is None:
        return None
    low, high = reach
    return high < 0 if expected == "compact" else low < FLAT and high > -FLAT
