"""What models are compared by, read from their reports, and how the table says it."""

import pytest

from galddpm.evaluation.measurement.stamp import PAPER
from galddpm.evaluation.report.model_table import COLUMNS, KS, figures, in_columns, markdown


def made_report(**changes):
    metrics = {
        name: {
            "ks": 0.1 * k,
            "ks_floor": 0.01 * k,
            "conditional_ks": 0.2 * k,
            "mean_ratio": 1 + k,
        }
        for k, name in enumerate([*PAPER, *(name for name in KS if name not in PAPER)])
    }
    report = {
        "metrics": metrics,
        "brightness": {"g": {"asinh_ratio": 0.8}, "i": {"asinh_ratio": 1.0}},
        "counts": {"real": {"detected": 1, "total": 2}, "generated": {"detected": 9, "total": 12}},
        "joint": {"energy": {"energy": 0.02}, "trees": {"accuracy": 0.7}},
        "images": {
            "pixels": {"accuracy": 0.8},
            "memory": {"median_ratio": 1.1, "copied_fraction": 0.03},
        },
        "redshift": {"nmad_ratio": 1.5},
    }
    return report | changes


def test_figures_of_a_report_by_hand():
    found = figures(made_report())
    assert found["ks"] == pytest.approx(0.15)  # 0, .1, .2, .3
    assert found["floor"] == pytest.approx(0.015)
    assert found["conditional_ks"] == pytest.approx(0.3)
    assert [found[f"ks_{name}"] for name in PAPER] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [found[f"ratio_{name}"] for name in PAPER] == [1, 2, 3, 4]
    assert found["brightness"] == pytest.approx(0.9)
    assert found["detected"] == 0.75
    assert (found["energy"], found["trees"], found["pixels"]) == (0.02, 0.7, 0.8)
    assert (found["nmad_ratio"], found["nearest_ratio"], found["copied"]) == (1.5, 1.1, 0.03)
    unknown = {"train_seconds", "sample_seconds", "alike"}  # to a report, which is of one model
    assert set(found) == set(COLUMNS) - unknown


def test_what_could_not_be_had_is_none():
    report = made_report(
        images={"pixels": None, "memory": None},
        redshift=None,
        joint={"energy": None, "trees": {"accuracy": None}},
        brightness={"g": {"asinh_ratio": None}, "i": {"asinh_ratio": 1.0}},
    )
    report["metrics"]["ellipticity"] = {"ks": None, "ks_floor": None, "mean_ratio": None}
    found = figures(report)
    missing = {name for name, value in found.items() if value is None}
    assert missing == {
        "pixels", "nearest_ratio", "copied", "nmad_ratio", "energy", "trees", "brightness",
        "ks", "floor", "conditional_ks", "ks_ellipticity", "ratio_ellipticity",
    }  # fmt: skip
    assert figures(made_report(images=None))["pixels"] is None


def test_a_colour_that_a_report_of_one_band_lacks_is_none():
    report = made_report()
    del report["metrics"]["g-r"]
    assert figures(report)["ks_g-r"] is None


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_is_the_mean_over_the_seeds_and_one_seeds_deviation():
    rows = {
        "three": [{"ks": 0.1}, {"ks": 0.2}, {"ks": 0.3}],
        "one": [{"ks": 0.1234}],
        "gap": [{"ks": 0.1}, {"ks": None}, {}],
        "none": [{"ks": None}],
        "slow": [{"ks": 10.4}, {"ks": 1234.6}],
    }
    head, rule, *lines = markdown(rows, ["ks"]).splitlines()
    assert cells(head) == ["", COLUMNS["ks"]]
    assert rule == "|---|---|"
    assert [cells(line) for line in lines] == [
        ["three", "0.200 ± 0.100"],
        ["one", "0.123"],
        ["gap", "0.100"],
        ["none", "-"],
        ["slow", "622 ± 866"],
    ]


def test_every_row_has_as_many_cells_as_the_head():
    rows = {"failed": [{"ks": 0.1}, {"failed": "it ran away"}], "not run": [], "run": [{"ks": 0.1}]}
    lines = markdown(rows).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 2}
    assert [cells(line)[0] for line in lines[2:]] == ["failed", "run"]
    assert cells(lines[2])[1] == "it ran away"


def test_on_a_terminal_figures_are_lines_and_rows_stand_side_by_side_as_far_as_they_fit():
    rows = {
        "recommended": [{"ks": 0.1, "trees": 0.6}, {"ks": 0.3, "trees": None}],
        "another": [{"ks": 0.2, "trees": 0.7}],
        "diverged": [{"failed": "no numbers"}],
        "not yet": [],
    }
    wide = in_columns(rows, 80).splitlines()
    assert wide[0].split() == ["recommended", "another"]
    assert wide[1] == f"{COLUMNS['ks']}     0.200 ± 0.141           0.200"
    assert wide[2].split() == ["told", "by", "trees", "0.600", "0.700"]
    assert wide[3:] == ["", "diverged: no numbers"]
    assert max(map(len, wide)) <= 80
    narrow = in_columns(rows, 50).split("\n\n")
    assert [block.split()[0] for block in narrow] == ["recommended", "another", "diverged:"]
