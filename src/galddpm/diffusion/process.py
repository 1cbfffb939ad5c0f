"""The forward process and what a network may be asked to predict.

Every prediction is a mixture F = a x_0 + b eps of the same two unknowns that make up
x = alpha x_0 + sigma eps, so one pair (a, b) defines the target and both ways back.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from galddpm.devices import widest_float

PREDICTIONS = ("eps", "v", "x_0", "edm")


def column(values: Tensor, like: Tensor) -> Tensor:
    """(B,) as (B, 1, 1, ...) to go with a batch `like`, in its dtype."""
    return values.to(like.dtype).reshape(-1, *(1,) * (like.ndim - 1))


def for_batch(level: tuple[float, float], x: Tensor) -> tuple[Tensor, Tensor]:
    """alpha and sigma of one level for each of a batch x, (B,) `widest_float` each."""
    dtype = widest_float(x.device)
    alpha, sigma = (torch.full((len(x),), part, dtype=dtype, device=x.device) for part in level)
    return alpha, sigma


def add_noise(x_0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """q(x_t | x_0): alpha x_0 + sigma eps for levels (B,) (Ho et al. 2020, Eq. 4)."""
    return column(alpha, x_0) * x_0 + column(sigma, x_0) * eps


def mixture(
    prediction: str, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> tuple[Tensor, Tensor]:
    """(a, b) of the prediction F = a x_0 + b eps at the levels (B,); see PREDICTIONS.

    "v" is Salimans & Ho 2022, arXiv:2202.00512, written for any (alpha, sigma); "edm" the target
    that the preconditioning of arXiv:2206.00364, Table 1, gives for x / alpha at sigma / alpha.
    With unit sigma_data and alpha^2 + sigma^2 = 1 it is -v.
    """
    scale = _scale(alpha, sigma, sigma_data)
    mixtures: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
        "eps": lambda: (torch.zeros_like(alpha), torch.ones_like(alpha)),
        "v": lambda: (-sigma, alpha),
        "x_0": lambda: (torch.ones_like(alpha), torch.zeros_like(alpha)),
        "edm": lambda: (sigma / (sigma_data * scale), -alpha * sigma_data / scale),
    }
    if prediction not in mixtures:
        raise ValueError(f"prediction: found {prediction!r}, expected one of {PREDICTIONS}")
    return mixtures[prediction]()


def input_scale(alpha: Tensor, sigma: Tensor, sigma_data: float) -> Tensor:
    """1 / standard deviation of x at the levels (B,): what the network's input is multiplied by."""
    return 1.0 / _scale(alpha, sigma, sigma_data)


def output_scale(alpha: Tensor, sigma: Tensor, sigma_data: float) -> Tensor:
    """What edm multiplies the network's output by, as a part of the image."""
    return sigma * sigma_data / _scale(alpha, sigma, sigma_data)


def target(
    prediction: str, x_0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor, sigma_data: float = 1.0
) -> Tensor:
    """What the network should put out, (B, C, H, W)."""
    a, b = mixture(prediction, alpha, sigma, sigma_data)
    return column(a, x_0) * x_0 + column(b, x_0) * eps


def x_0_from(
    prediction: str,
    output: Tensor,
    x: Tensor,
    alpha: Tensor,
    sigma: Tensor,
    sigma_data: float = 1.0,
) -> Tensor:
    """The image that an output F means at x: (b x - sigma F) / (alpha b - sigma a), (B, C, H, W).

    Not finite for "eps" at alpha = 0, where eps says nothing about the image.
    """
    a, b = mixture(prediction, alpha, sigma, sigma_data)
    determinant = alpha * b - sigma * a
    return column(b / determinant, x) * x - column(sigma / determinant, x) * output


def eps_from(x: Tensor, x_0: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """The noise that goes with an image estimate: (x - alpha x_0) / sigma, for sigma > 0."""
    return (x - column(alpha, x) * x_0) / column(sigma, x)


def posterior(
    alpha_t: float, sigma_t: float, alpha_s: float, sigma_s: float
) -> tuple[float, float, float, float]:
    """q(x_s | x_t, x_0) for any two levels s below t, as (c_x, c_0, variance, forward variance).

    The mean is c_x x_t + c_0 x_0. For neighbours t - 1 and t this is Ho et al. 2020, Eq. 6-7, with
    the variance beta_tilde_t; the forward variance, of q(x_t | x_s), is then beta_t.
    """
    ratio = alpha_t / alpha_s
    forward = sigma_t**2 - ratio**2 * sigma_s**2
    c_x = ratio * sigma_s**2 / sigma_t**2
    c_0 = alpha_s * forward / sigma_t**2
    return c_x, c_0, sigma_s**2 * forward / sigma_t**2, forward


def _scale(alpha: Tensor, sigma: Tensor, sigma_data: float) -> Tensor:
    return torch.sqrt(sigma**2 + (alpha * sigma_data) ** 2)
