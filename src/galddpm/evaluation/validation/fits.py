"""Fits of stamps, ours and statmorph's, from the same detection and with the same PSF."""

import numpy as np

from galddpm.arrays import Floats
from galddpm.data.survey import MOFFAT_BETA, PIXEL_SCALE, SEEING
from galddpm.evaluation.measurement.detection import detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.psf import moffat_psf, survey_psf, widened
from galddpm.evaluation.measurement.stamp import measure_stamps
from galddpm.evaluation.measurement.statmorph_statistics import statmorph_sersic
from galddpm.evaluation.validation.simulated import BAND, NAMES


def wrong_psfs() -> dict[str, Floats]:
    """PSFs other than the one that the galaxies are drawn with, by what is wrong with them."""
    right = survey_psf(BAND)
    return {
        "5 % too wide": widened(right, 1.05),
        "5 % too narrow": widened(right, 0.95),
        "without wings": moffat_psf(SEEING[BAND] / PIXEL_SCALE, MOFFAT_BETA),
    }


def fit_ours(images: Floats, psf: Floats | None = None) -> list[dict[str, float]]:
    """The judge's row of each stamp (N, H, W), by default with the PSF that it is drawn with; NaN
    where there is no fit or it is flagged."""
    right = survey_psf(BAND) if psf is None else psf
    rows = measure_stamps(images, right, [False] * len(images))
    for row in rows:
        if row["flag_sersic"] & (Flag.SERSIC_BAD | Flag.SERSIC_POOR | Flag.UNDETECTED):
            row.update(dict.fromkeys(NAMES, np.nan))
    return [{name: row[name] for name in NAMES} for row in rows]


def fit_theirs(images: Floats) -> list[dict[str, float]]:
    """statmorph's fit of each stamp (N, H, W), and the seconds that the fit alone took."""
    rows = []
    for image in images:
        found = detect(image)
        row = dict.fromkeys((*NAMES, "seconds"), np.nan)
        if found.segment is not None and found.others is not None:
            masks = found.segment, found.others
            row = statmorph_sersic(image - found.sky, *masks, found.sky_sigma, survey_psf(BAND))
        rows.append(row)
    return rows


def warm_up(images: Floats) -> None:
    """Everything imported and compiled, so that what follows are fits."""
    fit_ours(images)
    fit_theirs(images)
