"""Batches for a student: noises and what a teacher's solver made of them, by batch number."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.data.symmetries import SYMMETRIES, turned
from galddpm.files import new_memory_map, written_whole
from galddpm.processes import share


class PairBatch(NamedTuple):
    """Both ends of a student's jump."""

    x: Tensor  # (B, C, H, W) at one level
    lower: Tensor  # (B, C, H, W), the same at the next
    redshift: Tensor  # (B,)
    number: int  # of the level where the jump starts


class PairStream:
    """Batch number k: x at one level, x at the next level, redshifts, and the number of the level.

    Successive batches take successive levels. Rows and symmetries depend on (seed, k) alone.

    Parameters
    ----------
    states: (levels, N, C, H, W), each noise on its way to a galaxy.
    redshift: (N,).
    symmetries: turn and mirror both ends of a pair together, at random.
    """

    def __init__(
        self,
        states: Floats,
        redshift: Floats,
        batch_size: int,
        seed: int,
        symmetries: bool,
        device: torch.device,
    ):
        self.states, self.redshift = states, torch.from_numpy(redshift.astype(np.float32))
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.symmetries = symmetries

    def __call__(self, index: int) -> PairBatch:
        rng = np.random.default_rng([self.seed, index])
        rows = share(np.sort(rng.integers(len(self.redshift), size=self.batch_size)))
        ways = SYMMETRIES if self.symmetries else 1
        turns = share(torch.from_numpy(rng.integers(ways, size=self.batch_size)))
        number = index % (len(self.states) - 1)
        ends = (
            torch.from_numpy(self.states[place][rows].astype(np.float32)).to(self.device)
            for place in (number, number + 1)
        )
        x, lower = (turned(end, turns.to(self.device)) for end in ends)
        return PairBatch(x, lower, self.redshift[rows].to(self.device), number)


def stored_states(path: Path, shape: Sequence[int], batches: Iterable[Floats]) -> Floats:
    """States (levels, N, C, H, W) as float16 in a .npy file, mapped into memory.

    Where the file is there it is used; else it is written from `batches`, each the states
    (B, C, H, W) of the next B galaxies, and appears whole.
    """
    if not path.exists():
        with written_whole(path) as temporary:
            states = new_memory_map(temporary, np.float16, shape)
            start = 0
            for batch in batches:
                stop = start + len(batch[0])
                for level, state in enumerate(batch):
                    states[level, start:stop] = state
                start = stop
            states.flush()
    stored: Floats = np.load(path, mmap_mode="r")
    return stored
