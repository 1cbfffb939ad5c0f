"""The Sersic index of a light profile, as the published column has it.

SExtractor fits a spheroid convolved with the PSF that it was given. The published indices are low:
a PSF narrower than the real one, of ASSUMED_FWHM, brings the mock's to their distribution.
"""

from functools import lru_cache

import numpy as np
import scipy.fft

from galddpm.arrays import Floats
from galddpm.mock.profiles import moffat_table, sersic_table, transform

ASSUMED_FWHM = 3.1  # [pix]; calibrated
ASSUMED_BETA = 2.2
INDICES = np.concatenate([np.arange(0.5, 2, 0.1), np.arange(2, 4, 0.25), np.arange(4, 6.1, 0.5)])
SIZES = np.geomspace(0.7, 40, 22)  # half-light radii of the models [pix]
CANVAS = 256  # [pix]


def sersic_index(profile: Floats, error: Floats) -> float:
    """Index of the model that is nearest, by chi^2, to the brightness in rings of one pixel.

    profile, error: mean brightness and its standard error in rings 0 to 1 pix, 1 to 2 pix, ...; 0
    where no model of positive flux fits.
    """
    models, indices = _models()
    models, weight = models[:, : len(profile)], 1 / error[: models.shape[1]] ** 2
    profile = profile[: models.shape[1]]
    flux = (models @ (weight * profile)) / (models**2 @ weight)
    gain = np.where(flux > 0, flux**2 * (models**2 @ weight), -np.inf)  # of chi^2 over no light
    best = int(np.argmax(gain))
    return float(indices[best]) if np.isfinite(gain[best]) else 0.0


@lru_cache(maxsize=1)
def _models() -> tuple[Floats, Floats]:
    """Profiles (models, rings) of unit flux, and the index of each."""
    rows = np.fft.fftfreq(CANVAS, 1 / CANVAS)
    ring = np.hypot(rows[:, None], rows).astype(int).ravel()
    count = np.bincount(ring)[: CANVAS // 4]
    psf = transform(moffat_table(ASSUMED_BETA), ASSUMED_FWHM * np.eye(2), CANVAS)
    profiles, indices = [], []
    for index in INDICES:
        table = sersic_table(float(index))
        for size in SIZES:
            light = scipy.fft.irfft2(transform(table, size * np.eye(2), CANVAS) * psf)
            profiles.append(np.bincount(ring, light.ravel())[: len(count)] / count)
            indices.append(index)
    return np.array(profiles), np.array(indices)
