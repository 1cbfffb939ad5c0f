"""The catalog of a survey that has not been made: how many galaxies, how far, and where."""

from pathlib import Path

import numpy as np
from numpy.random import Generator

from galddpm.arrays import Floats
from galddpm.data.tables import as_numbers, column, read_table
from galddpm.errors import UserError

REDSHIFTS = ("redshift", "z")  # columns of a table, the first of them that it has
DENSITIES = ("n", "nz", "dndz", "density")
FULL_SKY = 41_252.96  # [deg^2]
MOST = 10**8  # galaxies


def read_density(path: Path) -> tuple[Floats, Floats]:
    """Redshifts (M,), and galaxies by square degree and unit redshift there (M,), of a table.

    Raises UserError where there are fewer than two, they do not rise, or a density is negative.
    """
    table = read_table(path)
    redshift, density = (
        as_numbers(column(table, path, names), f"{path}: {names[0]}")
        for names in (REDSHIFTS, DENSITIES)
    )
    if len(redshift) < 2 or not (np.diff(redshift) > 0).all() or redshift[0] < 0:
        raise UserError(f"{path}: redshift: expected two or more, from 0 on, each above the last")
    if not (np.isfinite(density) & (density >= 0)).all() or not density.any():
        raise UserError(f"{path}: n: expected no negative density, and one above 0")
    return redshift, density


def expected_number(redshift: Floats, density: Floats, area: float) -> float:
    """Galaxies in an area [deg^2]; between its redshifts the density goes in straight lines.

    Raises UserError for an area that is none, and for too many galaxies.
    """
    if not 0 < area <= FULL_SKY:
        raise UserError(f"--area: found {area:g}, expected up to {FULL_SKY:,.0f} square degrees")
    number = float(area * np.trapezoid(density, redshift))
    if number > MOST:
        raise UserError(f"--area: found {number:,.0f} galaxies, expected at most {MOST:,}")
    return number


def draw_redshifts(redshift: Floats, density: Floats, count: int, rng: Generator) -> Floats:
    """Redshifts (count,) of that density: where its integral, a parabola in each interval, is a
    share of the whole."""
    width = np.diff(redshift)
    below = np.concatenate([[0.0], np.cumsum(width * (density[1:] + density[:-1]) / 2)])
    wanted = rng.random(count) * below[-1]
    place = np.searchsorted(below, wanted, side="right").clip(1, len(width)) - 1
    start, rise = density[place], np.diff(density)[place] / width[place]
    rest = wanted - below[place]
    # rise x^2 / 2 + start x = rest, in the form that is exact for rise = 0 too
    root = np.sqrt(np.maximum(start**2 + 2 * rise * rest, 0))
    step = np.divide(2 * rest, start + root, out=np.zeros(count), where=start + root > 0)
    drawn: Floats = redshift[place] + np.minimum(step, width[place])
    return drawn


def draw_places(
    count: int, area: float, centre: tuple[float, float], rng: Generator
) -> tuple[Floats, Floats]:
    """Right ascensions and declinations (count,) [deg], equally dense in a field of this area
    [deg^2] about the centre, as high as it is wide; near a pole, or where it is most of the sky, a
    field that goes all round.

    Raises UserError for a centre that is none.
    """
    if not (np.isfinite(centre[0]) and abs(centre[1]) <= 90):
        raise UserError(
            f"--centre: found {centre[0]:g} {centre[1]:g}, expected a right ascension and a"
            " declination from -90 to 90"
        )
    half = np.sqrt(area) / 2
    low, high = (np.sin(np.radians(np.clip(centre[1] + d, -90, 90))) for d in (-half, half))
    width = np.radians(area) / (high - low)  # [deg]
    if width > 360:
        width, height = 360.0, np.radians(area) / 360
        middle = np.clip((low + high) / 2, height / 2 - 1, 1 - height / 2)
        low, high = middle - height / 2, middle + height / 2
    ra = (centre[0] + (rng.random(count) - 0.5) * width) % 360
    dec: Floats = np.degrees(np.arcsin(rng.uniform(low, high, count).clip(-1, 1)))
    return ra, dec
