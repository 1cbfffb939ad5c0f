"""The CAS and Gini-M20 statistics of one source by statmorph, to check ours with, and its own
Sersic fit.

Rodriguez-Gomez et al. 2019 (MNRAS 483, 4140). Concentration, asymmetry and smoothness follow
Conselice 2003, Gini and M20 Lotz et al. 2004.
"""

import warnings

import numpy as np
from statmorph import SourceMorphology

from galddpm.arrays import Bools, Floats
from galddpm.evaluation.measurement.flags import Flag

STATISTICS = ("gini", "m20", "concentration", "asymmetry", "smoothness")
FIT = {"sersic_n": "sersic_n", "sersic_r_eff": "sersic_rhalf", "sersic_ellipticity": "sersic_ellip"}


class CatalogMorphology(SourceMorphology):  # type: ignore[misc] # it has no types
    """statmorph without what no column needs: a third of its time, and its Sersic fit."""

    multimode = intensity = deviation = np.nan
    rms_asymmetry2 = outer_asymmetry = shape_asymmetry = np.nan
    sersic_amplitude = sersic_rhalf = sersic_n = sersic_xc = sersic_yc = np.nan
    sersic_ellip = sersic_theta = sersic_chi2_dof = sersic_aic = sersic_bic = np.nan


def statmorph_statistics(
    image: Floats,
    segment: Bools,
    others: Bools,
    sky_sigma: float,
) -> tuple[dict[str, float], Flag]:
    """The columns of `STATISTICS` and their bits for `flag`.

    image: (H, W) [count, sky-subtracted]; segment, others: masks of the source and of its
    neighbours; sky_sigma [count]: the same for every pixel, as the photon noise of a coadd is not
    known. What statmorph marks with -99 becomes NaN.
    """
    source = _measured(CatalogMorphology, image, segment, others, sky_sigma, None)
    if source is None:
        return dict.fromkeys(STATISTICS, np.nan), Flag.STATMORPH_FAILED
    return {name: _number(source[name]) for name in STATISTICS}, statistics_flag(source.flag)


def statmorph_sersic(
    image: Floats,
    segment: Bools,
    others: Bools,
    sky_sigma: float,
    psf: Floats,
) -> dict[str, float]:
    """statmorph's own Sersic fit, to compare ours with: the columns of `FIT`, NaN where it is bad,
    and the `seconds` that the fit alone took. psf: odd size; the others: as for
    `statmorph_statistics`."""
    source = _measured(SourceMorphology, image, segment, others, sky_sigma, psf)
    if source is None:
        return dict.fromkeys((*FIT, "seconds"), np.nan)
    good = source.flag_sersic < 2
    values = {ours: _number(source[name]) if good else np.nan for ours, name in FIT.items()}
    return values | {"seconds": source.sersic_runtime}


def statistics_flag(flag: int) -> Flag:
    """statmorph's own flag as bits of the table."""
    return {0: Flag(0), 1: Flag.STATMORPH_SUSPECT}.get(flag, Flag.STATMORPH_BAD)


def _measured(
    kind: type[SourceMorphology],
    image: Floats,
    segment: Bools,
    others: Bools,
    sky_sigma: float,
    psf: Floats | None,
) -> SourceMorphology | None:
    """statmorph's measurement, or None. Its failures are caught, because it raises many kinds of
    error on odd sources."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # statmorph says the same in its flags
            source = kind(
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
        return None
    return source if source.flag < 4 else None


def _number(value: float) -> float:
    return float(value) if np.isfinite(value) and value != -99.0 else np.nan
