"""Pictures: pairs at their places, colours in one stretch."""

import numpy as np
import pytest

from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.report.stamps import (
    COLUMNS,
    SHOWN,
    choose_pairs,
    nearest,
    stamps_in_rows,
)
from galddpm.evaluation.statistics.matching import Selection

BANDS = ("g", "r", "i", "z", "y")
NAMES = ("held-out mock", "made")


def test_real_galaxies_stand_above_generated_ones():
    count = COLUMNS + 1  # the last one begins a line
    real, generated = np.zeros((count, 5, 4, 4)), np.zeros((count, 5, 4, 4))
    real[-1, 2, 0, 0], generated[1, 0, 2, 3] = 9.0, 9.0  # i is red, g is blue
    redshift = np.array([np.linspace(0.1, 0.6, count), np.linspace(1.1, 1.6, count)])
    (axis,) = stamps_in_rows([real, generated], redshift, BANDS, NAMES).axes
    canvas = np.asarray(axis.images[0].get_array())
    *labels, bar = axis.texts
    places = {text.get_text(): text.get_position() for text in labels}
    side, pixel = SHOWN, SHOWN // 4

    def shown(text):
        left, top = places[text][0] - 2, places[text][1] + 7
        return canvas[top : top + side, left : left + side]

    above, below = shown("held-out mock, z = 0.60"), shown("made, z = 1.20")
    assert places["held-out mock, z = 0.60"][0] == places["held-out mock, z = 0.10"][0]
    assert places["made, z = 1.60"][1] > places["held-out mock, z = 0.60"][1]
    lit = above.max(axis=-1) > 0
    assert lit[-pixel:, :pixel].all()  # row 0 is at the bottom
    assert lit.sum() == pixel**2
    assert above[-1, 0].argmax() == 0
    assert below[pixel, -1].argmax() == 2
    for text in places:
        np.testing.assert_array_equal(shown(text).shape, (side, side, 3))
    (line,) = axis.lines
    assert bar.get_text() == "2 arcsec"
    assert np.diff(line.get_xdata()) == pytest.approx(2 / 0.168 * pixel)


@pytest.mark.parametrize("size", [64, 127])
def test_stamps_are_shown_large(size):
    images = np.zeros((3, 5, size, size))
    (axis,) = stamps_in_rows([images, images], np.zeros((2, 3)), BANDS, NAMES).axes
    height, width, _ = axis.images[0].get_array().shape
    assert width >= 3 * SHOWN
    assert height >= 2 * SHOWN


def test_pairs_spread_over_redshift_rank_and_are_near():
    rng = np.random.default_rng(0)
    real, generated = (
        Catalog(rng.gamma(2, 0.4, 500), np.arange(500), {}, {}, {}) for _ in range(2)
    )
    rows = np.arange(500)
    a, b = choose_pairs(real, generated, Selection(rows, rows, False, []), 40)
    assert len(a) == len(set(b)) == 40
    z = generated.redshift[b]
    assert (np.diff(z) > 0).all()
    assert np.interp(z, np.sort(generated.redshift), rows / 499)[[0, -1]] == pytest.approx(
        [0.0125, 0.9875], abs=0.005
    )
    gap = np.abs(real.redshift[:, None] - z).min(axis=0)
    assert np.abs(real.redshift[a] - z).sum() <= 1.2 * gap.sum()  # some would choose the same one


def test_no_galaxy_is_shown_twice_where_there_are_enough():
    held_out, asked = np.array([0.1, 0.2, 0.3, 0.31, 0.9]), np.array([0.3, 0.3, 0.3, 0.1])
    assert sorted(nearest(held_out, asked)) == [0, 1, 2, 3]
    assert nearest(held_out, asked)[3] == 0
    np.testing.assert_array_equal(nearest(held_out[:2], asked), [1, 1, 1, 0])
