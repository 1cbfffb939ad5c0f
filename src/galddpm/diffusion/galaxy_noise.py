"""One stream of random numbers a galaxy, so that a galaxy does not depend on its neighbours."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from galddpm.arrays import Floats


class GalaxyNoise:
    """Standard normal numbers for a batch, each galaxy's from its own counter-based stream.

    Each call returns the next (B, C, H, W) float32; galaxy k's numbers depend on (seed,
    noise_id[k]) and on how often it was called. Philox is keyed by both, so no two galaxies share a
    stream. Drawn on the host, and therefore the same on every device.
    """

    def __init__(
        self,
        seed: int,
        noise_id: Sequence[int],
        shape: tuple[int, ...],
        device: str | torch.device = "cpu",
    ):
        self.shape, self.device = shape, device
        self.streams = [
            np.random.Generator(np.random.Philox(key=np.array([seed, row], dtype=np.uint64)))
            for row in noise_id
        ]

    def __call__(self) -> torch.Tensor:
        out = np.empty((len(self.streams), *self.shape), dtype=np.float32)
        with ThreadPoolExecutor() as pool:  # numpy draws without holding the interpreter's lock
            list(pool.map(_fill, out, self.streams))
        return torch.from_numpy(out).to(self.device)


def _fill(row: Floats, stream: np.random.Generator) -> None:
    stream.standard_normal(dtype=np.float32, out=row)
