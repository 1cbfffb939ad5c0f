"""Networks and a scaling for tests."""

import torch

from galddpm.data.scaling import Scaling
from galddpm.data.sky_noise import WHITE

SCALING = Scaling("asinh", (0.2, 0.38), (0.1, -0.2), (1.1, 1.2), 1.0, 0.17, WHITE)  # of two bands


def awake(model, spread=0.1):
    """The model with its zero-initialised layers given weights of this standard deviation."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, spread, generator=generator)
    return model.eval()
