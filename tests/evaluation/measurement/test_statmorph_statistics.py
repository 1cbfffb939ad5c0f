"""statmorph's statistics come through unchanged; its failures become NaN with a flag."""

import warnings

import numpy as np
import pytest
import statmorph
from test_detection import blob, noise
from test_morphology import sersic

from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.statmorph_statistics import (
    STATISTICS,
    statistics_flag,
    statmorph_statistics,
)


def statistics(image):
    found = detect(image)
    return statmorph_statistics(image - found.sky, found.segment, found.others, found.sky_sigma)


def test_left_out_statistics_change_no_other():
    image = sersic(20, 1, 5, 0.6, 40, 1)
    found = detect(image)
    whole = statmorph.SourceMorphology(
        image - found.sky,
        found.segment.astype(int),
        1,
        mask=found.others,
        weightmap=np.full(image.shape, found.sky_sigma),
    )
    values, flag = statistics(image)
    assert flag == Flag(0)
    for name in STATISTICS:
        assert values[name] == getattr(whole, name)


def test_inputs_are_left_as_they_are():
    image = sersic(21, 1, 4, 0.8, 0, 2)
    found = detect(image)
    inputs = image - found.sky, found.segment, found.others, found.sky_sigma
    copies = [np.copy(value) for value in inputs]
    first = statmorph_statistics(*inputs)
    statistics(sersic(19, 4, 8, 0.5, 0, 3))
    assert first == statmorph_statistics(*inputs)  # nothing of another source is remembered
    for value, copy in zip(inputs, copies, strict=True):
        np.testing.assert_array_equal(value, copy)


@pytest.mark.parametrize("case", ["negative", "stripe", "everything"])
def test_odd_sources_give_no_warning_and_no_sentinel(case):
    segment = np.zeros((64, 64), dtype=bool)
    image = {"negative": -blob(), "stripe": noise(), "everything": blob(width=40)}[case] + noise(1)
    segment[slice(None) if case == "everything" else slice(30, 31)] = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, flag = statmorph_statistics(image, segment, ~(segment | True), 0.076)
    assert set(values) == set(STATISTICS)
    assert -99.0 not in values.values()
    assert flag or np.isfinite(list(values.values())).all()


def test_failure_is_flagged():
    segment = np.zeros((64, 64), dtype=bool)
    segment[30:33, 30:33] = True
    values, flag = statmorph_statistics(-blob(), segment, ~(segment | True), 0.076)
    assert np.isnan(list(values.values())).all()
    assert flag == Flag.STATMORPH_FAILED


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(0, Flag(0)), (1, Flag.STATMORPH_SUSPECT), (2, Flag.STATMORPH_BAD), (3, Flag.STATMORPH_BAD)],
)
def test_flags(theirs, ours):
    assert statistics_flag(theirs) == ours
