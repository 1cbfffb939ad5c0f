"""The report in words, and a page that is well formed whatever could not be had."""

from html.parser import HTMLParser

import pytest

from galddpm.evaluation.report.html import (
    CAPTIONS,
    learner_in_words,
    light_in_words,
    memory_in_words,
    page,
    redshift_in_words,
    summary,
)


def metric(ks=0.1, floor=0.05, floor_95=0.08):
    return {
        "n_real": 1200,
        "n_generated": 300,
        "ks": ks,
        "ks_interval": None if ks is None else [ks - 0.01, ks + 0.01],
        "ks_floor": floor,
        "ks_floor_95": floor_95,
        "mean_real": 2.0,
        "mean_generated": 1.0,
        "mean_ratio": 0.5,
        "mean_ratio_interval": [0.45, 0.55],
    }


def made_report(**changes):
    """A report in which everything that can be missing is missing."""
    count = {"total": 1500, "detected": 1234, "compared": 300, "flagged": {"EDGE": 7}}
    trend = {"slope": None, "slope_interval": None, "holds": None}
    report = {
        "band": "i",
        "matched": False,
        "counts": {"real": count, "generated": count | {"total": 400, "detected": 399}},
        "metrics": {"flux": metric()},
        "trends": {"ellipticity": {"expected": "constant", "real": trend, "generated": trend}},
        "joint": {"energy": None, "trees": None, "frechet": None},
        "brightness": {"i": {"asinh_ratio": None, "asinh_ratio_interval": None}},
        "redshift": None,
        "images": None,
    }
    return report | changes


class Reader(HTMLParser):
    """Text of a page, and its rows of cells; refuses tags that close in another order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.text, self.images = [], [], "", []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([dict(attrs).get("class")])
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)

    def row(self, title):
        return next(row for row in self.rows if row[1] == title)


def test_distances_above_what_two_real_samples_give_are_far():
    metrics = {
        "near_one": metric(0.079),
        "far_one": metric(0.2),
        "farther": metric(0.3, floor=0.041),
        "unknown": metric(None),
    }
    text = summary(made_report(metrics=metrics))
    assert "1 of 3 measurements are as close" in text
    assert "Good: near one." in text
    assert "with their distances: farther 0.3, far one 0.2; real against real gives 0.041." in text
    assert "unknown" not in text
    rows = Reader(page(made_report(metrics=metrics), {})).rows
    marks = {row[1]: row[0] for row in rows}
    assert [marks[n] for n in ("near one", "far one", "farther", "unknown")] == [
        None, "far", "far", None,
    ]  # fmt: skip


def test_the_summary_names_no_more_than_the_four_farthest():
    metrics = {f"m{k}": metric(0.1 * k) for k in range(1, 7)}
    text = summary(made_report(metrics=metrics))
    assert "m6 0.6, m5 0.5, m4 0.4, m3 0.3;" in text
    assert "m2" not in text


def test_the_summary_counts_what_was_found_and_matched():
    text = summary(made_report())
    assert text.startswith(
        "In the i band a central source was found in 1,234 of 1,500 real"
        " and in 399 of 400 generated galaxies. "
    )
    assert "matched" not in text
    assert "so 300 pairs matched in log(1+z)" in summary(made_report(matched=True))


def test_the_summary_says_how_many_galaxies_a_distance_needs():
    few = {"flux": metric(None), "gini": metric(None) | {"n_real": 7, "n_generated": 9}}
    none = summary(made_report(metrics=few))
    needed = "A distance needs 100 measured galaxies a side"
    assert none.endswith(f"{needed}; here are 1,200 real and 300 generated ones.")
    assert "a dash stands where there are fewer" in page(made_report(), {})
    some = summary(made_report(metrics=few | {"snr": metric()}))
    assert "2 more have no distance, which needs 100 measured galaxies a side." in some
    assert "no distance" not in summary(made_report())


def test_brightness_in_words():
    bands = {"g": 0.9, "r": 1.234, "i": None}
    report = {"brightness": {band: {"asinh_ratio": ratio} for band, ratio in bands.items()}}
    assert light_in_words(report) == "Generated over real brightness is 0.90 to 1.23 by band."
    assert light_in_words({"brightness": {"i": {"asinh_ratio": None}}}) == ""


def test_learners_in_words():
    trees, pixels = {"accuracy": 0.512}, {"accuracy": 0.9}
    report = {"joint": {"trees": trees}, "images": {"pixels": pixels}}
    assert learner_in_words(report) == (
        "Told from real ones (50 % is chance): by trees on the catalog 51% of the time,"
        " by a CNN on the pixels 90% of the time."
    )
    assert "pixels" not in learner_in_words({"joint": {"trees": trees}})
    assert learner_in_words({"joint": {"trees": {"accuracy": None}}, "images": None}) == ""


def test_redshifts_in_words():
    assert redshift_in_words({"redshift": None}).startswith("No redshift CNN")
    poor = {"usable": False, "reason": "the CNN is poor"}
    assert redshift_in_words({"redshift": poor}) == "Redshifts are not judged: the CNN is poor."
    good = {"usable": True, "real": {"nmad": 0.02}, "generated": {"nmad": 0.03}, "nmad_ratio": 1.5}
    text = redshift_in_words({"redshift": good})
    assert "NMAD of 0.030 in generated and 0.020 in real galaxies, a ratio of 1.50." in text


def test_memory_in_words():
    assert memory_in_words({}) == memory_in_words({"images": {"unique_fraction": None}}) == ""
    images = {"unique_fraction": 0.985, "memory": None}
    alone = "98.5% of the generated galaxies have no twin among themselves"
    assert memory_in_words({"images": images}) == f"{alone}."
    images["memory"] = {"copied_fraction": 0.02}
    text = memory_in_words({"images": images})
    assert text == f"{alone}; 2.0% lie suspiciously near a training galaxy (1 % is chance)."


def test_a_page_of_what_could_not_be_had_is_well_formed():
    found = Reader(page(made_report(metrics={"flux": metric(None, None, None)}), {}))
    assert found.row("flux") == [
        None, "flux", "1,200", "300", "-", "-", "-", "-", "2", "1", "0.5", "0.45 to 0.55",
    ]  # fmt: skip
    assert found.row("ellipticity, constant")[2:] == ["-"] * 5
    assert found.row("i")[2:] == ["-", "-"]
    assert found.row("unique fraction")[2] == "-"
    assert found.row("flag EDGE")[2:] == ["7", "7"]
    assert "No redshift CNN was given or found." in found.text


def test_a_page_shows_what_could_be_had():
    slope = {"slope": -0.25, "slope_interval": [-0.3, -0.2], "holds": True}
    side = {"n": 1234, "nmad": 0.02, "outlier_fraction": None}
    learned = {"accuracy": 0.6, "accuracy_interval": [0.55, 0.65], "accuracy_floor": 0.5}
    report = made_report(
        trends={"half_light_radius": {"expected": "compact", "real": slope, "generated": slope}},
        joint={
            "energy": {"energy": 0.01, "energy_interval": [0.0, 0.02], "energy_floor": 0.004},
            "trees": learned,
            "frechet": None,
        },
        images={"pixels": None, "unique_fraction": 0.9, "memory": {"copied_fraction": 0.03}},
        redshift={
            "real": side, "generated": side | {"nmad": 0.03}, "constant_nmad": 0.3,
            "usable": True, "nmad_ratio": 1.5, "reason": None,
        },
    )  # fmt: skip
    found = Reader(page(report, {}))
    shown = ["-0.25", "-0.3 to -0.2"]
    assert found.row("half light radius, compact")[2:] == [*shown, *shown, "yes"]
    assert found.row("energy distance")[2:] == ["0.01", "0 to 0.02", "0.004"]
    assert found.row("trees on the catalog, accuracy")[2:] == ["0.6", "0.55 to 0.65", "0.5"]
    assert found.row("near a training galaxy")[2:] == ["0.03", "-", "0.01"]
    assert found.row("galaxies")[2:] == ["1,234", "1,234"]
    assert found.row("nmad")[2:] == ["0.02", "0.03"]
    assert found.row("outlier fraction")[2:] == ["-", "-"]
    assert "A constant's NMAD: 0.3. Generated over real NMAD: 1.5." in found.text


def test_whatever_a_report_says_cannot_become_markup():
    side = {"n": 1, "nmad": 0.02}
    report = made_report(
        band="<b>",
        metrics={"a<i>&amp;": metric()},
        redshift={
            "real": side, "generated": side, "constant_nmad": 0.1, "usable": False,
            "nmad_ratio": None, "reason": "0.1 < 0.2 & <script>",
        },
    )  # fmt: skip
    text = page(report, {})
    assert "<b>" not in text
    assert "<i>" not in text
    assert "<script>" not in text
    assert Reader(text).row("a<i>&amp;")
    assert "0.1 < 0.2 & <script>" in Reader(text).text


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_figure_is_put_into_the_page_under_its_caption(tmp_path, name):
    (tmp_path / "a.png").write_bytes(b"\x00\xffpixels")
    found = Reader(page(made_report(), {name: tmp_path / "a.png"}))
    assert found.images == ["data:image/png;base64,AP9waXhlbHM="]
    assert CAPTIONS[name] in found.text
