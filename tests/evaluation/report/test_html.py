"""The page is well formed whatever could not be had, and calls the sides by their names."""

from html.parser import HTMLParser

import pytest

from galddpm.evaluation.report.html import CAPTIONS, page
from helpers.reports import made_report, metric


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


def test_mock_galaxies_are_never_called_real():
    text = Reader(page(made_report(), {})).text
    shown = text[: text.index("for (const table")].lower()
    assert "generated against held-out mock galaxies" in shown
    assert " real " not in shown.replace("less or over real means", "")


def test_the_title_keeps_capitals_within():
    names = {"real": "HSC", "generated": "my GAN"}
    assert "<h1>My GAN against HSC galaxies</h1>" in page(made_report(names=names), {})


def test_the_verdict_stands_first():
    text = page(made_report(), {})
    assert text.index("Too few galaxies to say") < text.index("<table>")


def test_measurements_are_in_the_order_of_their_distance_and_the_far_ones_bold():
    metrics = {
        "near_one": metric(0.079),
        "far_one": metric(0.2),
        "unknown": metric(None),
        "farther": metric(0.3, floor=0.041),
    }
    rows = Reader(page(made_report(metrics=metrics), {})).rows
    found = [(row[1], row[0]) for row in rows if row[1] in [n.replace("_", " ") for n in metrics]]
    assert found == [("farther", "far"), ("far one", "far"), ("near one", None), ("unknown", None)]


def test_origin_and_date_are_told():
    found = Reader(page(made_report(), {}))
    assert found.row("run")[2:] == ["runs/a"]
    assert found.row("images trained")[2:] == ["12000"]
    assert found.row("generated file")[2:] == ["samples.hdf5"]
    assert found.row("judged on")[2:] == ["2026-11-25T04:00:00+00:00"]


def test_a_page_of_what_could_not_be_had_is_well_formed():
    found = Reader(page(made_report(metrics={"flux": metric(None, None, None)}), {}))
    assert found.row("flux [count]") == [
        None, "flux [count]", *["-"] * 7, "1,200", "300", "2", "1", "-1", "-1.1 to -0.9", "0.5",
        "0.45 to 0.55",
    ]  # fmt: skip
    assert found.row("ellipticity, constant")[2:] == [*["-"] * 6, "too few to say"]
    assert found.row("i")[2:] == ["-", "-"]
    assert found.row("unique fraction")[2] == "-"
    assert found.row("flag EDGE")[2:] == ["7", "7"]
    assert "No redshift CNN was given or found." in found.text


def test_a_page_shows_what_could_be_had():
    slope = {"slope": -0.25, "slope_interval": [-0.3, -0.2]}
    both = {"expected": "compact", "real": slope, "generated": slope, "verdict": "agrees"}
    both |= {"difference": 0.0, "difference_interval": [-0.05, 0.05]}
    side = {"n": 1234, "nmad": 0.02, "outlier_fraction": None}
    learned = {"n": 1000, "accuracy": 0.6, "accuracy_interval": [0.55, 0.65], "accuracy_floor": 0.5}
    report = made_report(
        trends={"half_light_radius": both},
        joint={
            "energy": {"energy": 0.01, "energy_interval": [0.0, 0.02], "energy_floor": 0.004},
            "trees": learned,
            "frechet": None,
        },
        images={
            "pixels": learned | {"linear": learned}, "unique_fraction": 0.9,
            "power": [{"name": "a blur"} | learned | {"n": 500}],
            "memory": {"copied_fraction": 0.03},
        },
        redshift={
            "real": side, "generated": side | {"nmad": 0.03}, "constant_nmad": 0.3,
            "usable": True, "nmad_ratio": 1.5, "reason": None,
        },
    )  # fmt: skip
    found = Reader(page(report, {}))
    shown = ["-0.25", "-0.3 to -0.2"]
    assert found.row("half light radius, compact")[2:] == [
        *shown,
        *shown,
        "0",
        "-0.05 to 0.05",
        "agrees",
    ]
    assert found.row("energy distance")[2:] == ["0.01", "0 to 0.02", "0.004"]
    assert found.row("trees on the catalog, accuracy")[2:] == ["0.6", "0.55 to 0.65", "0.5"]
    assert found.row("statistics of the images, accuracy")[2:] == ["0.6", "0.55 to 0.65", "0.5"]
    assert found.row("... linear alone")[2:] == ["0.6", "0.55 to 0.65", "0.5"]
    assert found.row("a blur")[2:] == ["0.6", "0.55 to 0.65", "500"]
    assert found.row("near a training galaxy")[2:] == ["0.03", "-", "0.01"]
    assert found.row("galaxies")[2:] == ["1,234", "1,234"]
    assert found.row("nmad")[2:] == ["0.02", "0.03"]
    assert found.row("outlier fraction")[2:] == ["-", "-"]
    assert "A constant's NMAD: 0.3. Ratio of the NMADs: 1.5." in found.text


def test_whatever_a_report_says_cannot_become_markup():
    side = {"n": 1, "nmad": 0.02}
    report = made_report(
        band="<b>",
        names={"real": "<b>mock", "generated": "<i>"},
        metrics={"a<i>&amp;": metric()},
        redshift={
            "real": side, "generated": side, "constant_nmad": 0.1, "usable": False,
            "nmad_ratio": None, "reason": "0.1 < 0.2 & <script>",
        },
    )  # fmt: skip
    text = page(report, {})
    assert "<b>" not in text
    assert "<i>" not in text
    assert text.count("<script>") == 1  # the page's own
    assert Reader(text).row("a<i>&amp;")
    assert "0.1 < 0.2 & <script>" in Reader(text).text


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_figure_is_put_into_the_page_under_its_caption(tmp_path, name):
    (tmp_path / "a.png").write_bytes(b"\x00\xffpixels")
    found = Reader(page(made_report(), {name: tmp_path / "a.png"}))
    assert found.images == ["data:image/png;base64,AP9waXhlbHM="]
    caption = CAPTIONS[name].format(**made_report()["names"])
    assert caption[0].upper() + caption[1:] in found.text
