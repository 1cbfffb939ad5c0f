"""Parting segments: by hand, and against SExtractor's own code in sep."""

import numpy as np
import pytest
import sep
from test_detection import SIGMA, blob, noise

from galddpm.evaluation.measurement.deblending import CONTRAST, parted
from galddpm.evaluation.measurement.detection import KERNEL, PIXELS, detect, find_sources, smoothed

WHOLE = np.ones((64, 64), dtype=bool)


def test_one_peak_is_one_source():
    image = blob(width=5)
    segment = image > 0.1
    np.testing.assert_array_equal(parted(image, segment, PIXELS), segment)


def test_two_peaks_are_parted_between_them():
    image = blob(24, 31.5) + blob(38, 31.5)
    segment = image > 0.1
    sources = parted(image, segment, PIXELS)
    assert set(np.unique(sources)) == {0, 1, 2}
    assert sources[31, 24] != sources[31, 38]
    left = sources[:, :31][segment[:, :31]]
    assert (left == sources[31, 24]).all()


@pytest.mark.parametrize(("share", "count"), [(0.2 * CONTRAST, 1), (10 * CONTRAST, 2)])
def test_a_branch_counts_from_the_data_sets_own_contrast_on(share, count):
    bright, faint = blob(width=4, peak=100), blob(44, 31.5, width=1.5, peak=1)
    faint *= share * bright.sum() / faint.sum()
    image = bright + faint
    assert parted(image, image > 1e-2, PIXELS).max() == count


def test_a_faint_knot_that_the_data_set_does_not_part_stays():
    """Of 0.3 % of the light: above photutils' own contrast of 0.1 %."""
    bright, knot = blob(width=5, peak=60), blob(45, 31.5, width=1.2)
    knot *= 0.003 * bright.sum() / knot.sum()
    found = detect(bright + knot + noise())
    assert found.segment[31, 45]


def test_sources_are_those_of_sextractor():
    """The number of sources of crowded stamps; not cleaned, as ours are not."""
    same = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image = noise(seed) + blob(width=4, peak=8)
        for x, y in rng.uniform(18, 46, (4, 2)):
            image += blob(x, y, width=rng.uniform(1.5, 3), peak=rng.uniform(0.5, 6))
        smooth = smoothed(image, WHOLE)
        ours = 0
        parents = find_sources(smooth, 1.5 * SIGMA, WHOLE)
        for label in range(1, parents.max() + 1):
            ours += parted(smooth, parents == label, PIXELS).max()
        options = {"filter_type": "conv", "deblend_nthresh": 32, "deblend_cont": CONTRAST}
        theirs = sep.extract(
            image, 1.5 * SIGMA, minarea=PIXELS, filter_kernel=KERNEL, clean=False, **options
        )
        same += ours == len(theirs)
    assert same >= 14
