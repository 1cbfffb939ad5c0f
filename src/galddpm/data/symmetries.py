"""The eight symmetries of the square, under which the sky is alike."""

from functools import lru_cache

import torch
from torch import Tensor

SYMMETRIES = 8


def turned(pixels: Tensor, turns: Tensor) -> Tensor:
    """Each image (B, C, H, H) under one of the square's symmetries, turns (B,): turns % 4 right
    angles, then mirrored where turns >= 4."""
    chosen = _sources(pixels.shape[-1], pixels.device)[turns]
    chosen = chosen[:, None].expand(-1, pixels.shape[1], -1)
    return pixels.flatten(2).gather(2, chosen).view_as(pixels)


@lru_cache
def _sources(side: int, device: torch.device) -> Tensor:
    """The pixel that each pixel is taken from, under each of the eight symmetries, (8, H * H)."""
    places = torch.arange(side**2, device=device).view(side, side)
    return torch.stack(all_turns(places)).flatten(1)


def all_turns(pixels: Tensor) -> list[Tensor]:
    """The images (..., H, H) under each of the eight, as they are first."""
    quarters = [torch.rot90(pixels, turn, dims=(-2, -1)) for turn in range(4)]
    return [*quarters, *(quarter.flip(-1) for quarter in quarters)]
