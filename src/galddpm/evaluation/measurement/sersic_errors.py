"""The covariance of Sersic fits in noise that hangs together from pixel to pixel.

The parameters of a fit that weighs all pixels alike follow the noise by A^-1 J^T, with slopes J and
the curvature A = J^T J; in noise of covariance C their own is A^-1 (J^T C J) A^-1 (White 1980).
C has the measured autocorrelation and variance of the sky, but around a pixel the variance of the
residuals where photons, or what no profile describes, clearly add to that of the sky.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from galddpm.evaluation.measurement.sersic_model import INTENSITY, LN_N, SersicModel

AROUND = 5  # [pix] side of the square that the residuals' variance is averaged over
CLEAR = 1.75  # [sky variance] more than that comes from the sky in one square of forty


def covariance(
    model: SersicModel,
    data: Tensor,
    weight: Tensor,
    level: Tensor,
    correlation: Tensor,
    parameters: Tensor,
    curvature: Tensor,
    prior: float,
) -> Tensor:
    """(N, 7, 7), of the parameters (N, 7).

    data, weight: (N, H, W), weight 1 / sigma of each pixel, 0 where it does not count; level: (N,)
    standard deviation of the sky's level in units of a pixel's noise; correlation: (N, k, k);
    curvature: (N, 7, 7) with the level solved for and the prior; prior: standard deviation of ln n.
    """
    images = model.images(parameters)
    light = parameters[:, INTENSITY, None, None].to(data.dtype) * images[:, INTENSITY]
    sky = (weight > 0).to(data.dtype)
    slopes = images * weight[:, None]
    stiffness = level**-2 + sky.sum(dim=(1, 2)).double()
    share = (slopes * sky[:, None]).sum(dim=(2, 3)) / stiffness[:, None]  # that the level takes
    slopes = slopes - share.to(slopes.dtype)[:, :, None, None] * sky[:, None]
    residual = (data - light) * weight
    residual -= ((residual * sky).sum(dim=(1, 2)) / stiffness).to(data.dtype)[:, None, None] * sky
    noisy = slopes * local_variance(residual, sky).sqrt()[:, None]
    inner = torch.einsum("nihw,njhw->nij", noisy, spread_out(noisy, correlation)).double()
    left = slopes.sum(dim=(2, 3)).double() * level[:, None]
    inner += left[:, :, None] * left[:, None, :]
    inner[:, LN_N, LN_N] += prior**-2
    outer = inverse(curvature)
    return outer @ inner @ outer


def local_variance(residual: Tensor, sky: Tensor) -> Tensor:
    """Variance (N, H, W) of each pixel, in units of the sky's: 1, or the mean square of the
    residuals around it where that is clearly more.

    sky: (N, H, W), 1 where a pixel counts.
    """
    square, counted = (
        avg_pool2d(x[:, None], AROUND, stride=1, padding=AROUND // 2)[:, 0]
        for x in (residual.square(), sky)
    )
    mean = square / counted.clamp(min=1e-3)
    return torch.where(mean > CLEAR, mean, 1.0)


def spread_out(images: Tensor, correlation: Tensor) -> Tensor:
    """Each image convolved with its stamp's autocorrelation, (N, P, H, W)."""
    count, planes, *shape = images.shape
    kernel = correlation.to(images).repeat_interleave(planes, dim=0)[:, None]
    flat = images.reshape(1, count * planes, *shape)
    seen = conv2d(flat, kernel, padding=kernel.shape[-1] // 2, groups=count * planes)
    return seen.reshape(images.shape)


def inverse(curvature: Tensor) -> Tensor:
    """The inverse; infinite where there is none."""
    scale = torch.diagonal(curvature, dim1=1, dim2=2).clamp(min=1e-30).rsqrt()
    inverted, failed = torch.linalg.inv_ex(curvature * scale[:, :, None] * scale[:, None, :])
    inverted[failed > 0] = torch.inf
    whole: Tensor = inverted * scale[:, :, None] * scale[:, None, :]
    return whole
