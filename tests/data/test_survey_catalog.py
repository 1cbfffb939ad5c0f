"""Catalogs of surveys: numbers, redshifts and places against what they are drawn from."""

import numpy as np
import pytest
from astropy.table import Table
from scipy.stats import kstest

from galddpm.data.survey_catalog import (
    draw_places,
    draw_redshifts,
    expected_number,
    read_density,
)
from galddpm.errors import UserError

Z = np.array([0.0, 0.5, 2.0, 3.0])
N = np.array([0.0, 4000.0, 1000.0, 0.0])  # by square degree and unit redshift


def test_the_number_is_the_area_under_the_density():
    assert expected_number(Z, N, 2.0) == pytest.approx(2 * (1000 + 3750 + 500))


def test_redshifts_have_the_density_between_its_points():
    drawn = draw_redshifts(Z, N, 20_000, np.random.default_rng(0))

    def share_below(z):
        first = 4000 * z**2  # z^2 / 2 times a slope of 8000
        second = 1000 + 4000 * (z - 0.5) - 1000 * (z - 0.5) ** 2
        third = 4750 + 1000 * (z - 2) - 500 * (z - 2) ** 2
        return np.select([z < 0.5, z < 2.0], [first, second], third) / 5250

    assert kstest(drawn, share_below).pvalue > 0.001
    assert drawn.min() >= 0
    assert drawn.max() <= 3


def test_of_a_flat_density_all_redshifts_are_alike():
    drawn = draw_redshifts(np.array([0.2, 0.7]), np.ones(2), 5000, np.random.default_rng(1))
    assert kstest(drawn, "uniform", args=(0.2, 0.5)).pvalue > 0.001


def test_where_the_density_is_zero_nobody_is():
    drawn = draw_redshifts(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0, 0.0]), 500,
                           np.random.default_rng(1))  # fmt: skip
    assert drawn.min() > 1


@pytest.mark.parametrize(
    ("centre", "area"),
    [
        ((150.0, 2.2), 12.0),
        ((0.1, -60.0), 12.0),
        ((40.0, 89.9), 12.0),
        ((40.0, -90.0), 12.0),
        ((0.0, 80.0), 30_000.0),
        ((0.0, 0.0), 41_000.0),
    ],
)
def test_places_fill_a_field_of_this_area(centre, area):
    ra, dec = draw_places(20_000, area, centre, np.random.default_rng(2))
    assert ra.min() >= 0
    assert ra.max() < 360
    from_centre = (ra - centre[0] + 180) % 360 - 180
    height = np.sin(np.radians([dec.min(), dec.max()]))
    covered = np.degrees(np.ptp(height)) * np.ptp(from_centre)
    assert covered == pytest.approx(area, rel=0.002)
    shares = (np.sin(np.radians(dec)) - height[0]) / np.ptp(height)
    assert kstest(shares, "uniform").pvalue > 0.001
    assert abs(from_centre.mean()) < np.ptp(from_centre) / 100


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"z": [0.1, 0.2]}, "no column n or nz or dndz or density"),
        ({"z": [0.2, 0.1], "n": [1.0, 1.0]}, "each above the last"),
        ({"z": [0.2], "n": [1.0]}, "two or more"),
        ({"z": [0.1, 0.2], "n": [1.0, -1.0]}, "no negative density"),
        ({"z": [0.1, 0.2], "n": [0.0, 0.0]}, "one above 0"),
        ({"z": [0.1, 0.2], "n": ["a", "b"]}, "expected a number a row"),
    ],
)
def test_tables_that_are_no_density(tmp_path, columns, message):
    Table(columns).write(tmp_path / "nz.csv")
    with pytest.raises(UserError, match=message):
        read_density(tmp_path / "nz.csv")


@pytest.mark.parametrize("centre", [(150.0, 95.0), (np.nan, 0.0), (0.0, np.nan)])
def test_centres_that_are_none(centre):
    with pytest.raises(UserError, match="--centre: found"):
        draw_places(3, 1.0, centre, np.random.default_rng(0))


@pytest.mark.parametrize("area", [0.0, -1.0, 50_000.0, np.nan])
def test_areas_that_are_none(area):
    with pytest.raises(UserError, match="square degrees"):
        expected_number(Z, N, area)
