"""Working on a batch in parts, in the memory of one."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_parts(module: nn.Module, parts: int, *rows: Tensor) -> Tensor:
    """module(*rows), where a backward pass needs the memory of one of so many parts of the rows.

    The forward pass keeps nothing; the backward pass computes one part after the other again (Chen
    et al. 2016, arXiv:1604.06174). The numbers are those of the whole, but for rounding. Unlike
    gradients that are summed over smaller batches, a loss still sees all rows at once.
    """
    if parts == 1 or not torch.is_grad_enabled():
        whole: Tensor = module(*rows)
        return whole
    pieces = zip(*(values.chunk(parts) for values in rows), strict=True)
    return torch.cat([checkpoint(module, *piece, use_reentrant=False) for piece in pieces])
