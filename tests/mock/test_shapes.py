"""Axis ratios and sizes against closed forms and published means."""

import numpy as np
import pytest

from galddpm.mock.selection import EARLY, LATE
from galddpm.mock.shapes import disc_axis_ratio, draw_size, early_axis_ratio, seen_axis_ratio
from galddpm.mock.spectra import kpc_per_arcsec


@pytest.mark.parametrize("cosine", [0.0, 0.3, 1.0])
def test_an_oblate_spheroid_follows_hubble(cosine):
    """q^2 = cos^2 + c^2 sin^2 (Hubble 1926), from any azimuth."""
    for phi in (0.0, 1.0):
        seen = seen_axis_ratio(1.0, 0.4, cosine, phi)
        assert seen == pytest.approx(np.sqrt(cosine**2 + 0.16 * (1 - cosine**2)))


def test_an_ellipsoid_along_its_axes():
    assert seen_axis_ratio(0.8, 0.5, 1.0, 0.3) == pytest.approx(0.8)  # b over a
    assert seen_axis_ratio(0.8, 0.5, 0.0, 0.0) == pytest.approx(0.5 / 0.8)  # c over b
    assert seen_axis_ratio(0.8, 0.5, 0.0, np.pi / 2) == pytest.approx(0.5)  # c over a


def test_early_types_are_as_flat_as_published():
    """Mean apparent .7 to .8 for intrinsic short axes of .66 to .69 (Vincent & Ryden 2005)."""
    rng = np.random.default_rng(0)
    q = np.array([early_axis_ratio(rng) for _ in range(4000)])
    assert q.mean() == pytest.approx(0.76, abs=0.05)
    assert (q > 0.999).mean() < 0.02
    discs = np.array([disc_axis_ratio(rng) for _ in range(4000)])
    assert np.percentile(discs, 1) > 0.1
    assert np.median(discs) == pytest.approx(0.54, abs=0.03)  # near cos(60 deg)


@pytest.mark.parametrize(("kind", "log_kpc"), [(EARLY, 0.60), (LATE, 0.86)])
def test_sizes_are_the_published_relations(kind, log_kpc):
    """At 5e10 suns and z = 0.25 (van der Wel et al. 2014), but for what calibration shifted."""
    from galddpm.mock.selection import KNOBS

    rng = np.random.default_rng(1)
    sizes = [draw_size(rng, kind, np.log10(5e10), 0.25) for _ in range(2000)]
    kpc = np.log10(np.array(sizes) * 0.168 * kpc_per_arcsec(0.25))
    assert np.median(kpc) == pytest.approx(log_kpc + KNOBS["size_shift"][kind], abs=0.02)
    assert abs(KNOBS["size_shift"][kind]) < 0.2
