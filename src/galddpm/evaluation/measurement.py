"""One stamp in, one catalogue row out: which measurements there are, and in which order."""

import numpy as np

from galddpm.evaluation.detection import Detection, detect
from galddpm.evaluation.flags import Flag
from galddpm.evaluation.morphology import (
    Ellipse,
    half_light_radius,
    isophotal_area,
    kron_aperture,
    kron_scale,
    moments,
    without_neighbours,
)
from galddpm.evaluation.statmorph_fit import COLUMNS as STATMORPH_COLUMNS
from galddpm.evaluation.statmorph_fit import statmorph_fit

NUMBERS = {  # column: (unit, what it is); NaN where it could not be measured
    "x": ("pix", "centroid, from 0 at the centre of the first pixel"),
    "y": ("pix", "centroid, from 0 at the centre of the first pixel"),
    "flux": ("ct", "Kron flux at zero point 27"),
    "snr": ("", "Kron flux over its error from the sky's noise"),
    "sky_sigma": ("ct", "rms of a sky pixel"),
    "ellipticity": ("", "1 - b/a of the rms axes"),
    "semimajor_axis": ("pix", "rms axis over the isophotal segment"),
    "semiminor_axis": ("pix", "rms axis over the isophotal segment"),
    "orientation": ("deg", "of the major axis, from x towards y"),
    "isophotal_area": ("pix2", "pixels of the segment above 1.5 sky rms"),
    "half_light_radius": ("pix", "circle with half of the Kron flux"),
    "sersic_n": ("", "index of the PSF-convolved Sersic model"),
    "sersic_r_eff": ("pix", "half-light radius of the model, along the major axis"),
    "sersic_ellipticity": ("", "1 - b/a of the model"),
    "gini": ("", "Gini coefficient"),
    "m20": ("", "second moment of the brightest fifth of the light"),
    "concentration": ("", "5 log10(r80/r20)"),
    "asymmetry": ("", "under a turn by 180 degrees, less that of the sky"),
    "z_phot": ("", "redshift estimated from the image"),
}
FLAGS = {
    "flag": "bits of galddpm.evaluation.flags",
    "flag_sersic": "bits about the Sersic fit",
}
STATUS = "status"  # ok, undetected, edge or bad_pixels
NOTHING_MEASURED = Flag.UNDETECTED | Flag.BAD_PIXELS


def measure_stamp(image: np.ndarray, psf: np.ndarray | None) -> dict[str, float | int | str]:
    """The catalogue row of a stamp, (H, W) [count]; without a PSF statmorph's columns stay NaN."""
    found = detect(image)
    row = dict.fromkeys(NUMBERS, np.nan) | {STATUS: found.status, "sky_sigma": found.sky_sigma}
    flag, flag_sersic = found.flag | Flag.NO_REDSHIFT, found.flag & NOTHING_MEASURED
    if found.segment is not None:
        values, bits = measure_source(image - found.sky, found)
        row, flag = row | values, flag | bits
    if psf is None:
        flag, flag_sersic = flag | Flag.NOT_SELECTED, flag_sersic | Flag.NOT_SELECTED
    elif found.segment is not None:
        values, bits, flag_sersic = statmorph_fit(
            image - found.sky, found.segment, found.others, found.sky_sigma, psf
        )
        row, flag = row | values, flag | bits
    return row | {"flag": int(flag), "flag_sersic": int(flag_sersic)}


def measure_source(image: np.ndarray, found: Detection) -> tuple[dict[str, float], Flag]:
    """Position, shape, size and light of a detected source on the sky-subtracted image."""
    ellipse = moments(image, found.segment)
    clean = without_neighbours(image, found.others, ellipse)
    light, flag = measure_light(clean, ellipse, found.sky_sigma)
    return light | {
        "x": ellipse.x,
        "y": ellipse.y,
        "semimajor_axis": ellipse.semimajor_axis,
        "semiminor_axis": ellipse.semiminor_axis,
        "ellipticity": ellipse.ellipticity,
        "orientation": np.degrees(ellipse.orientation),
        "isophotal_area": isophotal_area(found.segment),
    }, flag


def measure_light(
    clean: np.ndarray, ellipse: Ellipse, sky_sigma: float
) -> tuple[dict[str, float], Flag]:
    """Kron flux, its signal-to-noise ratio and the half-light radius."""
    scale = kron_scale(clean, ellipse)
    if np.isnan(scale):
        return {}, Flag.KRON_FAILED
    aperture = kron_aperture(clean.shape, ellipse, scale)
    flux, area = (clean * aperture).sum(), aperture.sum()
    if flux <= 0:
        return {}, Flag.KRON_FAILED
    whole = np.pi * scale**2 * ellipse.semimajor_axis * ellipse.semiminor_axis  # [pix^2]
    flag = Flag.KRON_CUT if whole > area * (1 + 1e-6) else Flag(0)
    radius = half_light_radius(clean, ellipse, flux, scale * ellipse.semimajor_axis)
    if np.isnan(radius):
        flag |= Flag.HALF_LIGHT_FAILED
    snr = flux / (sky_sigma * np.sqrt(area))
    return {"flux": flux, "snr": snr, "half_light_radius": radius}, flag


COMPARED = (  # what two catalogues are compared in
    "ellipticity",
    "semimajor_axis",
    "semiminor_axis",
    "isophotal_area",
    "half_light_radius",
    "flux",
    "snr",
    "sky_sigma",
    *STATMORPH_COLUMNS,
)
