"""Our structure statistics beside statmorph's, on the galaxies that both have measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from galddpm.arrays import Array
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.statmorph_statistics import STATISTICS

UNKNOWN = Flag.NOT_SELECTED | Flag.STATMORPH_FAILED | Flag.STATMORPH_BAD


def cross_check(table: Mapping[str, Array]) -> dict[str, Any]:
    """For each statistic how many galaxies have both, and the 16, 50 and 84 % quantiles of ours
    less statmorph's; None without any."""
    selected = (table["flag"] & UNKNOWN) == 0
    result = {}
    for name in STATISTICS:
        less = (table[name] - table[f"statmorph_{name}"])[selected]
        known = less[np.isfinite(less)]
        spread = np.quantile(known, (0.16, 0.5, 0.84)).tolist() if len(known) else None
        result[name] = {"n": len(known), "ours_less_statmorph": spread}
    return result
