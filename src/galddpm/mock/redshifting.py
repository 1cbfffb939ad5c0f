"""Galaxies as they would look from farther away, were they to stay as they are.

A galaxy moved to another redshift is dimmer by distance, smaller by angle, and seen in each band at
other wavelengths of its spectrum. What a catalog or a model shows beyond that is evolution, or
selection; without this control the two are mistaken for each other (arXiv:2511.09644).
"""

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from galddpm.arrays import Floats
from galddpm.data.survey import BANDS, PIXEL_SCALE, SEEING
from galddpm.mock.spectra import band_fluxes, dimming, kpc_per_arcsec

FWHM_IN_SIGMA = 2.3548


def redshifted(light: Floats, template: float, redshift: float, to: float) -> Floats:
    """Light (5, H, W) [count], without noise, of a galaxy of a redshift as seen at a farther one.

    template: of its spectrum, a place in `spectra.TEMPLATES`, as the mock's truth has it. The whole
    stamp moves, neighbours and all, and what was outside it is dark. Its PSF shrinks with it and is
    brought back to the survey's by a Gaussian. Raises ValueError where `to` is nearer by angle.
    """
    shrink = kpc_per_arcsec(redshift) / kpc_per_arcsec(to)
    if shrink > 1:
        raise ValueError(f"redshifted: {to:g} is nearer by angle than {redshift:g}")
    fainter = 10 ** (-0.4 * (dimming(template, to) - dimming(template, redshift)))
    bands = fainter * band_fluxes(template, to) / band_fluxes(template, redshift)
    middle = np.array(light.shape[1:]) // 2  # where the galaxy is
    lost = (
        np.sqrt(1 - shrink**2)
        * np.array([SEEING[band] for band in BANDS])
        / FWHM_IN_SIGMA
        / PIXEL_SCALE
    )
    moved = [
        gaussian_filter(affine_transform(plane, [1 / shrink] * 2, middle - middle / shrink), sigma)
        for plane, sigma in zip(light.astype(np.float64), lost, strict=True)
    ]
    factors = bands / shrink**2  # a pixel holds more of a smaller galaxy
    seen: Floats = (factors[:, None, None] * np.stack(moved)).astype(np.float32)
    return seen
