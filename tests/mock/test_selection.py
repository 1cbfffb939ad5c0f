"""Which galaxies are in the sample: the published redshifts, and no impossible luminosity."""

import numpy as np
import pytest

from galddpm.mock import check, selection
from galddpm.mock.selection import BRIGHTEST, QUASAR, choose
from galddpm.mock.spectra import dimming


def test_redshifts_follow_the_published_distribution():
    rng = np.random.default_rng(5)
    shares = selection.CUMULATIVE / selection.CUMULATIVE[-1]
    z = np.interp(rng.random(200_000), shares, selection.CUMULATIVE_Z)
    quantiles = np.percentile(z, check.PERCENT)
    np.testing.assert_allclose(quantiles, check.PUBLISHED["specz_redshift"], rtol=0.05)
    assert (z < 1.5).mean() == pytest.approx(0.929, abs=0.005)


def test_no_galaxy_is_brighter_than_any_known():
    rng = np.random.default_rng(2)
    for chosen in (choose(rng) for _ in range(2000)):
        if chosen.kind != QUASAR:
            absolute = chosen.magnitude - dimming(chosen.template, chosen.redshift)
            assert absolute >= BRIGHTEST - 1e-9
