"""The figure of what carries the image test's verdict draws the report's numbers."""

import numpy as np

from galddpm.evaluation.report.image_figures import SHOWN, carriers, example_rows

NAMES = {"real": "held-out mock", "generated": "generated"}
IMAGES = {
    "carried_by": {group: {"one": 0.75, "other": 0.25} for group in SHOWN},
    "log_ratio": {
        "real": [-4, -3, -2, -1, 0],
        "generated": [0, 1, 2, 3, 4],
        "floor": [-0.2, -0.1, 0, 0.1, 0.2],
    },
    "convincing": {
        "most": [{"generated": 3, "real": 5, "log_ratio": -1.0}],
        "least": [{"generated": k, "real": k + 1, "log_ratio": 9.0} for k in range(2)],
    },
}


def test_bars_are_shares_and_the_last_panel_holds_the_three_spreads():
    *bars, last = carriers(IMAGES, NAMES).axes
    for axis in bars:
        assert [bar.get_width() for bar in axis.patches] == [0.75, 0.25]
    ends = [line.get_xdata() for line in last.lines if len(line.get_xdata()) == 2]
    assert {(-4, 0), (-3, -1), (0, 4), (1, 3)} <= {tuple(end) for end in ends}
    assert [text.get_text() for text in last.texts] == [*NAMES.values(), "two real samples"]


def test_rows_of_examples():
    rows = example_rows(IMAGES, "least")
    np.testing.assert_array_equal(rows["generated"], [0, 1])
    np.testing.assert_array_equal(rows["real"], [1, 2])
