"""Batches of shuffled, scaled galaxies against opening the file for every item."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from galddpm.benchmarks.peers import read_item
from galddpm.benchmarks.timing import take_turns
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.scaling import fit_scaling
from galddpm.data.stream import BatchStream

GALAXIES, BATCH = 2048, 128
CACHES = {"memory": "memory", "disk": "none"}  # name here: name in the config


def run(device: torch.device) -> dict[str, float]:
    """Ratios of images a second to the per-item loader, from memory and from disk."""
    with noise_file(GALAXIES) as galaxies:
        scaling = fit_scaling("asinh", galaxies.images(slice(0, 256)))
        streams = {
            name: BatchStream(galaxies, scaling, BATCH, cache=cache, device=device)
            for name, cache in CACHES.items()
        }
        counter = itertools.count()

        def per_item() -> None:
            rows = streams["disk"].rows(next(counter))
            items = [read_item(galaxies.path, row) for row in rows]
            torch.stack([torch.from_numpy(scaling.encode(image)) for image, _ in items]).to(device)
            torch.tensor([redshift for _, redshift in items]).to(device)

        contestants = {name: lambda s=stream: s(next(counter)) for name, stream in streams.items()}
        seconds = take_turns({"per_item": per_item, **contestants}, device)
    ratios = {f"{name}_ratio": seconds["per_item"] / seconds[name] for name in streams}
    return ratios | {f"{name}_images_per_second": BATCH / s for name, s in seconds.items()}


@contextmanager
def noise_file(count: int, bands: int = 5, side: int = 64) -> Iterator[GalaxyFile]:
    """A file of `count` stamps of noise, in the schema, as long as it is needed."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "galaxies.hdf5"
        image = rng.normal(0, 0.1, (count, bands, side, side)).astype(np.float32)
        write_galaxies(path, {"image": image, "specz_redshift": rng.uniform(0, 4, count)})
        galaxies = GalaxyFile(path)
        yield galaxies
        galaxies.close()
