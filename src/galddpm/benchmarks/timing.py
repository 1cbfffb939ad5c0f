"""Medians of contestants that take turns, so that a slow moment of the machine hits all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch

TURNS, WARM_UP = 7, 2


def take_turns(
    contestants: Mapping[str, Callable[[], object]],
    device: torch.device,
    turns: int = TURNS,
    warm_up: int = WARM_UP,
) -> dict[str, float]:
    """Median seconds of each contestant."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warm_up + turns):
        for name, contestant in contestants.items():
            taken = timed(contestant, device)
            if turn >= warm_up:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def timed(contestant: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call, until the device has done its work."""
    start = time.perf_counter()
    contestant()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
