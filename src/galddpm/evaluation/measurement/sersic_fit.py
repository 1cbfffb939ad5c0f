"""PSF-convolved Sersic fits of many stamps at once, by Levenberg-Marquardt.

The sky's level is free within its error, because the wings of a galaxy of high index pass for sky:
above a signal-to-noise ratio of 100 that halves the errors. A weak normal prior on ln n keeps the
index of a source that is lost in noise from running away; above 100 it moves nothing by more than a
few hundredths of an error bar.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from galddpm.evaluation.measurement.sersic_errors import covariance
from galddpm.evaluation.measurement.sersic_model import (
    ETA_1,
    ETA_2,
    INTENSITY,
    LN_N,
    LN_R_C,
    MARGIN,
    PARAMETERS,
    SersicModel,
    X,
    Y,
)

INDEX_LIMITS = (0.15, 9.0)
RADIUS_LIMITS = (0.1, 2.0)  # r_c [pix], and [sides of the stamp]
FLATTEST = 3.0  # largest -ln(b/a)
WANDER = MARGIN / 2  # [pix] how far the centre may move
ITERATIONS = 60
SETTLED = 0.01  # decrease of chi^2 that no longer matters: a tenth of an error bar
SETTLED_SHARE = 1e-5  # of chi^2, the same for galaxies that no Sersic profile describes
DAMPING, EASE, TIGHTEN, LARGEST = 1e-2, 0.2, 8.0, 1e7
BATCH = {"cpu": 64, "cuda": 4096}  # stamps: as many as a processor's cache, or a GPU, is fast with
PRIOR = (math.log(1.5), 1.0)  # mean and standard deviation of ln n where the noise says nothing
SIZES = (24, 40, 64)  # [pix] of cut-outs; larger stamps are fitted whole
REACH = 5.0  # half-light radii that a cut-out shows on each side, and
BORDER = 6  # [pix] of sky around them


@dataclass(frozen=True)
class SersicFits:
    """Fits of N stamps; float64 on the CPU.

    parameters: (N, 7), x and y from 0 at the centre of the stamp's first pixel; covariance:
    (N, 7, 7) of these; chi2: per degree of freedom; unexplained: what chi^2 has beyond the noise,
    over what it has without a model; good: whether the fit settled, and off its limits.
    """

    parameters: Tensor
    covariance: Tensor
    chi2: Tensor
    unexplained: Tensor
    good: Tensor


def fit_sersic(
    image: Tensor,
    valid: Tensor,
    sky_sigma: Tensor,
    sky_error: Tensor,
    correlation: Tensor,
    psf: Tensor,
    start: Tensor,
) -> SersicFits:
    """Fit one Sersic profile to each stamp.

    image: (N, H, W) [count, sky-subtracted]; valid: (N, H, W), False on neighbours and padding;
    sky_sigma: (N,) noise of a pixel [count]; sky_error: (N,) standard deviation of what the
    subtracted level may be wrong by [count]; correlation: (N, 7, 7) autocorrelation of the noise;
    psf: (k, k), or (N, k, k) for one a stamp, of odd size and unit sum, in the dtype and on the
    device to compute in; start: (N, 7), where the intensity does not matter.
    """
    count, height, width = image.shape
    results = [torch.zeros(count, *shape, dtype=torch.float64) for shape in _SHAPES]
    size = cutout_sizes(start, min(height, width))
    for side in size.unique().tolist():
        model = SersicModel(psf, side)
        for rows in torch.nonzero(size == side)[:, 0].split(BATCH[psf.device.type]):
            corner = cutout_corners(start[rows], side, (height, width))
            data, mask = (cut(x[rows], corner, side).to(psf) for x in (image, valid))
            shift = torch.zeros(len(rows), PARAMETERS, dtype=torch.float64)
            shift[:, [X, Y]] = corner.double()
            weight = mask / sky_sigma[rows, None, None].to(psf)
            level = (sky_error[rows] / sky_sigma[rows]).to(psf.device)
            first = (start[rows] - shift).to(psf.device)
            seen = model.of(rows)
            found, curvature, chi2, done = levenberg_marquardt(seen, data, weight, level, first)
            noise = correlation[rows].to(psf)
            spread = covariance(seen, data, weight, level, noise, found, curvature, PRIOR[1])
            rest = unexplained(chi2, data, weight)
            for result, value in zip(results, (found, spread, chi2, rest, done), strict=True):
                result[rows] = value.cpu().double()
            results[0][rows] += shift
    parameters, spreads, ratios, left_over, settled = results
    good = (settled > 0) & inside(parameters, min(height, width))
    return SersicFits(parameters, spreads, ratios, left_over, good)


_SHAPES = ((PARAMETERS,), (PARAMETERS, PARAMETERS), (), (), ())


def unexplained(chi2: Tensor, data: Tensor, weight: Tensor) -> Tensor:
    """Share of the squares of what is seen, (N,), beyond the noise's, that a fit leaves. Unlike
    chi^2 it does not grow with the signal where a profile misses the same share of the light.

    chi2: (N,) per degree of freedom; data, weight: (N, H, W).
    """
    seen = (data * weight).double().square().sum(dim=(1, 2))
    pixels = (weight > 0).sum(dim=(1, 2))
    return ((chi2 - 1) * pixels).clamp(min=0) / (seen - pixels).clamp(min=1)


def cutout_sizes(start: Tensor, side: int) -> Tensor:
    """The smallest of `SIZES` that shows each source and its surroundings, or the whole stamp."""
    major = torch.exp(start[:, LN_R_C] + torch.hypot(start[:, ETA_1], start[:, ETA_2]) / 2)
    wanted = 2 * (REACH * major + BORDER)
    choices = torch.tensor([*(size for size in SIZES if size < side), side])
    place = torch.searchsorted(choices.double(), wanted.double())
    return choices[place.clamp(max=len(choices) - 1)]


def cutout_corners(start: Tensor, side: int, shape: tuple[int, int]) -> Tensor:
    """(x, y) of the first pixel of cut-outs around the sources, inside the stamp, (N, 2)."""
    first = (start[:, [X, Y]] - (side - 1) / 2).round().long()
    last = torch.tensor([shape[1] - side, shape[0] - side])
    return torch.minimum(first.clamp(min=0), last)


def cut(stamps: Tensor, corner: Tensor, side: int) -> Tensor:
    """Square cut-outs of (N, H, W), (N, side, side)."""
    pairs = zip(stamps, corner.tolist(), strict=True)
    return torch.stack([stamp[y : y + side, x : x + side] for stamp, (x, y) in pairs])


def levenberg_marquardt(
    model: SersicModel, data: Tensor, weight: Tensor, level: Tensor, start: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Parameters (N, 7), curvature (N, 7, 7), chi^2 per degree of freedom and success, (N,).

    weight: 1 / sigma of each pixel, 0 where it does not count; level: (N,) as for
    `normal_equations`. A stamp leaves the batch as soon as it has settled, so that the slow ones do
    not keep the others.
    """
    parameters = with_intensity(model, data, weight, start)
    done = torch.zeros(len(start), dtype=torch.bool, device=data.device)
    chi2, slope, curvature = normal_equations(model, data, weight, level, parameters)
    damping = torch.full_like(chi2, DAMPING)
    left = torch.arange(len(start), device=data.device)
    for _ in range(ITERATIONS):
        trial = limited(
            parameters[left] + steps(slope[left], curvature[left], damping[left]),
            start[left],
            model.size,
        )
        new = normal_equations(model.of(left), data[left], weight[left], level[left], trial)
        gain = chi2[left] - new[0]
        better = gain > 0
        taken = left[better]
        parameters[taken] = trial[better]
        for old, value in zip((chi2, slope, curvature), new, strict=True):
            old[taken] = value[better]
        damping[left] *= torch.where(better, EASE, TIGHTEN)
        small = gain.abs() < torch.clamp(SETTLED_SHARE * chi2[left], min=SETTLED)
        done[left] = small & (better | (damping[left] > 1))
        left = left[~done[left] & (damping[left] < LARGEST)]
        if not len(left):
            break
    freedom = (weight > 0).sum(dim=(1, 2)) - PARAMETERS
    return parameters, curvature, chi2 / freedom, done


def normal_equations(
    model: SersicModel, data: Tensor, weight: Tensor, level: Tensor, parameters: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """chi^2 (N,), its descent J^T r (N, 7) and curvature J^T J (N, 7, 7), with the sky's level
    solved for and with the prior; float64.

    level: (N,) standard deviation of the sky's level, in units of a pixel's noise.
    """
    images = model.images(parameters)
    light = parameters[:, INTENSITY, None, None].to(data.dtype) * images[:, INTENSITY]
    residual = ((data - light) * weight).flatten(1)
    slopes = (images * weight[:, None]).flatten(2)
    chi2 = residual.double().square().sum(dim=1)
    descent = torch.bmm(slopes, residual[:, :, None])[:, :, 0].double()
    curvature = torch.bmm(slopes, slopes.transpose(1, 2)).double()

    sky = (weight > 0).flatten(1).to(residual.dtype)  # what a level of one pixel's noise adds
    stiffness = level**-2 + sky.sum(dim=1).double()
    best = (sky * residual).sum(dim=1).double() / stiffness  # level, at these parameters
    tied = torch.bmm(slopes, sky[:, :, None])[:, :, 0].double()
    chi2 -= best**2 * stiffness
    descent -= tied * best[:, None]
    curvature -= tied[:, :, None] * tied[:, None, :] / stiffness[:, None, None]

    mean, spread = PRIOR
    pull = (mean - parameters[:, LN_N]) / spread
    descent[:, LN_N] += pull / spread
    curvature[:, LN_N, LN_N] += spread**-2
    return chi2 + pull**2, descent, curvature


def steps(slope: Tensor, curvature: Tensor, damping: Tensor) -> Tensor:
    """Marquardt's steps, damped by the diagonal so that units do not matter, (N, 7)."""
    diagonal = torch.diagonal(curvature, dim1=1, dim2=2)
    scale = diagonal.clamp(min=1e-30).rsqrt()
    scaled = curvature * scale[:, :, None] * scale[:, None, :]
    damped = scaled + torch.diag_embed((damping + 1e-9)[:, None].expand(-1, PARAMETERS))
    step: Tensor = scale * torch.linalg.solve(damped, slope * scale)
    return step


def limited(parameters: Tensor, start: Tensor, side: int) -> Tensor:
    """The parameters inside their limits."""
    limited = parameters.clone()
    for k in (X, Y):
        limited[:, k] = torch.clamp(parameters[:, k], start[:, k] - WANDER, start[:, k] + WANDER)
    low, high = RADIUS_LIMITS
    limited[:, LN_R_C].clamp_(math.log(low), math.log(high * side))
    limited[:, LN_N].clamp_(*map(math.log, INDEX_LIMITS))
    length = torch.hypot(limited[:, ETA_1], limited[:, ETA_2])
    shrink = (FLATTEST / length.clamp(min=1e-9)).clamp(max=1)
    limited[:, [ETA_1, ETA_2]] *= shrink[:, None]
    return limited


def inside(parameters: Tensor, side: int) -> Tensor:
    """Whether index, radius and flattening lie off their limits, the light is positive, and half of
    it lies within the stamp."""
    n, r_c = parameters[:, LN_N].exp(), parameters[:, LN_R_C].exp()
    flat = torch.hypot(parameters[:, ETA_1], parameters[:, ETA_2])
    return (
        (n > 1.001 * INDEX_LIMITS[0])
        & (n < 0.999 * INDEX_LIMITS[1])
        & (r_c > 1.001 * RADIUS_LIMITS[0])
        & (r_c * torch.exp(flat / 2) < side / 2)
        & (flat < 0.999 * FLATTEST)
        & (parameters[:, INTENSITY] > 0)
    )


def with_intensity(model: SersicModel, data: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """The start with the intensity that fits best."""
    light = (model.images(start)[:, INTENSITY] * weight).flatten(1).double()
    seen = (data * weight).flatten(1).double()
    parameters = start.double().clone()
    parameters[:, INTENSITY] = (light * seen).sum(1) / light.square().sum(1).clamp(min=1e-30)
    return parameters
