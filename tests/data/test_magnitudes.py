"""Counts as magnitudes."""

import numpy as np
from astropy import units

import galddpm


def test_magnitudes_by_hand():
    found = galddpm.magnitudes([[1.0, 100.0, 10**0.4], [0.0, -1.0, np.nan]])
    np.testing.assert_allclose(found, [[27.0, 22.0, 26.0], [np.nan] * 3], rtol=1e-12)
    assert galddpm.magnitudes(0.01) == 32.0


def test_a_count_is_as_many_janskys_as_astropy_says():
    """The AB system: 3631 Jy at magnitude 0, 57.5 nJy at 27."""
    flux = (galddpm.magnitudes(2.0) * units.ABmag).to(units.nJy)
    np.testing.assert_allclose(flux.value, 2 * 10 ** ((31.4 - 27) / 2.5), rtol=2e-4)
