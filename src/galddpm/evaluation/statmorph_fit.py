"""A PSF-convolved Sersic fit and the CAS and Gini-M20 statistics of one source, by statmorph.

Rodriguez-Gomez et al. 2019 (MNRAS 483, 4140). Concentration and asymmetry follow Conselice 2003,
Gini and M20 Lotz et al. 2004.
"""

import warnings

import numpy as np
from statmorph import SourceMorphology

from galddpm.evaluation.flags import Flag

STATISTICS = {  # ours: statmorph's
    "gini": "gini",
    "m20": "m20",
    "concentration": "concentration",
    "asymmetry": "asymmetry",
}
SERSIC = {
    "sersic_n": "sersic_n",
    "sersic_r_eff": "sersic_rhalf",  # [pix] along the major axis
    "sersic_ellipticity": "sersic_ellip",
}
COLUMNS = (*STATISTICS, *SERSIC)
BELIEVABLE_N = (0.1, 10.0)  # a fit outside says that it did not work


class CataloguedMorphology(SourceMorphology):
    """statmorph without the statistics that no column needs, which take two fifths of its time."""

    multimode = intensity = deviation = np.nan
    rms_asymmetry2 = outer_asymmetry = shape_asymmetry = smoothness = np.nan


def statmorph_fit(
    image: np.ndarray,
    segment: np.ndarray,
    others: np.ndarray,
    sky_sigma: float,
    psf: np.ndarray,
) -> tuple[dict[str, float], Flag, Flag]:
    """The columns of `COLUMNS`, the bits for `flag` and those for `flag_sersic`.

    image: (H, W) [count, sky-subtracted]; segment, others: masks of the source and of its
    neighbours; sky_sigma [count]: the same for every pixel, as the photon noise of a coadd is not
    known; psf: odd size. What statmorph marks with -99 becomes NaN. Its own failures are caught
    and flagged, because it raises many kinds of error on odd sources.
    """
    failed = dict.fromkeys(COLUMNS, np.nan), Flag.STATMORPH_FAILED, Flag.STATMORPH_FAILED
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # statmorph says the same in its flags
            source = CataloguedMorphology(
                image,
                segment.astype(np.int64),
                1,
                mask=others,
                weightmap=np.full(image.shape, sky_sigma),
                psf=psf,
                sersic_model_args={},  # statmorph fills these in: a fresh one for each source
                sersic_fitting_args={},
            )
    except Exception:
        return failed
    if source.flag >= 4:
        return failed
    values = {ours: _number(source[name]) for ours, name in (STATISTICS | SERSIC).items()}
    fit = sersic_flag(source.flag_sersic, values, image.shape)
    return values, statistics_flag(source.flag), fit


def statistics_flag(flag: int) -> Flag:
    """statmorph's own flag as bits of the table."""
    return {0: Flag(0), 1: Flag.STATMORPH_SUSPECT}.get(flag, Flag.STATMORPH_BAD)


def sersic_flag(flag: int, values: dict[str, float], shape: tuple[int, int]) -> Flag:
    """statmorph's flag of the fit as bits, and whether its numbers can be believed."""
    bits = {0: Flag(0), 1: Flag.SERSIC_SUSPECT}.get(flag, Flag.SERSIC_BAD)
    low, high = BELIEVABLE_N
    if not (low < values["sersic_n"] < high and 0 < values["sersic_r_eff"] < max(shape)):
        bits |= Flag.SERSIC_BAD
    return bits


def _number(value: float) -> float:
    return float(value) if np.isfinite(value) and value != -99.0 else np.nan
