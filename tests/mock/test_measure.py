"""The columns of the schema on sources whose truth is known."""

import numpy as np
import pytest

from galddpm.mock import measure
from galddpm.mock.sersic_index import _models, sersic_index

GAIN = 3450.0


def test_measuring_a_known_ellipse_and_an_empty_stamp():
    y, x = np.mgrid[:127, :127] - 63.0
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, x.shape).astype(np.float32)
    bright = (50 * np.exp(-0.5 * ((x / 6) ** 2 + (y / 3) ** 2))).astype(np.float32)
    found = measure.measure_band(bright + noise, GAIN)
    assert found["major_axis"] == pytest.approx(6, rel=0.03)
    assert found["minor_axis"] == pytest.approx(3, rel=0.03)
    assert found["ellipticity"] == pytest.approx(0.5, abs=0.02)
    assert found["pos_angle"] == pytest.approx(0, abs=1)
    assert found["half_light_radius"] == pytest.approx(1.1774 * np.sqrt(18), rel=0.1)
    assert found["sersic_index"] == pytest.approx(0.5, abs=0.11)  # a Gaussian has n = 1/2
    assert set(measure.measure_band(np.zeros((127, 127), np.float32), GAIN).values()) == {0.0}


def test_an_index_is_that_of_the_nearest_model():
    models, indices = _models()
    assert len(set(indices)) > 20
    for k in range(0, len(models), 37):
        profile = 300 * models[k]
        assert sersic_index(profile, 1e-4 * np.ones_like(profile)) == pytest.approx(indices[k])
    assert sersic_index(-models[0], np.ones_like(models[0])) == 0.0


def test_other_sources_are_replaced_by_what_lies_opposite():
    data = np.arange(49, dtype=np.float32).reshape(7, 7)
    others = np.zeros((7, 7), bool)
    others[1, 1] = others[0, 3] = others[6, 3] = True
    filled = measure.corrected(data, others, (3.0, 3.0))
    assert filled[1, 1] == data[5, 5]
    assert filled[0, 3] == filled[6, 3] == 0  # opposite to each other
    assert (filled[~others] == data[~others]).all()
