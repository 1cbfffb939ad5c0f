"""Turning by 180 degrees: the centre, and what is seen where."""

import numpy as np
import pytest
from test_detection import blob, noise

from galddpm.evaluation.measurement.morphology import Ellipse
from galddpm.evaluation.measurement.symmetry import (
    opposite,
    symmetry_centre,
    turned_around,
    vertex,
)


@pytest.mark.parametrize(("x", "y"), [(31.5, 31.5), (31.2, 32.4), (30.0, 33.0)])
def test_a_symmetric_source_turns_into_itself_around_its_centre(x, y):
    image = blob(x, y, width=3, axis_ratio=0.5)
    assert symmetry_centre(image, Ellipse(31, 32, 3, 2, 0)) == pytest.approx((x, y), abs=0.02)
    turned, inside = turned_around(image, x, y)
    np.testing.assert_allclose(turned, image, atol=1e-4)
    assert inside[32, 32]


def test_the_centre_is_that_of_the_symmetric_part():
    image = blob(31, 31, width=3, peak=5) + blob(37, 33, width=1, peak=0.5)
    centroid = Ellipse(31.1, 31.0, 3, 3, 0)
    assert symmetry_centre(image, centroid) == pytest.approx((31, 31), abs=0.1)


def test_turning_keeps_all_of_the_noise():
    image = noise(1)
    turned, _ = turned_around(image, 31.27, 31.61)
    assert turned.std() == pytest.approx(image.std(), rel=0.02)


def test_a_mask_turns_around_the_nearest_half_pixel():
    mask = np.zeros((5, 6), dtype=bool)
    mask[0, 1] = mask[4, 5] = True
    turned = opposite(mask, 2.05, 1.45)  # around (2, 1.5): (y, x) = (0, 1) goes to (3, 3)
    assert np.argwhere(turned).tolist() == [[3, 3]]


def test_vertex_of_a_parabola():
    at = np.array([-1.0, 0, 1])
    assert vertex(5 - 2 * (at - 0.3) ** 2) == pytest.approx(0.3)
    assert vertex(np.ones(3)) == 0
