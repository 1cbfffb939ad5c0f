"""Redshift metrics against a table worked by hand, closed forms, and astropy."""

import numpy as np
import pytest

from galddpm.evaluation.photoz.metrics import (
    constant_nmad,
    crps,
    hsc_loss,
    nmad,
    redshift_metrics,
)

# z_s   z_p   dz      worked by hand: dz = (z_p - z_s) / (1 + z_s)
# 0.0   0.00  0.00
# 0.5   0.53  0.02
# 1.0   0.92  -0.04
# 1.0   1.30  0.15    not above 0.15: no outlier
# 3.0   1.80  -0.30   an outlier, and 1.2 away: catastrophic
TRUE = np.array([0.0, 0.5, 1.0, 1.0, 3.0])
ESTIMATED = np.array([0.0, 0.53, 0.92, 1.2999, 1.8])


def test_five_rows_by_hand():
    found = redshift_metrics(estimated=ESTIMATED, true=TRUE)
    assert found["n"] == 5
    assert found["bias"] == 0.0
    assert found["nmad"] == pytest.approx(0.04 / 0.67449)  # deviations 0, .02, .04, .15, .30
    assert found["outlier_fraction"] == 0.2
    assert found["catastrophic_fraction"] == 0.2
    # (dz/0.15)^2 = 0, .01778, .07111, 1, 4
    by_hand = (0 + 0.01778 / 1.01778 + 0.07111 / 1.07111 + 0.5 + 0.8) / 5
    assert found["loss"] == pytest.approx(by_hand, abs=1e-4)
    assert found["rms"] == pytest.approx(np.sqrt((0.0004 + 0.0016 + 0.0225 + 0.09) / 5), abs=1e-4)
    assert found["crps"] is None


def test_estimates_that_are_missing_are_left_out():
    estimated = np.append(ESTIMATED, np.nan)
    found = redshift_metrics(estimated=estimated, true=np.append(TRUE, 0.7))
    assert found == redshift_metrics(estimated=ESTIMATED, true=TRUE)
    assert redshift_metrics(estimated=np.full(3, np.nan), true=np.ones(3))["nmad"] is None
    with pytest.raises(ValueError, match="2 estimates of 3"):
        redshift_metrics(estimated=np.ones(2), true=np.ones(3))


def test_nmad_and_biweights_of_a_normal_sample():
    dz = np.random.default_rng(0).normal(0.02, 0.05, 200_000)
    assert nmad(dz) == pytest.approx(0.05, rel=0.01)
    found = redshift_metrics(estimated=1 + 2 * dz, true=np.ones(len(dz)))
    assert found["scatter_biweight"] == pytest.approx(0.05, rel=0.02)
    assert found["bias_biweight"] == pytest.approx(0.02, rel=0.02)
    assert found["outlier_fraction_biweight"] == pytest.approx(0.0455, rel=0.1)


def test_loss_is_half_at_gamma():
    assert hsc_loss(np.array([0.0, 0.15, -0.15, 1e6])) == pytest.approx([0, 0.5, 0.5, 1])


def test_crps_of_a_normal_estimate():
    # closed form where the estimate is right: sigma (sqrt 2 - 1) / sqrt pi
    found = crps(estimated=np.array([2.0]), error=np.array([0.2]), true=np.array([2.0]))
    assert found == pytest.approx(0.2 * (np.sqrt(2) - 1) / np.sqrt(np.pi), rel=0.02)
    # a sharp wrong estimate: its distance
    found = crps(estimated=np.array([1.0]), error=np.array([1e-6]), true=np.array([2.5]))
    assert found == pytest.approx(1.5, rel=0.02)


def test_constant_is_beaten_by_knowledge():
    true = np.random.default_rng(1).uniform(0, 2, 2000)
    assert constant_nmad(true) > 10 * nmad(np.random.default_rng(2).normal(0, 0.01, 2000))
    # no constant prediction is better than the least of a fine grid
    grid = [nmad((z - true) / (1 + true)) for z in np.linspace(true.min(), true.max(), 400)]
    assert constant_nmad(true) == pytest.approx(min(grid), rel=1e-9)
