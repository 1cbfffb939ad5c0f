"""Sersic galaxies of known truth in the survey's noise, and how well a fit finds it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from galddpm.arrays import Array, Floats, Ints
from galddpm.data.survey import PIXEL_SCALE, SEEING, SKY_SIGMA, WING_BETA
from galddpm.evaluation.measurement.psf import RADIUS as PSF_RADIUS
from galddpm.evaluation.statistics.distributions import interval

BAND = "i"
SIZE = 64  # [pix]
SNR_RANGES = ((10, 30), (30, 100), (100, 1000))
INDEX, RADIUS, AXIS_RATIO = (0.5, 6.0), (1.5, 8.0), (0.25, 1.0)  # radius: [pix], major axis
RESAMPLES = 1000
RATIO = ("ours", "statmorph", "ratio", "ratio_interval")  # of median errors
NAMES = ("sersic_n", "sersic_r_eff", "sersic_ellipticity")
RELATIVE = ("sersic_n", "sersic_r_eff")  # errors of these are shares of the truth


@dataclass(frozen=True)
class TruthSet:
    """N stamps and what was drawn on them."""

    image: Floats  # (N, H, W) [count]
    truth: dict[str, Array]  # name: (N,)
    snr_range: Ints  # (N,) index into SNR_RANGES


def draw_truth(count: int, seed: int = 0) -> TruthSet:
    """`count` galaxies in each of `SNR_RANGES`, drawn by GalSim, in white noise.

    ln n, ln r_eff and the axis ratio are uniform, and so is ln S/N within its range, where S/N =
    flux / (sky_sigma sqrt(pi (2 r_eff)^2 q + 50)).
    """
    rng = np.random.default_rng(seed)
    snr_range = np.repeat(np.arange(len(SNR_RANGES)), count)
    total = len(snr_range)
    limits = map(np.log, (INDEX, RADIUS))
    n, r_eff = (np.exp(rng.uniform(low, high, total)) for low, high in limits)
    q = rng.uniform(*AXIS_RATIO, total)
    snr = np.exp(rng.uniform(*np.log(SNR_RANGES)[snr_range].T))
    flux = snr * SKY_SIGMA[BAND] * np.sqrt(np.pi * (2 * r_eff) ** 2 * q + 50)
    angle, shift = rng.uniform(0, 180, total), rng.uniform(-0.5, 0.5, (total, 2))
    drawn = zip(n, r_eff, q, flux, angle, shift, strict=True)
    image = np.stack([draw(*galaxy) for galaxy in drawn])
    image += rng.normal(0, SKY_SIGMA[BAND], image.shape)
    truth = {"sersic_n": n, "sersic_r_eff": r_eff, "sersic_ellipticity": 1 - q}
    return TruthSet(image, truth, snr_range)


def draw(n: float, r_eff: float, q: float, flux: float, angle: float, shift: Floats) -> Floats:
    """One galaxy without noise, (H, W) [count]."""
    import galsim

    galaxy = galsim.Sersic(n, half_light_radius=r_eff * np.sqrt(q), flux=flux)
    galaxy = galaxy.shear(q=q, beta=angle * galsim.degrees).shift(*shift)
    fwhm = SEEING[BAND] / PIXEL_SCALE
    psf = galsim.Moffat(WING_BETA[BAND], fwhm=fwhm, trunc=PSF_RADIUS * fwhm)
    seen = galsim.Convolve(galaxy, psf)
    stamp: Floats = seen.drawImage(nx=SIZE, ny=SIZE, scale=1).array.astype(np.float64)
    return stamp


def errors(truth: Mapping[str, Any], measured: Mapping[str, Any], name: str) -> Floats:
    """Absolute errors (N,), of index and radius as shares of the truth."""
    error: Floats = np.abs(measured[name] - truth[name])
    return error / truth[name] if name in RELATIVE else error


def compare_fits(
    found: TruthSet, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Shares without a fit, and ratios of median errors on the stamps that both have fitted.

    ours, theirs: columns (N,) that are NaN where there is no fit. Where no stamp has both, the
    numbers are None.
    """
    rng = np.random.default_rng(0)
    fitted = {
        side: np.isfinite(values["sersic_n"])
        for side, values in (("ours", ours), ("statmorph", theirs))
    }
    rows = []
    for index, (low, high) in enumerate(SNR_RANGES):
        inside = found.snr_range == index
        both = np.flatnonzero(inside & fitted["ours"] & fitted["statmorph"])
        row: dict[str, Any] = {
            "snr": [low, high],
            "stamps": int(inside.sum()),
            "compared": len(both),
        }
        row["without_fit"] = {side: 1 - fit[inside].mean() for side, fit in fitted.items()}
        for name in NAMES:
            pair = np.stack([errors(found.truth, side, name)[both] for side in (ours, theirs)])
            row[name] = ratio_of_medians(pair, rng) if len(both) else dict.fromkeys(RATIO)
        rows.append(row)
    return rows


def recovery(found: TruthSet, measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each of `SNR_RANGES` the median of measured over true index and radius, and of measured
    less true ellipticity; None where nothing is fitted. measured: columns (N,), NaN without fit."""
    rows: list[dict[str, Any]] = []
    for index, (low, high) in enumerate(SNR_RANGES):
        inside = (found.snr_range == index) & np.isfinite(measured["sersic_n"])
        row: dict[str, Any] = {"snr": [low, high], "fitted": int(inside.sum())}
        for name in NAMES:
            truth, values = found.truth[name][inside], measured[name][inside]
            change = values / truth if name in RELATIVE else values - truth
            row[name] = float(np.median(change)) if len(change) else None
        rows.append(row)
    return rows


def ratio_of_medians(pair: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Median errors of both fits, (2, n), and their ratio with its bootstrap interval."""
    drawn = rng.integers(pair.shape[1], size=(RESAMPLES, pair.shape[1]))
    ratios = np.divide(*np.median(pair[:, drawn], axis=2))
    ours, theirs = np.median(pair, axis=1)
    return dict(zip(RATIO, (ours, theirs, ours / theirs, interval(ratios)), strict=True))
