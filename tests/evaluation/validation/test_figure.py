"""The figure of measured against true: what is drawn where."""

import numpy as np
import pytest

from galddpm.evaluation.validation.figure import GROUPS, truth_figure
from galddpm.evaluation.validation.simulated import NAMES, SNR_RANGES, TruthSet

COUNT = 4 * GROUPS


@pytest.fixture
def found() -> TruthSet:
    draw = np.random.default_rng(0)
    low = {"sersic_n": 0.5, "sersic_r_eff": 1.5, "sersic_ellipticity": 0.1}
    truth = {name: draw.uniform(low[name], 2 * low[name], 3 * COUNT) for name in NAMES}
    return TruthSet(np.empty((3 * COUNT, 0, 0)), truth, np.tile([0, 1, 2], COUNT))


def shifted(truth, factor):
    return {name: factor * values for name, values in truth.items()}


def grid(figure):
    return np.array(figure.axes).reshape(len(NAMES), len(SNR_RANGES))


def test_rows_are_parameters_and_columns_ranges_of_signal_to_noise(found):
    axes = grid(truth_figure(found, {"ours": found.truth, "statmorph": shifted(found.truth, 1.1)}))
    assert [axis.get_title() for axis in axes[0]] == [f"S/N {a} to {b}" for a, b in SNR_RANGES]
    words = ["Sersic n", "$r_{eff}$ [pix]", "ellipticity"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == [f"measured {word}" for word in words]
    assert [axis.get_xlabel() for axis in axes[:, 2]] == [f"true {word}" for word in words]
    assert [axis.get_xscale() for axis in axes[:, 1]] == ["log", "log", "linear"]
    assert [axis.get_yscale() for axis in axes[:, 1]] == ["log", "log", "linear"]
    assert [text.get_text() for text in axes[0, 0].get_legend().get_texts()] == [
        "ours",
        "statmorph",
    ]


def test_each_panel_shows_its_own_stamps_and_the_line_of_equality(found):
    axes = grid(truth_figure(found, {"ours": shifted(found.truth, 1.3)}))
    for row, name in enumerate(NAMES):
        for column in range(len(SNR_RANGES)):
            points, line = axes[row, column].lines[:2]
            truth = found.truth[name][found.snr_range == column]
            np.testing.assert_array_equal(points.get_xdata(), truth)
            np.testing.assert_allclose(points.get_ydata(), 1.3 * truth)
            np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
            assert sorted(line.get_xdata()) == [truth.min(), truth.max()]


def test_groups_are_of_equal_number_along_the_truth(found):
    figure = truth_figure(found, {"ours": shifted(found.truth, 1.3)})
    middle, _, (bars,) = grid(figure)[2, 1].containers[0].lines
    truth = np.sort(found.truth["sersic_ellipticity"][found.snr_range == 1]).reshape(GROUPS, -1)
    np.testing.assert_allclose(middle.get_xdata(), np.median(truth, axis=1))
    np.testing.assert_allclose(middle.get_ydata(), 1.3 * np.median(truth, axis=1))
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends.T, 1.3 * np.quantile(truth, (0.16, 0.84), axis=1))


def test_stamps_without_a_fit_are_left_out_of_the_groups(found):
    theirs = shifted(found.truth, 1.2)
    inside = np.flatnonzero(found.snr_range == 0)
    lost = inside[np.argsort(found.truth["sersic_ellipticity"][inside])[: COUNT // 2]]
    theirs["sersic_ellipticity"][lost] = np.nan
    theirs["sersic_n"][inside] = np.nan  # none at all in this panel
    axes = grid(truth_figure(found, {"ours": found.truth, "statmorph": theirs}))
    _, fitted = axes[2, 0].containers
    kept = np.sort(found.truth["sersic_ellipticity"][inside])[COUNT // 2 :].reshape(GROUPS, -1)
    np.testing.assert_allclose(fitted.lines[0].get_ydata(), 1.2 * np.median(kept, axis=1))
    assert [bars.get_label() for bars in axes[0, 0].containers] == ["ours"]
