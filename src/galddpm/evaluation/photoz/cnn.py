"""The judge's own redshift estimator: which redshift does an image look like?"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, huber_loss

from galddpm.data.symmetries import all_turns
from galddpm.devices import widest_float
from galddpm.evaluation.photoz.metrics import HSC_GAMMA

COVERED = 0.683  # of the truths lie within one `error` of an estimate
CENTRES = (
    0.125,
    0.25,
    0.5,
    1.0,
)  # sides of the central squares whose light is summed, of the stamp


class RedshiftCNN(nn.Module):
    """pixels (B, C, H, W) -> (B, 2): ln(1 + z) and the logarithm of an error of dz.

    A trunk of strided convolutions, and beside it the mean pixel of central squares in every band,
    from which magnitudes and colours are learned at once.

    Parameters
    ----------
    bands: C.
    channels: widths of the trunk, each at half the resolution of the one before.
    features: width of the last hidden layer, which `features` returns.
    """

    def __init__(self, bands: int, channels: Sequence[int], features: int):
        super().__init__()
        self.network = nn.Sequential(*(_stage(*pair) for pair in pairwise([bands, *channels])))
        inputs = channels[-1] + len(CENTRES) * bands
        self.hidden = nn.Sequential(
            nn.Linear(inputs, features), nn.GELU(), nn.Linear(features, features)
        )
        self.last = nn.Linear(features, 2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def hidden_weights(self) -> list[nn.Parameter]:
        """The matrices of all layers but the last."""
        parts = (self.network, self.hidden)
        return [weight for part in parts for weight in part.parameters() if weight.ndim > 1]

    def features(self, pixels: Tensor) -> Tensor:
        """What the estimate is read from, (B, features)."""
        trunk = self.network(pixels).mean(dim=(2, 3))
        return gelu(self.hidden(torch.cat([trunk, central_light(pixels)], dim=1)))

    def forward(self, pixels: Tensor) -> Tensor:
        output: Tensor = self.last(self.features(pixels))
        return output


def _stage(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        nn.GroupNorm(1, outputs),
        nn.GELU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GroupNorm(1, outputs),
        nn.GELU(),
    )


def central_light(pixels: Tensor) -> Tensor:
    """Mean pixel of each central square in each band, (B, len(CENTRES) x C)."""
    height, width = pixels.shape[-2:]
    means = []
    for share in CENTRES:
        top, left = (round(side * (1 - share) / 2) for side in (height, width))
        means.append(pixels[..., top : height - top, left : width - left].mean(dim=(2, 3)))
    return torch.cat(means, dim=1)


def redshift_losses(output: Tensor, redshift: Tensor, huber: bool) -> Tensor:
    """Losses (B,) of outputs (B, 2) at the true redshifts (B,).

    Of dz = (z_p - z_s) / (1 + z_s) either the Huber loss in units of gamma or, where that has come
    near, the HSC loss 1 - 1 / (1 + (dz / gamma)^2) (Tanaka et al. 2018, Eq. 1); and the pinball
    loss of |dz|, which makes the error its 68.3 % quantile.
    """
    dz = torch.expm1(output[:, 0].float() - torch.log1p(redshift))
    scaled = dz / HSC_GAMMA
    if huber:
        losses = huber_loss(scaled, torch.zeros_like(scaled), reduction="none")
    else:
        losses = 1 - 1 / (1 + scaled**2)
    missing = scaled.detach().abs() - torch.exp(output[:, 1].float())
    return losses + torch.maximum(COVERED * missing, (COVERED - 1) * missing)


@torch.inference_mode()
def predict(model: RedshiftCNN, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Redshifts (B,), their errors (B,) and features (B, F), as means over the eight symmetries."""
    features = [model.features(turn) for turn in all_turns(pixels)]
    output = torch.stack([model.last(feature) for feature in features]).mean(dim=0)
    output = output.to(widest_float(output.device))
    stretch = torch.exp(output[:, 0]).clamp(min=1.0)
    error = HSC_GAMMA * torch.exp(output[:, 1]) * stretch
    return stretch - 1, error, torch.stack(features).mean(dim=0)
