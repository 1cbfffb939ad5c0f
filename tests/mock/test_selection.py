"""Which galaxies are in the sample: the published redshifts, and no impossible luminosity."""

import numpy as np
import pytest

from galddpm.mock import check, selection
from galddpm.mock.morphology import build
from galddpm.mock.selection import BRIGHTEST, EARLY, QUASAR, QUASAR_TEMPLATE, Chosen, choose
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


@pytest.mark.parametrize(("kind", "template"), [(QUASAR, QUASAR_TEMPLATE), (EARLY, 0.2)])
def test_every_part_of_a_galaxy_gives_light_however_bright_it_is(kind, template):
    """A merger may be as bright as the brightest galaxy, and no part of it darker than nothing."""
    rng = np.random.default_rng(4)
    for k in range(600):
        redshift = float(rng.uniform(0.1, 2.5))
        magnitude = (
            BRIGHTEST + dimming(0.2, redshift) + (k % 3 - 1.5 if kind == QUASAR else k % 2 * 0.1)
        )
        galaxy = build(rng, Chosen(redshift, kind, template, magnitude), np.zeros(2))
        parts = [*galaxy.profiles, *galaxy.knots]
        assert min(np.min(part.flux) for part in parts) > 0
        assert galaxy.flux[2] > 0
