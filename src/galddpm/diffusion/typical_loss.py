"""How large the loss usually is at each noise level, so that all levels can weigh alike."""

import torch
from torch import Tensor, nn

BINS = 32  # equal parts of t
MEMORY = 0.99  # what a batch leaves of the sums before it, so that about 100 batches count


class TypicalLoss(nn.Module):
    """Running means by noise level. The sums are buffers: a checkpoint holds them."""

    total: Tensor  # (BINS,)
    count: Tensor  # (BINS,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(BINS))
        self.register_buffer("count", torch.zeros(BINS))

    @torch.no_grad()
    def update(self, losses: Tensor, t: Tensor, steps: int) -> Tensor:
        """Take in losses (B,) at t (B,) of `steps`; the typical loss there, (B,), above 0."""
        place = (t * (BINS / steps)).long().clamp(0, BINS - 1)
        losses = losses.detach().float()
        self.total.mul_(MEMORY).index_add_(0, place, losses)
        self.count.mul_(MEMORY).index_add_(0, place, torch.ones_like(losses))
        return (self.total[place] / self.count[place]).clamp(min=torch.finfo(torch.float32).tiny)
