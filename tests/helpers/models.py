"""Networks for tests."""

import torch


def awake(model, spread=0.1):
    """The model with its zero-initialised layers given weights of this standard deviation."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, spread, generator=generator)
    return model.eval()
