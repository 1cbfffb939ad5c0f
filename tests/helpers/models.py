"""Networks and a scaling for tests."""

import torch
from torch import nn

from galddpm.data.scaling import Scaling
from galddpm.data.sky_noise import WHITE

SCALING = Scaling(  # of two bands
    "asinh",
    softening=(0.2, 0.38),
    mean=(0.1, -0.2),
    std=(1.1, 1.2),
    sigma_data=1.0,
    sky_sigma=0.17,
    sky_correlation=WHITE,
    sky=(0.04, 0.076),
    photon_noise=(0.001, 0.002),
)


def awake(model, spread=0.1):
    """The model with its zero-initialised layers given weights of this standard deviation."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, spread, generator=generator)
    return model.eval()


class Uniform(nn.Module):
    """An ideal denoiser of images whose every pixel is ln(1 + z), less or more by SPREAD noise."""

    spread = 1.5

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, x, level, redshift):
        alpha, sigma = level
        share = (alpha * self.spread) ** 2 / ((alpha * self.spread) ** 2 + sigma**2)
        mean = torch.log1p(redshift)[:, None, None, None]
        return mean + share * (x / alpha - mean)
