"""The judgement on catalogs made by hand: what is compared, counted, matched and left out."""

import json
from html import escape

import numpy as np
import pytest

from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.stamp import COMPARED, FLAGS, NUMBERS
from galddpm.evaluation.report.figures import bin_edges, histograms
from galddpm.evaluation.report.html import page
from galddpm.evaluation.report.judge import comparable, judge, plain
from galddpm.evaluation.report.verdict import headline, summary
from galddpm.evaluation.statistics.matching import select
from helpers.reports import made_report

BANDS = ("g", "i")


def made_catalog(count: int, seed: int, shift: float = 0.0, redshift=None) -> Catalog:
    """A catalog of random numbers, all galaxies found and fitted."""
    rng = np.random.default_rng(seed)
    tables = {}
    for band in BANDS:
        table = {name: rng.normal(10 + shift, 1, count) for name in NUMBERS}
        table |= {name: np.full(count, np.nan) for name in ("z_phot", "z_phot_error")}
        table |= {name: np.zeros(count, dtype=np.int32) for name in FLAGS}
        tables[band] = table | {"status": np.full(count, "ok", dtype="U10")}
    return Catalog(
        redshift=rng.gamma(2, 0.3, count) if redshift is None else redshift,
        object_id=np.arange(count),
        bands=tables,
        brightness={band: rng.normal(0.3 * (1 + shift), 0.05, count) for band in BANDS},
        aperture={band: 10 ** (0.4 * rng.normal(6 + shift, 1, count)) for band in BANDS},
    )


def judged(real: Catalog, generated: Catalog, reference: Catalog | None = None, bands=("i",)):
    chosen = select(real, generated, reference)
    told = {key: made_report()[key] for key in ("names", "files", "origin", "date")}
    return judge(real, generated, reference, chosen, bands) | told


@pytest.fixture(scope="module")
def report() -> dict:
    return judged(made_catalog(400, 1), made_catalog(300, 2, shift=0.2), bands=("i", "g"))


def test_report_has_the_promised_keys(report):
    assert {"counts", "matched", "metrics", "by_band", "by_redshift", "brightness"} <= set(report)
    assert report["redshift"] is None
    assert set(report["by_band"]["g"]) == set(COMPARED)
    assert set(report["metrics"]) == {*COMPARED, "magnitude_g", "magnitude_i", "g-i"}
    promised = {f"{d}{part}" for d in ("ks", "wasserstein") for part in ("", "_interval", "_floor")}
    promised |= {"ks_floor_95", "mean_real", "mean_generated", "mean_ratio", "mean_ratio_interval"}
    assert all(promised <= set(metric) for metric in report["metrics"].values())
    assert set(report["brightness"]) == set(BANDS)


def test_report_is_plain_json(report):
    text = json.dumps(report, allow_nan=False)
    assert json.loads(text) == report


def test_each_band_and_each_bin_has_numbers_of_its_own():
    real, generated = made_catalog(400, 1), made_catalog(400, 2)
    for side in (real, generated):
        side.bands["i"]["snr"][:] = side.redshift  # whose mean lies in each bin
    generated.bands["g"]["flux"] *= 1.5
    found = judged(real, generated, bands=("i", "g"))
    assert found["by_band"]["g"]["flux"]["mean_ratio"] == pytest.approx(1.5, abs=0.05)
    assert found["metrics"]["flux"]["mean_ratio"] == pytest.approx(1.0, abs=0.05)
    for one in found["by_redshift"]:
        metric = one["metrics"]["snr"]
        assert metric["n_real"] == one["n_real"]
        if one["n_real"]:
            assert one["low"] <= metric["mean_real"] <= one["high"]


def test_bins_of_redshift_hold_every_galaxy(report):
    assert sum(b["n_real"] for b in report["by_redshift"]) == 400
    assert sum(b["n_generated"] for b in report["by_redshift"]) == 300
    assert all(b["low"] < b["high"] for b in report["by_redshift"])


def test_last_bin_moves_out_for_far_galaxies():
    far = np.linspace(0.1, 6.0, 200)
    made = [made_catalog(200, seed, redshift=far) for seed in (1, 2)]
    assert sum(b["n_real"] for b in judged(*made)["by_redshift"]) == 200


def test_shift_is_seen_in_every_measurement():
    report = judged(made_catalog(400, 1), made_catalog(400, 2, shift=1.0))
    for metric in (report["metrics"][name] for name in COMPARED):
        assert metric["ks"] > metric["ks_floor_95"]
        assert metric["mean_ratio"] == pytest.approx(1.1, abs=0.03)
    assert report["brightness"]["i"]["asinh_ratio"] == pytest.approx(2, abs=0.1)
    known = len(report["metrics"])  # one is near, the colour, to which the shift is common
    assert f"1 of {known} measurements" in summary(report)


def test_same_catalog_on_both_sides_has_no_distance():
    catalog = made_catalog(300, 1)
    report = judged(catalog, catalog)
    assert all(metric["ks"] == 0 for metric in report["metrics"].values())
    assert all(report["metrics"][name]["mean_ratio"] == 1 for name in COMPARED)
    known = len(report["metrics"])
    assert f"{known} of {known} measurements" in summary(report)


def test_what_failed_is_counted_and_left_out():
    real, generated = made_catalog(300, 1), made_catalog(300, 2)
    table = generated.bands["i"]
    table["status"][:7], table["flag"][:7], table["flag_sersic"][:7] = "undetected", 1, 1
    table["status"][7:10] = "edge"
    table["ellipticity"][:7] = np.nan
    table["flag_sersic"][10:30] = Flag.SERSIC_BAD
    table["gini"][30:50] = np.nan  # no Petrosian radius
    table["flag"][50:60] |= Flag.NOT_SELECTED
    report = judged(real, generated)
    counts = report["counts"]["generated"]
    assert (counts["total"], counts["detected"], counts["undetected"]) == (300, 293, 7)
    assert (counts["ok"], counts["edge"], counts["bad_pixels"]) == (290, 3, 0)
    assert counts["sersic_ok"] == 300 - 7 - 20
    assert counts["statmorph_selected"] == 290
    assert counts["flagged"]["SERSIC_BAD"] == 20
    assert report["metrics"]["ellipticity"]["n_generated"] == 293
    assert report["metrics"]["sersic_n"]["n_generated"] == 273
    assert report["metrics"]["gini"]["n_generated"] == 280
    assert np.isfinite(table["sersic_n"]).all()  # the catalog keeps what the fit said
    assert np.isfinite(comparable(table, "sersic_n")).sum() == 273


def test_other_redshifts_are_matched():
    real = made_catalog(3000, 1)
    generated = made_catalog(300, 2, redshift=np.repeat([0.2, 0.5, 0.8], 100))
    report = judged(real, generated)
    assert report["matched"] is True
    counts = report["counts"]
    assert counts["real"]["compared"] == counts["generated"]["compared"] > 250
    assert counts["real"]["total"] == 3000
    assert report["metrics"]["flux"]["ks_floor"] is not None
    assert "matched" in summary(report)


def test_sets_that_share_no_redshift_give_nulls():
    real = made_catalog(300, 1, redshift=np.full(300, 0.1))
    generated = made_catalog(300, 2, redshift=np.full(300, 2.0))
    report = judged(real, generated)
    assert report["matched"] is True
    assert report["counts"]["real"]["compared"] == 0
    assert report["metrics"]["flux"]["ks"] is None
    assert "fewer than 100" in report["metrics"]["flux"]["reason"]
    assert report["brightness"]["i"]["asinh_ratio"] is None
    assert "here are 0 held-out mock and 0 generated ones." in summary(report)


def test_reference_makes_the_floor():
    real, generated = made_catalog(200, 1), made_catalog(200, 2)
    alone = judged(real, generated)["metrics"]["flux"]["ks_floor"]
    shifted = judged(real, generated, made_catalog(200, 3, shift=1.0))["metrics"]["flux"]
    assert shifted["ks_floor"] > 3 * alone
    assert judged(real, generated, made_catalog(200, 3))["metrics"]["flux"]["ks_floor"] < 2 * alone


def test_page_is_one_file(report, tmp_path):
    picture = tmp_path / "stamps.png"
    picture.write_bytes(b"not looked at")
    text = page(report, {"stamps": picture})
    assert text.startswith("<!doctype html>")
    assert "http" not in text
    assert "data:image/png;base64," in text
    assert escape(headline(report)) in text


def test_plain_values():
    made = plain(
        {"a": np.float64(np.nan), "b": np.int64(3), "c": (np.float32(0.5), np.inf), 1: None}
    )
    assert made == {"a": None, "b": 3, "c": [0.5, None], "1": None}
    assert plain(np.bool_(True)) is True


@pytest.mark.parametrize("values", [np.ones(5), np.array([-1.0, 2.0, 30.0]), np.arange(1.0, 9)])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_edges_of_a_histogram_increase(values, logarithmic):
    assert (np.diff(bin_edges(values, logarithmic)) > 0).all()


def test_histogram_of_what_was_not_measured_says_so():
    nothing = {"flux": np.full(5, np.nan)}
    figure = histograms(nothing, {"flux": np.ones(5)}, ("flux",), "i band", {})
    assert figure.axes[0].texts[0].get_text() == "not measured"


def test_a_perfect_generator_on_a_grid_of_redshifts_is_not_told_by_the_grid():
    real = made_catalog(3000, 1)
    generated = made_catalog(450, 2, redshift=np.repeat([0.1, 0.5, 1.2], 150))
    trees = judged(real, generated)["joint"]["trees"]
    assert trees["accuracy"] < trees["accuracy_floor"] + 0.05
