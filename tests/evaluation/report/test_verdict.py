"""The verdict in words says what the numbers say, to whoever they are."""

import pytest

from galddpm.evaluation.report.verdict import (
    excess,
    headline,
    light_in_words,
    measurements_in_words,
    memory_in_words,
    redshift_in_words,
    summary,
)
from helpers.reports import made_report, metric


def learned(accuracy, reach=0.02, **more):
    interval = [accuracy - reach, accuracy + reach]
    return {"n": 1000, "accuracy": accuracy, "accuracy_interval": interval} | {
        "accuracy_floor": 0.49, **more
    }  # fmt: skip


def judged(trees, pixels):
    joint = {"energy": None, "trees": learned(trees), "frechet": None}
    images = {"pixels": learned(pixels), "unique_fraction": None, "memory": None}
    return made_report(joint=joint, images=images)


@pytest.mark.parametrize(
    ("trees", "pixels", "answer"),
    [
        (0.51, 0.89, "No, an astronomer would not be fooled: statistics of the images tell"),
        (0.87, 0.51, "No, an astronomer would not be fooled: trees on the catalog tell"),
        (0.56, 0.51, "An astronomer would often be fooled, but not always"),
        (0.51, 0.50, "An astronomer would be fooled, as far as these tests can see"),
    ],
)
def test_the_stronger_classifier_decides(trees, pixels, answer):
    said = headline(judged(trees, pixels))
    assert said.startswith(answer)
    assert "tell generated from held-out mock galaxies" in said
    assert f"in {max(trees, pixels):.0%} of cases" in said
    assert "two held-out mock samples: 49%" in said
    assert said.endswith("on 1,000 galaxies a side.")


def test_nobody_is_said_to_be_fooled_without_a_test():
    none = learned(0.5) | {"accuracy": None, "accuracy_interval": None}
    joint = {"energy": None, "trees": none, "frechet": None}
    assert headline(made_report(joint=joint)).startswith("Too few galaxies to say")
    assert "100 a side are needed" in headline(made_report())


def test_a_measurement_may_be_far_at_given_redshift_alone():
    fine = metric(0.04)
    assert excess(fine) == pytest.approx(0.5)
    ignored = fine | {"conditional_ks": 0.3, "conditional_ks_floor_95": 0.1}
    assert excess(ignored) == pytest.approx(3)
    assert excess(metric(None)) is None
    said = measurements_in_words(made_report(metrics={"flux": ignored, "snr": fine}))
    assert said.startswith("1 of 2 measurements lie as near to the held-out mock galaxies")
    assert said.endswith("flux (3.0).")


def test_every_far_measurement_is_named_the_farthest_first():
    metrics = {f"m{k}": metric(0.1 * k) for k in range(1, 7)} | {"unknown": metric(None)}
    said = measurements_in_words(made_report(metrics=metrics))
    assert said.startswith("0 of 6 measurements")
    assert "m6 (7.5), m5 (6.2), m4 (5.0), m3 (3.8), m2 (2.5), m1 (1.2)." in said
    assert "(300 to 300 galaxies)" in said
    assert "unknown" not in said


def test_the_summary_counts_what_was_found_and_matched():
    text = summary(made_report())
    assert (
        "In the i band a central source was found in 1,234 of 1,500 held-out mock"
        " and in 399 of 400 generated galaxies."
    ) in text
    assert "matched" not in text
    assert "so 300 pairs matched in log(1+z)" in summary(made_report(matched=True))


def test_the_summary_says_how_many_galaxies_a_distance_needs():
    few = {"flux": metric(None), "gini": metric(None) | {"n_real": 7, "n_generated": 9}}
    none = measurements_in_words(made_report(metrics=few))
    needed = "A distance needs 100 measured galaxies a side"
    assert none == f"{needed}; here are 1,200 held-out mock and 300 generated ones."
    some = summary(made_report(metrics=few | {"snr": metric()}))
    assert "2 more have no distance, which needs 100 measured galaxies a side." in some
    assert "no distance" not in summary(made_report())


def test_brightness_in_words():
    bands = {"g": 0.9, "r": 1.234, "i": None}
    brightness = {band: {"asinh_ratio": ratio} for band, ratio in bands.items()}
    assert light_in_words(made_report(brightness=brightness)) == (
        "Mean brightness, generated over held-out mock, is 0.90 to 1.23 by band."
    )
    assert light_in_words(made_report()) == ""


def test_redshifts_in_words():
    assert redshift_in_words(made_report()).startswith("No redshift CNN")
    poor = {"usable": False, "reason": "the CNN is poor"}
    assert (
        redshift_in_words(made_report(redshift=poor))
        == "Redshifts are not judged: the CNN is poor."
    )
    good = {"usable": True, "real": {"nmad": 0.02}, "generated": {"nmad": 0.03}, "nmad_ratio": 1.5}
    text = redshift_in_words(made_report(redshift=good))
    assert (
        "NMAD of 0.030 in generated and 0.020 in held-out mock galaxies, a ratio of 1.50." in text
    )


def test_memory_in_words():
    assert memory_in_words({}) == memory_in_words({"images": {"unique_fraction": None}}) == ""
    images = {"unique_fraction": 0.985, "memory": None}
    alone = "98.5% of the generated galaxies have no twin among themselves"
    assert memory_in_words({"images": images}) == f"{alone}."
    images["memory"] = {"copied_fraction": 0.02}
    text = memory_in_words({"images": images})
    assert text == f"{alone}; 2.0% lie suspiciously near a training galaxy (1 % is chance)."
