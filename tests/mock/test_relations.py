"""Relations beside published ones, on galaxies whose relations are known."""

import numpy as np
import pytest

from galddpm.data.cosmology import kpc_per_arcsec
from galddpm.data.survey import PIXEL_SCALE
from galddpm.mock.relations import (
    colour_tracks,
    compared,
    neighbour_counts,
    red_sequence,
    sizes_at_mass,
)
from galddpm.mock.selection import EARLY, LATE

SIDE = 64


class Galaxies:
    """What a galaxy file would give."""

    def __init__(self, magnitudes=None, images=None):
        self.magnitudes, self.stamps = magnitudes, images

    def numbers(self, names):
        assert names == [f"{band}_cmodel_mag" for band in "griz"]
        return self.magnitudes

    def images(self, rows):
        return self.stamps[rows]


def test_the_red_sequence_is_the_published_one_in_our_filters():
    """By hand, at z = .5: 1.676, .753, .359 in DES's; HSC's r ends 250 Angstrom before theirs."""
    theirs = np.array([1.676, 0.7525, 0.3588])
    turned = red_sequence(0.5) - theirs
    assert np.abs(turned).max() < 0.25
    assert turned[0] < 0 < turned[1]  # less of a red galaxy's light is in our r


def test_tracks_are_medians_of_each_kind():
    kinds = np.array([EARLY] * 7 + [LATE] * 6 + [LATE] * 6)
    true = {"kind": kinds, "redshift": np.array([0.5] * 13 + [0.8] * 6)}
    early, late = (21.9, 20.4, 19.5, 19.1), (23.0, 22.0, 21.5, 21.25)
    magnitudes = np.array([early if kind == EARLY else late for kind in kinds])
    magnitudes[0] += 3  # one that a median does not heed
    magnitudes[0, 0] += 1
    title, line = colour_tracks(Galaxies(magnitudes), true)  # too few early ones at z = .8
    assert title.split()[0] == "redshift"
    assert line.split()[0] == "0.5"
    assert "1.50, 0.90, 0.40" in line
    assert "1.00, 0.50, 0.25" in line
    assert line.endswith("19.50, 21.50")


def test_sizes_are_compared_in_kpc_at_the_published_mass():
    z = np.full(20, 0.25)
    pixels = 10**0.6 / (kpc_per_arcsec(z) * PIXEL_SCALE)
    true = {
        "kind": np.full(20, EARLY),
        "redshift": z,
        "log_mass": np.array([10.7] * 10 + [9.0] * 10),
        "r_eff": pixels,
    }
    fitted = pixels * 10**0.1
    fitted[3] = np.nan
    fitted[10:] = 1000.0  # of other masses
    _, line = sizes_at_mass(true, fitted)
    assert line.split() == ["early", "at", "redshift", "0.25", "9", "0.60", "0.70", "0.60"]
    assert compared(true).tolist() == list(range(10))


def test_sources_beside_galaxies_are_counted_by_magnitude():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 0.05, (3, 5, SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE]

    def add(stamp, row, column, magnitude):
        light = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 1.8**2)) / (2 * np.pi * 1.8**2)
        images[stamp, 2] += 10 ** (0.4 * (27 - magnitude)) * light

    add(0, 32, 32, 20.5)  # the galaxy itself
    add(0, 10, 50, 21.5)
    add(1, 50, 12, 21.4)
    add(1, 1, 40, 21.5)  # at the edge
    add(2, 12, 12, 22.6)
    rows = np.arange(3)
    title, *lines = neighbour_counts(Galaxies(images=images), rows)
    assert title.split() == ["sources", "beside", "3", "galaxies", "detected", "published"]
    assert [int(line.split()[-2]) for line in lines] == [0, 0, 2, 1, 0]


def test_as_many_sources_are_expected_as_published():
    """COSMOS2020 has 10^4.54 and 10^4.71 galaxies a square degree and magnitude at 23.25 and 23.75,
    so some 43,000 from 23 to 24, and there are 2,900 stars."""
    stamps = np.random.default_rng(1).normal(0, 0.05, (200, 5, SIDE, SIDE))
    *_, faint = neighbour_counts(Galaxies(images=stamps), np.arange(200))
    square_degrees = 200 * ((SIDE - 8) ** 2 - np.pi * 18**2) * (0.168 / 3600) ** 2
    expected = (10**4.54 + 10**4.71) / 2 + 3600 * 0.8 * (10**0.56 - 10**0.42)
    assert int(faint.split()[-1]) == pytest.approx(expected * square_degrees, rel=0.03)


def test_no_small_galaxy_no_sources():
    images = np.zeros((1, 5, SIDE, SIDE))
    title, *lines = neighbour_counts(Galaxies(images=images), np.arange(0))
    assert title.split()[2] == "0"
    assert {tuple(line.split()[-2:]) for line in lines} == {("0", "0")}
