"""Spectra through the filters: absorption, breaks and lines, by hand."""

import numpy as np
import pytest

from galddpm.mock import spectra


def test_intergalactic_absorption_by_hand():
    z = 3.0
    between = igm(1100.0, z)  # only Lyman alpha lies redward
    assert between == pytest.approx(np.exp(-0.0036 * (1100 * 4 / 1216) ** 3.46), rel=1e-12)
    assert igm(1300.0, z) == 1.0
    lines = sum(a * (1000 * 4 / line) ** 3.46 for line, a in ((1216, 0.0036), (1026, 0.0017)))
    assert igm(1000.0, z) == pytest.approx(np.exp(-lines), rel=1e-12)
    assert igm(700.0, z) < 0.2 * igm(950.0, z)  # the Lyman continuum


def igm(rest, redshift):
    observed = np.array([rest * (1 + redshift)])
    return float(spectra.igm_transmission(observed, redshift)[0])


def test_colours_follow_the_4000_angstrom_break():
    """It leaves g for r at z = 0.38 and r for i at 0.75: first g - r reddens, then r - i."""
    flux = {z: spectra.band_fluxes(0.0, z) for z in (0.05, 0.38, 0.75)}
    red = {z: 2.5 * np.log10(f[1:] / f[:-1]) for z, f in flux.items()}  # g - r, r - i, ... [mag]
    assert red[0.38][0] - red[0.05][0] > 0.5
    assert abs(red[0.38][1] - red[0.05][1]) < 0.4
    assert red[0.75][1] - red[0.38][1] > 0.4
    blue = spectra.band_fluxes(3.0, 0.4)
    assert blue[0] / blue[1] > 2 * flux[0.38][0] / flux[0.38][1]
    dropout = spectra.band_fluxes(4.0, 3.6)
    assert dropout[0] < 0.6 * spectra.band_fluxes(4.0, 2.0)[0]
