"""Sources of scenes as the judge measures them, and where they stand among galaxies."""

import numpy as np
import pytest

from galddpm.mock.judged import STRUCTURE, judged_scene, ranks

PLACES = np.array([(40, 35), (12, 80), (60, 110)])  # (row, column)


def scene(places, rng):
    """Round sources of some 2 pixels, in five bands."""
    y, x = np.mgrid[:70, :130]
    light = sum(np.exp(-np.hypot(x - column, y - row) / 2.0) for row, column in places)
    return rng.normal(0, 0.05, (5, 70, 130)) + 20 * light


def test_sources_of_a_scene_are_measured_where_they_are():
    """Also near its end, where the stamp is filled; a place without a source gives none."""
    images = scene(PLACES, np.random.default_rng(0))
    rows = judged_scene(images, np.vstack([PLACES, [(55, 60)]]))
    assert len(rows) == 3
    for row in rows:
        assert row["x"] == pytest.approx(32, abs=0.2)
        assert row["y"] == pytest.approx(32, abs=0.2)
        assert row["half_light_radius"] == pytest.approx(1.678 * 2, rel=0.1)  # of an exponential
        assert abs(row["asymmetry"]) < 0.05


def rows(count, rng, shift=0.0):
    """Galaxies whose structure grows with their size, as of a population."""
    radius, snr = rng.lognormal(1, 0.4, count), rng.lognormal(4, 1, count)
    scatter = rng.normal(shift, 1, (count, len(STRUCTURE)))
    return [
        {"snr": s, "half_light_radius": r}
        | {name: 3 * np.log(r) + part for name, part in zip(STRUCTURE, parts, strict=True)}
        for s, r, parts in zip(snr, radius, scatter, strict=True)
    ]


def test_ranks_are_even_among_peers_and_at_an_end_elsewhere():
    rng = np.random.default_rng(0)
    galaxies = rows(3000, rng)
    galaxies[0]["gini"] = np.nan  # not measured
    for rank in ranks(rows(300, rng), galaxies).values():
        assert rank.mean() == pytest.approx(0.5, abs=0.06)
        assert ((rank > 0.05) & (rank < 0.95)).mean() == pytest.approx(0.9, abs=0.06)
    for rank in ranks(rows(300, rng, shift=4.0), galaxies).values():
        assert rank.mean() > 0.97
