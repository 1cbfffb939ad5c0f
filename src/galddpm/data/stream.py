"""Training batches, addressed by a counter so that resuming is exact."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import ROWS_PER_READ, GalaxyFile
from galddpm.data.redshift_density import redshift_weights, resampled
from galddpm.data.scaling import Scaling
from galddpm.data.symmetries import SYMMETRIES, turned
from galddpm.files import new_memory_map, written_whole
from galddpm.processes import share

ROWS_IN_CACHE = 16  # 1.3 MB of five-band 64 px stamps

Rows = Ints
Fetch = Callable[[Rows], Tensor]


class GalaxyBatch(NamedTuple):
    """What is trained on in a step."""

    pixels: Tensor  # (B, C, H, W)
    redshift: Tensor  # (B,)
    conditions: Tensor | None = None  # (B, K), what else is asked for; NaN where it is unknown


class BatchStream:
    """Batch number k of shuffled galaxies: pixels (B, C, H, W) and redshifts (B,) on the device.

    Every galaxy comes once in an epoch (but see `rare_redshift_power`). The order depends on (seed,
    epoch) alone. A batch may span two epochs. A thread reads the next batch ahead.

    Parameters
    ----------
    galaxies: the file.
    scaling: flux to pixels; callers never see flux.
    cache: "none" reads the file each time; "memory", "device" and "memory_map" hold encoded pixels
        in host memory, on the device, or in a file in `cache_folder`, made on first use.
    rare_redshift_power: 0 shows every galaxy once in an epoch; up to 1, rare redshifts more often.
    symmetries: turn and mirror each galaxy at random (the 8 symmetries of the square).
    conditions: columns of the file that come along. Raises UserError where one is missing.
    """

    def __init__(
        self,
        galaxies: GalaxyFile,
        scaling: Scaling,
        batch_size: int,
        seed: int = 0,
        cache: str = "memory",
        rare_redshift_power: float = 0.0,
        symmetries: bool = False,
        device: str | torch.device = "cpu",
        cache_folder: Path | None = None,
        progress: Callable[..., Any] = iter,
        conditions: Sequence[str] = (),
    ):
        self.galaxies, self.scaling, self.batch_size = galaxies, scaling, batch_size
        self.seed, self.symmetries, self.device = seed, symmetries, torch.device(device)
        self.redshift = torch.from_numpy(galaxies.redshift.astype(np.float32))
        self.conditions = torch.from_numpy(galaxies.numbers(conditions)) if conditions else None
        self._fetch = self._cached(cache, cache_folder, progress)
        power = rare_redshift_power
        self._weights = redshift_weights(galaxies.redshift, power) if power else None
        self._permutations: dict[int, Ints] = {}
        self._ahead = ThreadPoolExecutor(max_workers=1)
        self._pending: tuple[int, Future[tuple[Tensor, ...]]] | None = None

    def __call__(self, index: int) -> GalaxyBatch:
        """This process's share of batch number `index`, from 0.

        Raises UserError where a pixel read is not finite.
        """
        pixels, turns, *known = (
            values.to(self.device, non_blocking=True) for values in self._pending_batch(index)
        )
        return GalaxyBatch(turned(pixels, turns) if self.symmetries else pixels, *known)

    def rows(self, index: int) -> Rows:
        """The galaxies of batch number `index`, (B,)."""
        places = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        epochs, within = np.divmod(places, len(self.galaxies))
        pieces = [
            self._permutation(epoch)[within[epochs == epoch]]
            for epoch in range(epochs[0], epochs[-1] + 1)
        ]
        return np.concatenate(pieces)

    def _pending_batch(self, index: int) -> tuple[Tensor, ...]:
        """Batch number `index`, read ahead if it was the next; then the one after is."""
        if self._pending is None or self._pending[0] != index:
            self._pending = (index, self._ahead.submit(self._read, index))
        batch = self._pending[1].result()
        self._pending = (index + 1, self._ahead.submit(self._read, index + 1))
        return batch

    def _read(self, index: int) -> tuple[Tensor, ...]:
        """Pixels, symmetries, redshifts and conditions. From pinned memory a CUDA device copies
        them while it computes; pages that may move would have to be waited for."""
        rows = share(self.rows(index))
        known = [part[rows] for part in (self.redshift, self.conditions) if part is not None]
        batch = (self._fetch(rows), share(self._turns(index)), *known)
        if self.device.type != "cuda":
            return batch
        return tuple(values if values.is_cuda else values.pin_memory() for values in batch)

    def _permutation(self, epoch: int) -> Ints:
        if epoch not in self._permutations:
            rng = np.random.default_rng([self.seed, int(epoch)])
            order: Ints = rng.permutation(len(self.galaxies))
            if self._weights is not None:
                order = resampled(self._weights, rng)[order]
            self._permutations = {
                old: kept for old, kept in self._permutations.items() if old >= epoch - 1
            } | {epoch: order}
        return self._permutations[epoch]

    def _turns(self, index: int) -> Tensor:
        rng = np.random.default_rng([self.seed, index, 8])
        return torch.from_numpy(rng.integers(SYMMETRIES, size=self.batch_size))

    def _cached(self, cache: str, folder: Path | None, progress: Callable[..., Any]) -> Fetch:
        if cache == "none":
            return self._read_encoded
        if cache == "memory_map":
            assert folder is not None  # the caller names one
            return _gather(self._memory_map(folder, progress))
        place = {"memory": torch.device("cpu"), "device": self.device}[cache]
        held = torch.empty(self.galaxies.shape, device=place)
        for block in progress(_blocks(len(self.galaxies))):
            held[block] = torch.from_numpy(self._encoded(block)).to(place)
        if place.type == "cpu":
            return _gather(held.numpy())
        return lambda rows: held.index_select(0, torch.from_numpy(rows).to(place))

    def _read_encoded(self, rows: Rows) -> Tensor:
        """A few galaxies at a time, so that they stay in the processor's cache between passes."""
        pixels = torch.empty(len(rows), *self.galaxies.shape[1:])
        for start in range(0, len(rows), ROWS_IN_CACHE):
            few = slice(start, start + ROWS_IN_CACHE)
            pixels[few] = torch.from_numpy(self.scaling.encode(self.galaxies.images(rows[few])))
        return pixels

    def _encoded(self, block: slice) -> Floats:
        return self.scaling.encode(self.galaxies.images(block))

    def _memory_map(self, folder: Path, progress: Callable[..., Any]) -> Floats:
        """Encoded pixels in a .npy file, named after what is in it, written once."""
        path = Path(folder) / f"{self.galaxies.path.stem}-{self._contents()}.npy"
        if not path.exists():
            with written_whole(path) as temporary:
                pixels = new_memory_map(temporary, np.float32, self.galaxies.shape)
                for block in progress(_blocks(len(self.galaxies))):
                    pixels[block] = self._encoded(block)
                pixels.flush()
        mapped: Floats = np.load(path, mmap_mode="c")  # copy on write: torch wants it writable
        return mapped

    def _contents(self) -> str:
        status = self.galaxies.path.stat()
        content = (status.st_size, status.st_mtime_ns, self.galaxies.shape, self.scaling.to_dict())
        return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _gather(pixels: Floats) -> Fetch:
    """Rows of the pixels, gathered without torch: were its thread pool awake in the reading thread
    too, each of the many small parallel sections of a training step would take 0.1 ms longer."""
    return lambda rows: torch.from_numpy(pixels[rows])


def sample_rows(count: int, wanted: int, seed: int) -> Ints:
    """A fixed random sample of rows, sorted, for statistics."""
    if wanted >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, count]).choice(count, wanted, replace=False))


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + ROWS_PER_READ) for start in range(0, count, ROWS_PER_READ)]
