"""What a training takes, measured on its first steps."""

import time
from collections.abc import Callable

import torch

from galddpm.devices import synchronize

SETTLED, MEASURED = 20, 100  # steps; before the first nothing is as fast as it gets: kernels are
# compiled and chosen, memory is allocated
LONGEST = 30.0  # [s] for which either is waited: after that, two steps will do


class Pace:
    """Seconds that a step takes, from its first hundred in this process, or those of a minute."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter):
        self.device, self.clock = device, clock
        self.steps, self.settled, self.start, self.found = 0, 0, clock(), False

    def step(self) -> float | None:
        """Counts a step: seconds a step, once, after the one at which that is known, else None.

        A GPU is behind with what it was told, so it is waited for twice in all.
        """
        self.steps += 1
        waited = self.clock() - self.start > LONGEST and self.steps >= self.settled + 2
        if self.found or not (waited or self.steps == (MEASURED if self.settled else SETTLED)):
            return None
        synchronize(self.device)
        if not self.settled:
            self.settled, self.start = self.steps, self.clock()
            return None
        self.found = True
        return (self.clock() - self.start) / (self.steps - self.settled)
