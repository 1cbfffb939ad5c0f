"""The Sersic fit recovers GalSim's truth; statmorph's failures become NaN with a flag."""

import warnings

import numpy as np
import pytest
import statmorph

from galddpm.evaluation.detection import detect
from galddpm.evaluation.flags import Flag
from galddpm.evaluation.measurement import measure_stamp
from galddpm.evaluation.psf import survey_psf
from galddpm.evaluation.statmorph_fit import COLUMNS, STATISTICS, sersic_flag, statmorph_fit
from test_detection import blob, noise
from test_morphology import sersic

PSF = survey_psf("i")


def fit(image):
    found = detect(image)
    return statmorph_fit(image - found.sky, found.segment, found.others, found.sky_sigma, PSF)


# Tolerances on the median of 4 galaxies. statmorph samples its model at pixel centres, so that a
# steep core comes out too small: allowed for at n = 4, and only there.
@pytest.mark.parametrize(
    ("magnitude", "n", "n_tolerance", "size_range"),
    [
        (19, 1, 0.03, (0.97, 1.03)),
        (21, 1, 0.08, (0.96, 1.04)),
        (22.5, 1, 0.20, (0.90, 1.10)),
        (20, 2.5, 0.15, (0.86, 1.04)),
        (20, 4, 0.35, (0.65, 1.10)),
    ],
)
def test_fit_recovers_the_truth(magnitude, n, n_tolerance, size_range):
    fits = [fit(sersic(magnitude, n, 5, 0.6, 40 * seed, seed))[0] for seed in range(4)]
    index, size, ellipticity = (
        np.median([one[name] for one in fits])
        for name in ("sersic_n", "sersic_r_eff", "sersic_ellipticity")
    )
    assert index == pytest.approx(n, rel=n_tolerance)
    assert size_range[0] < size / 5 < size_range[1]  # along the major axis
    assert ellipticity == pytest.approx(0.4, abs=0.04)


def test_left_out_statistics_change_no_other():
    image = sersic(20, 1, 5, 0.6, 40, 1)
    found = detect(image)
    whole = statmorph.SourceMorphology(
        image - found.sky,
        found.segment.astype(int),
        1,
        mask=found.others,
        weightmap=np.full(image.shape, found.sky_sigma),
        psf=PSF,
    )
    values, flag, flag_sersic = fit(image)
    assert (flag, flag_sersic) == (Flag(0), Flag(0))
    for ours, theirs in (STATISTICS | {"sersic_n": "sersic_n"}).items():
        assert values[ours] == getattr(whole, theirs)


def test_inputs_are_left_as_they_are():
    image = sersic(21, 1, 4, 0.8, 0, 2)
    found = detect(image)
    sky_subtracted = image - found.sky
    copies = [array.copy() for array in (sky_subtracted, found.segment, found.others, PSF)]
    first = statmorph_fit(sky_subtracted, found.segment, found.others, found.sky_sigma, PSF)
    fit(sersic(19, 4, 8, 0.5, 0, 3))
    again = statmorph_fit(sky_subtracted, found.segment, found.others, found.sky_sigma, PSF)
    assert first == again  # nothing of another source is remembered
    for array, copy in zip((sky_subtracted, found.segment, found.others, PSF), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("case", ["negative", "stripe", "everything"])
def test_odd_sources_give_no_warning_and_no_sentinel(case):
    segment = np.zeros((64, 64), dtype=bool)
    image = {"negative": -blob(), "stripe": noise(), "everything": blob(width=40)}[case] + noise(1)
    segment[slice(None) if case == "everything" else slice(30, 31)] = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, flag, flag_sersic = statmorph_fit(image, segment, ~(segment | True), 0.076, PSF)
    assert set(values) == set(COLUMNS)
    assert -99.0 not in values.values()
    assert flag or flag_sersic or np.isfinite(list(values.values())).all()


def test_failure_is_flagged():
    segment = np.zeros((64, 64), dtype=bool)
    segment[30:33, 30:33] = True
    values, flag, flag_sersic = statmorph_fit(-blob(), segment, ~(segment | True), 0.076, PSF)
    assert np.isnan(list(values.values())).all()
    assert flag == flag_sersic == Flag.STATMORPH_FAILED


def test_flags_of_the_fit():
    good = {"sersic_n": 1.0, "sersic_r_eff": 5.0}
    assert sersic_flag(0, good, (64, 64)) == Flag(0)
    assert sersic_flag(1, good, (64, 64)) == Flag.SERSIC_SUSPECT
    assert sersic_flag(2, good, (64, 64)) == Flag.SERSIC_BAD
    assert sersic_flag(0, good | {"sersic_n": 25.0}, (64, 64)) == Flag.SERSIC_BAD
    assert sersic_flag(0, good | {"sersic_r_eff": 80.0}, (64, 64)) == Flag.SERSIC_BAD
    assert sersic_flag(0, good | {"sersic_n": np.nan}, (64, 64)) == Flag.SERSIC_BAD


def test_row_with_a_psf_holds_the_fit():
    row = measure_stamp(sersic(20, 1, 5, 0.6, 40, 1), PSF)
    assert row["sersic_n"] == pytest.approx(1, rel=0.1)
    assert row["flag_sersic"] == 0
    assert not row["flag"] & Flag.NOT_SELECTED


def test_undetected_row_with_a_psf_says_why_there_is_no_fit():
    row = measure_stamp(noise(), PSF)
    assert row["flag_sersic"] == Flag.UNDETECTED
