"""One stamp in, one catalog row out: which measurements there are, and in which order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galddpm.arrays import Bools, Floats
from galddpm.evaluation.measurement.detection import Detection, detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.morphology import (
    Ellipse,
    isophotal_area,
    kron_aperture,
    kron_scale,
    light_at_edge,
    light_radius,
    moments,
    without_neighbours,
)
from galddpm.evaluation.measurement.noise import (
    level_variance,
    neighbour_correlation,
    variance_of_sum,
)
from galddpm.evaluation.measurement.sersic_columns import SERSIC, sersic_columns
from galddpm.evaluation.measurement.statmorph_statistics import STATISTICS, statmorph_statistics
from galddpm.evaluation.measurement.structure import STRUCTURE, structure

NUMBERS = {  # column: (unit, what it is); NaN where it could not be measured
    "x": ("pix", "centroid, from 0 at the centre of the first pixel"),
    "y": ("pix", "centroid, from 0 at the centre of the first pixel"),
    "flux": ("ct", "Kron flux at zero point 27"),
    "flux_error": ("ct", "from the noise in the aperture, in the sky's level and in the radius"),
    "snr": ("", "Kron flux over its error"),
    "sky_sigma": ("ct", "rms of a sky pixel"),
    "sky_correlation": ("", "of neighbouring sky pixels"),
    "ellipticity": ("", "1 - b/a of the rms axes"),
    "semimajor_axis": ("pix", "rms axis over the isophotal segment"),
    "semiminor_axis": ("pix", "rms axis over the isophotal segment"),
    "orientation": ("deg", "of the major axis, from x towards y"),
    "isophotal_area": ("pix2", "pixels of the segment above 1.5 sky rms"),
    "kron_scale": ("", "half-axes of the Kron aperture over the rms axes"),
    "half_light_radius": ("pix", "circle with half of the Kron flux"),
    "sersic_n": ("", "index of the PSF-convolved Sersic model"),
    "sersic_n_error": ("", "from the sky's noise"),
    "sersic_r_eff": ("pix", "half-light radius of the model, along the major axis"),
    "sersic_r_eff_error": ("pix", "from the sky's noise"),
    "sersic_ellipticity": ("", "1 - b/a of the model"),
    "sersic_ellipticity_error": ("", "from the sky's noise"),
    "sersic_chi2": ("", "chi^2 of the model per degree of freedom"),
    "gini": ("", "Gini coefficient"),
    "m20": ("", "second moment of the brightest fifth of the light"),
    "concentration": ("", "5 log10(r80/r20)"),
    "asymmetry": ("", "under a turn by 180 degrees, less that of the sky"),
    "smoothness": ("", "light in clumps, less that of the sky"),
    "isophotal_asymmetry": ("", "of the isophote at 3 sky rms, under a turn by 180 degrees"),
    "substructure": ("", "light in clumps that stand clear of the noise"),
    **{f"statmorph_{name}": ("", f"{name} as statmorph measures it") for name in STATISTICS},
    "z_phot": ("", "redshift estimated from the image"),
    "z_phot_error": ("", "of z_phot; 68.3 % of the truths lie within"),
}
FLAGS = {
    "flag": "bits of galddpm.evaluation.measurement.flags",
    "flag_sersic": "bits about the Sersic fit",
}
PAPER = ("ellipticity", "semimajor_axis", "sersic_n", "isophotal_area")  # what the paper compares
STATUS = "status"  # ok, undetected, edge or bad_pixels
NOTHING_MEASURED = Flag.UNDETECTED | Flag.BAD_PIXELS

Row = dict[str, Any]  # column: a number, or the text of `STATUS`


def measure_stamps(images: Floats, psf: Floats, selected: Sequence[bool] | Bools) -> list[Row]:
    """The catalog rows of stamps, (N, H, W) [count], in one band with the PSF `psf`, (k, l), or
    (N, k, l) for one a stamp.

    selected: (N,), for which of them statmorph's statistics are wanted; they are NaN elsewhere.
    """
    return measure_found(images, [detect(image) for image in images], psf, selected)


def measure_found(
    images: Floats, found: Sequence[Detection], psf: Floats, selected: Sequence[bool] | Bools
) -> list[Row]:
    """The same for sources that were detected before."""
    rows = [measure_detected(*stamp) for stamp in zip(images, found, selected, strict=True)]
    for row, fit in zip(rows, sersic_columns(images, found, rows, psf), strict=True):
        row.update(fit)
    return rows


def measure_detected(image: Floats, found: Detection, statmorph: bool = False) -> Row:
    """The row of a stamp without its Sersic fit; statmorph: whether with its columns."""
    row: Row = dict.fromkeys(NUMBERS, np.nan)
    row |= {STATUS: found.status, "sky_sigma": found.sky_sigma}
    if found.correlation is not None:
        row["sky_correlation"] = neighbour_correlation(found.correlation)
    flag = found.flag | Flag.NO_REDSHIFT | (Flag(0) if statmorph else Flag.NOT_SELECTED)
    if found.segment is not None:
        values, bits = measure_source(image - found.sky, found)
        row, flag = row | values, flag | bits
        if statmorph and found.others is not None:
            values, bits = statmorph_statistics(
                image - found.sky, found.segment, found.others, found.sky_sigma
            )
            row |= {f"statmorph_{name}": value for name, value in values.items()}
            flag |= bits
    return row | {"flag": int(flag), "flag_sersic": int(found.flag & NOTHING_MEASURED)}


def measure_source(image: Floats, found: Detection) -> tuple[dict[str, float], Flag]:
    """Position, shape, size and light of a detected source on the sky-subtracted image."""
    assert found.segment is not None  # it was detected
    assert found.others is not None
    ellipse = moments(image, found.segment)
    clean = without_neighbours(image, found.others, ellipse)
    light, flag = measure_light(clean, ellipse, found)
    form = structure(clean, found, ellipse)
    if not form:
        flag |= Flag.STRUCTURE_FAILED
    return light | form | {
        "x": ellipse.x,
        "y": ellipse.y,
        "semimajor_axis": ellipse.semimajor_axis,
        "semiminor_axis": ellipse.semiminor_axis,
        "ellipticity": ellipse.ellipticity,
        "orientation": np.degrees(ellipse.orientation),
        "isophotal_area": isophotal_area(found.segment),
    }, flag


def measure_light(
    clean: Floats, ellipse: Ellipse, found: Detection
) -> tuple[dict[str, float], Flag]:
    """Kron flux, its error and the half-light radius."""
    scale, slope = kron_scale(clean, ellipse)
    if np.isnan(scale):
        return {}, Flag.KRON_FAILED
    aperture = kron_aperture(clean.shape, ellipse, scale)
    flux, area = (clean * aperture).sum(), aperture.sum()
    if flux <= 0:
        return {}, Flag.KRON_FAILED
    whole = np.pi * scale**2 * ellipse.semimajor_axis * ellipse.semiminor_axis  # [pix^2]
    flag = Flag.KRON_CUT if whole > area * (1 + 1e-6) else Flag(0)
    radius = light_radius(clean, ellipse, flux / 2, scale * ellipse.semimajor_axis)
    if np.isnan(radius):
        flag |= Flag.HALF_LIGHT_FAILED
    error = sum_error(aperture + light_at_edge(clean, ellipse, scale) * slope, found)
    return {
        "flux": flux,
        "flux_error": error,
        "snr": flux / error,
        "kron_scale": scale,
        "half_light_radius": radius,
    }, flag


def sum_error(weights: Floats, found: Detection) -> float:
    """Standard deviation [count] of a sum of weighted pixels, (H, W), from the sky's noise in them
    and from that in the level that was taken off all of them."""
    assert found.correlation is not None  # as of every detected source
    assert found.free is not None
    level = level_variance(found.correlation, found.free.sum())
    variance = variance_of_sum(weights, found.correlation) + level * weights.sum() ** 2
    return float(found.sky_sigma * np.sqrt(variance))


def matched_fluxes(stamp: Floats, found: Detection, row: Mapping[str, Any]) -> Floats:
    """Flux [count] of each band of a stamp, (C, H, W), in one and the same Kron aperture, (C,).

    found, row: of the band that the aperture is from. The sky is the median, in each band, of the
    pixels that the sky was measured on. NaN where there is no aperture.
    """
    scale = row["kron_scale"]
    if not np.isfinite(scale):
        return np.full(len(stamp), np.nan)
    axes = row["semimajor_axis"], row["semiminor_axis"]
    ellipse = Ellipse(row["x"], row["y"], *axes, np.radians(row["orientation"]))
    aperture = kron_aperture(stamp.shape[1:], ellipse, scale)
    assert found.free is not None  # it was measured
    assert found.others is not None
    free = found.free if found.free.any() else ~found.others
    return np.array(
        [
            (
                without_neighbours(band - np.median(band[free]), found.others, ellipse) * aperture
            ).sum()
            for band in stamp
        ]
    )


COMPARED = (  # what two catalogs are compared in
    "ellipticity",
    "semimajor_axis",
    "semiminor_axis",
    "isophotal_area",
    "half_light_radius",
    "flux",
    "snr",
    "sky_sigma",
    "sky_correlation",
    *SERSIC,
    "sersic_chi2",
    *STRUCTURE,
)
