"""The report's figures: which points, bars and pictures are drawn, and where."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from galddpm.evaluation.report.figures import (
    COLOUR,
    LEAST_SHOWN,
    bin_edges,
    distances_and_floor,
    histograms,
    label,
    mean_points,
    means_by_redshift,
    save,
)
from galddpm.evaluation.report.photoz_figures import colours_by_redshift

NAMES = {"real": "held-out mock", "generated": "made"}


def metric(mean, reach=0.1, count=LEAST_SHOWN):
    found = {}
    for side, value in (("real", mean), ("generated", mean + 1)):
        interval = None if reach is None else [value - reach, value + 2 * reach]
        found |= {f"n_{side}": count, f"mean_{side}": value, f"mean_{side}_interval": interval}
    return found


BINS = [
    {"low": 0.0, "high": 0.5, "metrics": {"flux": metric(3.0), "g-r": metric(0.5)}},
    {"low": 0.5, "high": 1.5, "metrics": {"flux": metric(4.0, count=9), "g-r": metric(0.6)}},
    {"low": 1.5, "high": 2.5, "metrics": {"flux": metric(5.0), "g-r": metric(0.7, reach=None)}},
]


def drawn(axis):
    """x, y and lower and upper ends of each side's error bars."""
    found = {}
    for bars in axis.containers:
        middle, _, (reach,) = bars.lines
        ends = np.array([segment[:, 1] for segment in reach.get_segments()])
        side = next(side for side, name in NAMES.items() if name == bars.get_label())
        assert to_hex(middle.get_color()) == COLOUR[side].lower()
        found[side] = middle.get_xdata(), middle.get_ydata(), ends
    return found


def test_points_are_of_bins_with_enough_galaxies_and_an_interval():
    points = mean_points(BINS, "flux", "real")
    np.testing.assert_allclose(points, [[0.25, 3, 2.9, 3.2], [2.0, 5, 4.9, 5.2]])
    points = mean_points(BINS, "g-r", "generated")
    np.testing.assert_allclose(points, [[0.25, 1.5, 1.4, 1.7], [1.0, 1.6, 1.5, 1.8]])
    assert len(mean_points([], "flux", "real")) == 0


@pytest.mark.parametrize("draw", [means_by_redshift, colours_by_redshift])
def test_means_are_drawn_side_by_side_with_their_intervals(draw):
    figure = draw(BINS, ["flux", "g-r"], "i band", NAMES)
    flux, colour = figure.axes
    for side, moved, mean in (("real", -0.02, 3.0), ("generated", 0.02, 4.0)):
        x, y, ends = drawn(flux)[side]
        np.testing.assert_allclose(x, np.array([0.25, 2.0]) + moved)
        np.testing.assert_allclose(y, [mean, mean + 2])
        np.testing.assert_allclose(ends, [[mean - 0.1, mean + 0.2], [mean + 1.9, mean + 2.2]])
    assert flux.get_ylabel().endswith("flux [count]")
    assert colour.get_ylabel().endswith("g-r [mag]")
    assert colour.get_xlabel() == "redshift"
    assert figure.get_suptitle() == "i band"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*NAMES.values()]


@pytest.mark.parametrize("draw", [means_by_redshift, colours_by_redshift])
def test_bins_of_few_galaxies_leave_axes_without_points_and_legend(draw):
    figure = draw(BINS[1:2], ["flux"], "i band", NAMES)
    assert not figure.axes[0].containers
    assert not figure.legends


def test_an_odd_number_of_colours_leaves_no_empty_axes():
    figure = colours_by_redshift(BINS, ["flux", "g-r", "flux"], "", NAMES)
    assert [axis.get_visible() for axis in figure.axes] == [True, True, True, False]


def test_distances_stand_beside_what_two_real_samples_give():
    metrics = {
        "sersic_n": {"ks": 0.3, "ks_interval": [0.2, 0.4], "ks_floor": 0.05, "ks_floor_95": 0.1},
        "lost": {"ks": None},
        "snr": {"ks": 0.1, "ks_interval": [0.0, 0.2], "ks_floor": None, "ks_floor_95": None},
    }
    metrics["snr"] |= {
        "conditional_ks": 0.4, "conditional_ks_floor": 0.15, "conditional_ks_floor_95": 0.2,
    }  # fmt: skip
    axis = distances_and_floor(metrics, "i band", NAMES).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["Sersic n", "S/N"]
    over, at = -0.18, 0.18  # above the middle of a line, and below it
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axis.lines]
    expected = [
        ([0.2, 0.4], [over] * 2), ([0.3], [over]), ([0.05], [over]),
        ([0.0, 0.2], [1 + over] * 2), ([0.1], [1 + over]), ([0.4], [1 + at]), ([0.15], [1 + at]),
    ]  # fmt: skip
    assert lines == expected
    middles = [(bar.get_width(), bar.get_y() + bar.get_height() / 2) for bar in axis.patches]
    assert middles == [pytest.approx((0.1, over)), pytest.approx((0.2, 1 + at))]
    assert axis.yaxis_inverted()  # the first one on top
    assert axis.get_xlim()[0] == 0
    assert "two held-out mock samples" in axis.get_xlabel()


def test_no_distance_at_all_is_an_empty_figure():
    axis = distances_and_floor({"snr": {"ks": None}}, "i band", NAMES).axes[0]
    assert not axis.lines
    assert axis.get_title() == "i band"


def test_histograms_show_shares_of_each_side():
    real, generated = np.arange(1.0, 201.0), np.append(np.arange(1.0, 101.0), np.nan)
    figure = histograms({"snr": real}, {"snr": generated}, ["snr"], "i band", NAMES)
    above, below = figure.axes
    for axis in (above, below):
        shares = {stairs.get_label(): stairs.get_data() for stairs in axis.patches}
        for side, values in (("real", real), ("generated", generated)):
            drawn = shares[NAMES[side]]
            expected = np.histogram(values, drawn.edges)[0] / np.isfinite(values).sum()
            np.testing.assert_allclose(drawn.values, expected)
            assert drawn.values.sum() == pytest.approx(1, abs=0.02)
        np.testing.assert_array_equal(*(drawn.edges for drawn in shares.values()))
    assert (above.get_yscale(), below.get_yscale()) == ("linear", "log")
    assert above.get_xscale() == below.get_xscale() == "log"  # both share their axis
    assert below.get_xlabel() == "S/N"


@pytest.mark.parametrize("logarithmic", [False, True])
def test_edges_reach_over_all_but_the_most_extreme(logarithmic):
    values = np.append(np.linspace(1, 100, 2000), [1e6, 1e7])
    edges = bin_edges(values, logarithmic)
    assert (edges[0], edges[-1]) == pytest.approx((1.5, 99.6), abs=0.1)
    steps = np.diff(np.log(edges)) if logarithmic else np.diff(edges)
    np.testing.assert_allclose(steps, steps[0])


def test_labels_name_measurements_and_units():
    assert label("isophotal_area") == "isophotal area [pix$^2$]"
    assert label("sersic_n") == "Sersic n"
    assert label("half_light_radius") == "half light radius [pix]"
    assert label("sky_sigma") == "sky rms [count]"
    assert label("magnitude_g") == "magnitude g [mag]"
    assert label("g-r") == "g-r [mag]"


def test_a_figure_is_saved_as_png_and_pdf(tmp_path):
    save(distances_and_floor({}, "", NAMES), tmp_path, "distances")
    assert (tmp_path / "distances.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "distances.pdf").read_bytes().startswith(b"%PDF")
