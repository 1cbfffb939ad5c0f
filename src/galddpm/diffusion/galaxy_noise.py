"""One stream of random numbers a galaxy, so that a galaxy does not depend on its neighbours."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from galddpm.arrays import Floats, Ints
from galddpm.errors import UserError

LARGEST_ID = 2**63 - 1  # that a sample file holds, as a seed or a number


class GalaxyNoise:
    """Standard normal numbers for a batch, each galaxy's from its own counter-based stream.

    Each call returns the next (B, C, H, W) float32; galaxy k's numbers depend on (seed,
    noise_id[k]) and on how often it was called. Philox is keyed by both, so no two galaxies share a
    stream. Drawn on the host, and therefore the same on every device.

    use: 0, or another number for numbers that are independent of those.
    """

    def __init__(
        self,
        seed: int,
        noise_id: Sequence[int],
        shape: tuple[int, ...],
        device: str | torch.device = "cpu",
        use: int = 0,
    ):
        self.shape, self.device = shape, device
        self.streams = [
            np.random.Generator(
                np.random.Philox(key=np.array([seed, row], dtype=np.uint64)).jumped(use)
            )
            for row in noise_id
        ]

    def __call__(self) -> torch.Tensor:
        out = np.empty((len(self.streams), *self.shape), dtype=np.float32)
        with ThreadPoolExecutor() as pool:  # numpy draws without holding the interpreter's lock
            list(pool.map(_fill, out, self.streams))
        return torch.from_numpy(out).to(self.device)


def as_noise_ids(values: Sequence[int] | Ints | None, count: int) -> Ints:
    """Numbers (count,) int64 that tell galaxies of one seed apart; None: 0, 1, ... Raises UserError
    where they are not `count` whole numbers from 0 that int64 holds."""
    ids = np.arange(count) if values is None else np.asarray(values)
    if ids.shape != (count,):
        raise UserError(f"noise_id: found shape {ids.shape}, expected one a redshift, ({count},)")
    whole = ids.dtype.kind in "iu"
    if not whole or ids.min() < 0 or ids.max() > LARGEST_ID:
        found = f"{ids.min()} to {ids.max()}" if whole else str(ids.dtype)
        raise UserError(f"noise_id: found {found}, expected whole numbers from 0 to {LARGEST_ID}")
    return ids.astype(np.int64)


def _fill(row: Floats, stream: np.random.Generator) -> None:
    stream.standard_normal(dtype=np.float32, out=row)
