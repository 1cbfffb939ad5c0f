"""What passes of an image under noise to its estimate: means over squares, weighed pixel by pixel.

A mean of x / alpha over a square of k x k pixels is light under noise of variance sigma^2 / (alpha
k)^2. Weighed by what each is worth, k^2 alpha^2 / sigma^2, against the spread of light before
anything is seen, 1 / sigma_data^2, such means estimate a light that is even. A network says where
it is not: it gives the logarithm of a factor, a trust, for each of these weights. Weights are
positive and sum to 1, so that on the sky, where next to nothing passes, a trust that is somewhat
wrong costs little. Bako et al. 2017 (ACM TOG 36, 97) weigh the pixels around one in this way.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from galddpm.pooling import mean_over


def weighed_means(
    x: Tensor,
    trusts: Tensor,
    alpha: Tensor,
    sigma: Tensor,
    widths: Sequence[int],
    sigma_data: float = 1.0,
) -> Tensor:
    """The estimate (B, C, H, W) that passes from x at levels alpha, sigma (B, 1, 1, 1).

    trusts: (B, 1 + widths, C, H, W), of the spread and of each mean. widths: odd [pixel]. With one
    of a single pixel and equal trusts alpha sigma_data^2 x / (sigma^2 + alpha^2 sigma_data^2)
    passes, as in arXiv:2206.00364, Table 1. Finite for alpha = 0; sigma is above 0.
    """
    spread, *others = torch.exp(trusts - trusts.amax(dim=1, keepdim=True)).unbind(dim=1)
    light, total = torch.zeros_like(x), spread * (sigma / sigma_data) ** 2
    for width, trust in zip(widths, others, strict=True):
        worth = trust * alpha * width**2
        light = light + worth * mean_over(x, width)
        total = total + alpha * worth
    return light / total
