"""Denoisers that train side by side on the same mock galaxies, in turns, and how well each of them
knows the light of others after so many seconds."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from galddpm import build
from galddpm.arrays import Floats
from galddpm.benchmarks.training import read_recipe
from galddpm.config.schema import Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling
from galddpm.devices import synchronize
from galddpm.diffusion.denoiser import LightDenoiser
from galddpm.diffusion.process import add_noise, for_batch
from galddpm.mock import MockSettings, make_mock
from galddpm.tasks.denoising import Denoising

GALAXIES, HELD_OUT = 1000, 64
NOISES = (2.0, 8.0, 30.0, 120.0)  # on the held-out images [sky sigma]
CENTRE = slice(16, 48)  # rows and columns that are looked at
# none knows when it will end, nor spends its seconds on compiling
SETTINGS = ("training.decay=constant", "training.ema_decay=0.99", "training.compile=false")
Peer = Callable[[Config, LightDenoiser], LightDenoiser]


@dataclass
class HeldOut:
    """Images whose light is known, all as a model sees them: (N, C, H, W), and redshifts (N,)."""

    images: Tensor
    light: Tensor
    redshift: Tensor
    sky_sigma: float

    @torch.inference_mode()
    def error(self, model: LightDenoiser) -> float:
        """Root mean square error of the estimated light over the noise on it: the geometric mean of
        `NOISES`."""
        generator = torch.Generator(self.images.device).manual_seed(0)
        ratios = []
        for noise in NOISES:
            sigma = noise * self.sky_sigma
            level = for_batch((1 / np.hypot(1, sigma), sigma / np.hypot(1, sigma)), self.images)
            eps = torch.randn(self.images.shape, generator=generator, device=self.images.device)
            light = model.light(add_noise(self.images, eps, *level), *level, self.redshift)
            errors = (light - self.light)[..., CENTRE, CENTRE]
            ratios.append(errors.square().mean().sqrt().log() - np.log(sigma))
        return float(torch.stack(ratios).mean().exp())


@dataclass
class Contestant:
    """A model in training, and how good it was after which seconds."""

    step: Callable[[], object]
    error: Callable[[], float]
    device: torch.device
    seconds: float = 0.0
    steps: int = 0
    curve: list[tuple[float, float]] = field(default_factory=list)  # (seconds, error)

    def train(self, until: float) -> None:
        while self.seconds < until:
            start = time.perf_counter()
            self.step()
            synchronize(self.device)
            self.seconds += time.perf_counter() - start
            self.steps += 1
        self.curve.append((self.seconds, self.error()))


class Contest:
    """Mock galaxies, drawn into a folder, on which small.yaml's recipe and others are trained."""

    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = folder, device
        make_mock(folder, {"training": GALAXIES, "testing": HELD_OUT}, MockSettings(light=True))
        training, testing = (
            folder / f"5x64x64_{split}_with_morphology.hdf5" for split in ("training", "testing")
        )
        files = [f"data.training={training}", f"data.testing={testing}", "data.cache=memory_map"]
        self.settings = [*files, *SETTINGS]
        config = read_recipe("small", self.settings)
        self.galaxies = build.make_galaxy_file(config, "training")
        self.scaling = Denoising(config).make_scaling(self.galaxies)
        with h5py.File(folder / "5x64x64_testing_truth.hdf5") as file:
            self.held_out = as_seen(GalaxyFile(testing), file["light"][:], self.scaling, device)

    def contestant(self, changes: Sequence[str] = (), peer: Peer | None = None) -> Contestant:
        """One that is trained by the recipe with these changes, or a peer in place of its model."""
        config = read_recipe("small", [*self.settings, *changes])
        task = Denoising(config)
        model = task.make_model(self.scaling, self.device)
        assert isinstance(model, LightDenoiser)  # as the recipe has it
        model = peer(config, model) if peer else model
        known = self.galaxies, self.scaling, self.device, self.folder
        batches = task.make_batches(*known, lambda parts, **_: parts)
        trainer = build.make_trainer(config, model, task.losses, batches, self.device, self.folder)
        averaged = trainer.ema.model
        assert isinstance(averaged, LightDenoiser)
        return Contestant(trainer.train_step, lambda: self.held_out.error(averaged), self.device)


def finite(value: float) -> float | None:
    """The value, or None where it is infinite or no number, for which JSON has no word."""
    return value if np.isfinite(value) else None


def train_in_turns(contestants: Iterable[Contestant], seconds: float, looks: int) -> None:
    """Each for so many seconds in all, and looked at so often."""
    contestants = list(contestants)
    for look in range(1, looks + 1):
        for contestant in contestants:
            contestant.train(seconds * look / looks)


def as_seen(galaxies: GalaxyFile, light: Floats, scaling: Scaling, device: torch.device) -> HeldOut:
    images = galaxies.images(slice(0, len(galaxies)))
    seen, aim = (torch.from_numpy(scaling.encode(flux)).to(device) for flux in (images, light))
    redshift = torch.from_numpy(galaxies.redshift).float().to(device)
    return HeldOut(seen, aim, redshift, scaling.sky_sigma)
