"""How good estimated redshifts are, in the terms of Tanaka et al. 2018 and of GalaxiesML's authors.

dz = (z_p - z_s) / (1 + z_s) throughout, except for the catastrophic fraction, which is not divided.
"""

import numpy as np
from astropy.stats import biweight_location, biweight_midvariance
from scipy.special import erf

from galddpm.arrays import Floats

HSC_GAMMA = 0.15  # of the loss, Tanaka et al. 2018 (arXiv:1704.05988), Eq. 1
OUTLIER = 0.15  # |dz|
CATASTROPHIC = 1.0  # |z_p - z_s|
NORMAL_MAD = 0.67449  # of a normal distribution with standard deviation 1
BIWEIGHTS = 2.0  # robust standard deviations that an outlier is away
CRPS_GRID = np.arange(0, 4.01, 0.02)


def redshift_metrics(
    *, estimated: Floats, true: Floats, error: Floats | None = None
) -> dict[str, float | int | None]:
    """Every metric of N estimates; all None but `n` where there are none.

    estimated, true: (N,) redshifts; rows with an estimate that is not finite are left out. error:
    (N,) standard deviations of the estimates, for `crps` and for `covered`, the share of truths
    within one of them. Raises ValueError where the lengths differ.
    """
    if len(estimated) != len(true):
        raise ValueError(f"found {len(estimated)} estimates of {len(true)} redshifts")
    known = np.isfinite(estimated)
    z_p, z_s = estimated[known], true[known]
    if not len(z_p):
        return dict.fromkeys(NAMES) | {"n": 0}
    dz = scaled_error(estimated=z_p, true=z_s)
    location, scale = biweight_location(dz), np.sqrt(biweight_midvariance(dz))
    metrics = {
        "n": len(dz),
        "bias": np.median(dz),
        "bias_biweight": location,
        "nmad": nmad(dz),
        "scatter_biweight": scale,
        "outlier_fraction": np.mean(np.abs(dz) > OUTLIER),
        "outlier_fraction_biweight": np.mean(np.abs(dz - location) > BIWEIGHTS * scale),
        "catastrophic_fraction": np.mean(np.abs(z_p - z_s) > CATASTROPHIC),
        "loss": hsc_loss(dz).mean(),
        "rms": np.sqrt(np.mean(dz**2)),
        "crps": None,
        "covered": None,
    }
    if error is not None:
        sigma = error[known]
        metrics["crps"] = crps(estimated=z_p, error=sigma, true=z_s).mean()
        metrics["covered"] = np.mean(np.abs(z_p - z_s) <= sigma)
    return metrics


NAMES = (
    "n",
    "bias",
    "bias_biweight",
    "nmad",
    "scatter_biweight",
    "outlier_fraction",
    "outlier_fraction_biweight",
    "catastrophic_fraction",
    "loss",
    "rms",
    "crps",
    "covered",
)


def scaled_error(*, estimated: Floats, true: Floats) -> Floats:
    """dz = (z_p - z_s) / (1 + z_s), (N,)."""
    return (estimated - true) / (1 + true)


def nmad(dz: Floats) -> float:
    """Median absolute deviation from the median, as the standard deviation of a normal."""
    return float(np.median(np.abs(dz - np.median(dz))) / NORMAL_MAD)


def hsc_loss(dz: Floats) -> Floats:
    """1 - 1 / (1 + (dz / gamma)^2), (N,): 0 where right, 1 far away."""
    return 1 - 1 / (1 + (dz / HSC_GAMMA) ** 2)


def crps(*, estimated: Floats, error: Floats, true: Floats) -> Floats:
    """Continuous ranked probability score of normal estimates on redshifts 0 to 4, (N,).

    The integral of (CDF(z) - [z >= z_s])^2, in steps of 0.02.
    """
    grid = CRPS_GRID[None, :]
    cdf = (1 + erf((grid - estimated[:, None]) / (np.sqrt(2) * error[:, None]))) / 2
    square = (cdf - (grid >= true[:, None])) ** 2
    score: Floats = np.trapezoid(square, CRPS_GRID, axis=1)
    return score


def constant_nmad(true: Floats) -> float:
    """The least NMAD of one guess for all, which an estimator has to beat: as the median is taken
    off, it grows as 1 + the guess, and is least at the lowest of the redshifts."""
    return (1 + float(true.min())) * nmad(1 / (1 + true))
