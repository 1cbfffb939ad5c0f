"""The curve of growth against exact apertures and closed forms."""

import numpy as np
import pytest
from photutils.geometry import circular_overlap_grid
from scipy.optimize import brentq
from test_detection import blob

from galddpm.evaluation.measurement.petrosian import STEP, Growth

RADIUS = np.hypot(*(np.mgrid[:64, :64] - 31.5))


def test_growth_equals_exact_apertures():
    growth = Growth.of(blob(width=4), RADIUS)
    for radius in (6.25, 9.5, 12.0, 20.5):
        share = circular_overlap_grid(-32, 32, -32, 32, 64, 64, radius, 1, 1)
        place = round(STEP * radius)
        assert growth.light[place] == pytest.approx((share * blob(width=4)).sum(), rel=1e-2)
        assert growth.area[place] == pytest.approx(np.pi * radius**2, rel=2e-2)


def test_petrosian_radius_of_a_gaussian():
    """exp(-x) = 0.2 (1 - exp(-x)) / x with x = r^2 / 2 sigma^2."""
    x = brentq(lambda x: np.exp(-x) - 0.2 * (1 - np.exp(-x)) / x, 1, 10)
    found = Growth.of(blob(width=4), RADIUS).petrosian()
    assert found == pytest.approx(4 * np.sqrt(2 * x), rel=5e-3)


def test_light_without_an_end_has_no_petrosian_radius():
    assert np.isnan(Growth.of(np.ones((64, 64)), RADIUS).petrosian())
