"""Sersic fits of detected sources: from catalog rows to a start, and from fits to columns."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.evaluation.measurement.detection import Detection
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.noise import level_variance
from galddpm.evaluation.measurement.sersic_fit import SersicFits, fit_sersic
from galddpm.evaluation.measurement.sersic_model import ETA_1, ETA_2, LN_N, LN_R_C

SERSIC = ("sersic_n", "sersic_r_eff", "sersic_ellipticity")
START_INDEX = 1.5
START_FLATTEST = 0.15  # smallest b/a of a start
WINGS = 0.1  # of a galaxy's mean light in a pixel of its stamp
CLEAR_CHI2 = 1.3  # per degree of freedom, beyond noise that hangs together
LARGEST_REST = 0.05  # of the squares of what is seen: blends and shreds, 3 % of the mock galaxies
DTYPE = torch.float32  # sums over pixels are float64


def sersic_columns(
    images: Floats,
    found: Sequence[Detection],
    rows: Sequence[Mapping[str, Any]],
    psf: Floats,
) -> list[dict[str, float]]:
    """The Sersic columns of each stamp, (N, H, W) [count], and `flag_sersic`; nothing where no
    source was detected. psf: (k, k), or (N, k, k) for one a stamp."""
    columns: list[dict[str, float]] = [{} for _ in found]
    sources = [k for k, detection in enumerate(found) if detection.segment is not None]
    if not sources:
        return columns
    kept = [found[k] for k in sources]
    blur = [psf_radius(plane) for plane in psf.reshape(-1, *psf.shape[-2:])]
    starts = [start(rows[k], blur[k % len(blur)]) for k in sources]
    fits = fit_sersic(
        torch.from_numpy(np.stack([images[k] - found[k].sky for k in sources])),
        torch.from_numpy(np.stack([~d.others for d in kept if d.others is not None])),
        torch.tensor([found[k].sky_sigma for k in sources], dtype=torch.float64),
        torch.tensor([sky_error(found[k], rows[k]) for k in sources], dtype=torch.float64),
        torch.from_numpy(np.stack([d.correlation for d in kept if d.correlation is not None])),
        torch.from_numpy(psf if psf.ndim == 2 else psf[sources]).to(DTYPE),
        torch.tensor(starts, dtype=torch.float64),
    )
    for k, values in zip(sources, described(fits), strict=True):
        columns[k] = values
    return columns


def sky_error(found: Detection, row: Mapping[str, Any]) -> float:
    """What a stamp's sky level may be wrong by [count]: by the noise of the pixels it was measured
    on, and by the wings of the galaxy itself that were taken for sky."""
    assert found.free is not None  # as of every detected source
    assert found.correlation is not None
    noise = found.sky_sigma * np.sqrt(level_variance(found.correlation, found.free.sum()))
    wings = WINGS * np.nan_to_num(row["flux"]) / found.free.size
    return float(np.hypot(noise, wings))


def start(row: Mapping[str, Any], blur: float) -> list[float]:
    """Where a fit starts: the measured shape, with the PSF's radius taken off its size."""
    radius = row["half_light_radius"]
    if not np.isfinite(radius):
        radius = row["semimajor_axis"]
    sharp = math.sqrt(max(radius**2 - blur**2, (0.4 * radius) ** 2))
    flat = -math.log(max(1 - row["ellipticity"], START_FLATTEST))
    turn = 2 * math.radians(row["orientation"])
    eta = flat * math.cos(turn), flat * math.sin(turn)
    return [1.0, row["x"], row["y"], math.log(sharp), *eta, math.log(START_INDEX)]


def psf_radius(psf: Floats) -> float:
    """The radius of the circle with half of the PSF's light [pix]."""
    y, x = (np.arange(length) - length // 2 for length in psf.shape)
    radius = np.hypot(y[:, None], x)
    order = np.argsort(radius, axis=None)
    return float(np.interp(0.5, np.cumsum(psf.ravel()[order]), radius.ravel()[order]))


def described(fits: SersicFits) -> list[dict[str, float]]:
    """The columns of each fit, with errors propagated from its covariance."""
    p = fits.parameters
    flat = torch.hypot(p[:, ETA_1], p[:, ETA_2])
    n, q = torch.exp(p[:, LN_N]), torch.exp(-flat)
    r_eff = torch.exp(p[:, LN_R_C] + flat / 2)
    direction = p[:, [ETA_1, ETA_2]] / flat.clamp(min=1e-9)[:, None]
    by_flat = torch.zeros_like(p)
    by_flat[:, [ETA_1, ETA_2]] = direction
    by_ln_r = by_flat / 2
    by_ln_r[:, LN_R_C] = 1
    by_ln_n = torch.zeros_like(p)
    by_ln_n[:, LN_N] = 1
    values = {
        "sersic_n": n,
        "sersic_n_error": n * spread(fits, by_ln_n),
        "sersic_r_eff": r_eff,
        "sersic_r_eff_error": r_eff * spread(fits, by_ln_r),
        "sersic_ellipticity": 1 - q,
        "sersic_ellipticity_error": q * spread(fits, by_flat),
        "sersic_chi2": fits.chi2,
        "flag_sersic": torch.where(fits.good, 0, int(Flag.SERSIC_BAD))
        + torch.where(poor(fits), int(Flag.SERSIC_POOR), 0),
    }
    lists = [column.tolist() for column in values.values()]
    return [dict(zip(values, line, strict=True)) for line in zip(*lists, strict=True)]


def poor(fits: SersicFits) -> Tensor:
    """Whether a fit leaves more than noise, and a share of the light that no eye would pass."""
    return (fits.chi2 > CLEAR_CHI2) & (fits.unexplained > LARGEST_REST)


def spread(fits: SersicFits, slope: Tensor) -> Tensor:
    """Standard deviation of a number with this slope by the parameters, (N, 7) -> (N,)."""
    return torch.einsum("ni,nij,nj->n", slope, fits.covariance, slope).clamp(min=0).sqrt()
