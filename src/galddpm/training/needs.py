"""What a training takes, measured on its first steps."""

import time
from collections.abc import Callable

import torch

from galddpm.devices import synchronize

SETTLED, MEASURED = 20, 100  # steps; before the first nothing is as fast as it gets: kernels are
# compiled and chosen, memory is allocated


class Pace:
    """Seconds that a step takes, from its first hundred in this process."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter):
        self.device, self.clock = device, clock
        self.steps, self.start = 0, 0.0

    def step(self) -> float | None:
        """Counts a step: seconds a step after the MEASURED-th, None after any other.

        A GPU is behind with what it was told, so it is waited for twice in all.
        """
        self.steps += 1
        if self.steps not in (SETTLED, MEASURED):
            return None
        synchronize(self.device)
        if self.steps == SETTLED:
            self.start = self.clock()
            return None
        return (self.clock() - self.start) / (MEASURED - SETTLED)
