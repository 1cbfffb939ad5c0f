"""How good a denoiser is after so many seconds of training, beside diffusers' U-Net of equal size
in the same loop: the quickstart's recipe, on the same mock galaxies, in turns."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from galddpm import build
from galddpm.arrays import Floats
from galddpm.benchmarks import peers
from galddpm.benchmarks.training import read_recipe
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling
from galddpm.diffusion.denoiser import LightDenoiser
from galddpm.diffusion.process import add_noise, for_batch
from galddpm.mock import MockSettings, make_mock
from galddpm.tasks.denoising import Denoising

GALAXIES, HELD_OUT = 1000, 64
SECONDS, LOOKS = 240.0, 16  # of training of each, and how often it is looked at meanwhile
NOISES = (2.0, 8.0, 30.0, 120.0)  # on the held-out images [sky sigma]
CENTRE = slice(16, 48)  # rows and columns that are looked at
SETTINGS = ("training.decay=constant", "training.ema_decay=0.99")  # none knows when it will end
PEER_CHANNELS, PEER_ATTENTION = (48, 64, 96, 96), 8  # as many parameters as the quickstart's


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
    seconds: float = 0.0
    steps: int = 0
    curve: list[tuple[float, float]] = field(default_factory=list)  # (seconds, error)

    def train(self, until: float) -> None:
        while self.seconds < until:
            start = time.perf_counter()
            self.step()
            self.seconds += time.perf_counter() - start
            self.steps += 1
        self.curve.append((self.seconds, self.error()))


def run(device: torch.device) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        contestants = make_contestants(Path(folder), device)
        for look in range(1, LOOKS + 1):
            for contestant in contestants.values():
                contestant.train(SECONDS * look / LOOKS)
    ours, theirs = contestants["ours"], contestants["diffusers"]
    goal = theirs.curve[-1][1]
    figures = {f"{name}_error": one.curve[-1][1] for name, one in contestants.items()}
    figures |= {f"{name}_steps": one.steps for name, one in contestants.items()}
    return figures | {
        "seconds": SECONDS,
        "seconds_to_diffusers_error": seconds_to(goal, ours.curve),
        "ratio": SECONDS / seconds_to(goal, ours.curve),
    }


def seconds_to(goal: float, curve: list[tuple[float, float]]) -> float:
    """When an error was first reached, between looks in proportion to its logarithm; before the
    first look, that look; infinite where it never was."""
    for before, (after, error) in enumerate(curve, -1):
        if error > goal:
            continue
        if before < 0:
            return after
        start, worse = curve[before]
        share = np.log(worse / goal) / np.log(worse / error)
        return float(start + share * (after - start))
    return np.inf


def make_contestants(folder: Path, device: torch.device) -> dict[str, Contestant]:
    """Ours, and diffusers' U-Net, whose outputs are added to what passes of an image by itself."""
    make_mock(folder, {"training": GALAXIES, "testing": HELD_OUT}, MockSettings(light=True))
    training, testing = (
        folder / f"5x64x64_{split}_with_morphology.hdf5" for split in ("training", "testing")
    )
    files = [f"data.training={training}", f"data.testing={testing}", "data.cache=memory"]
    config = read_recipe("quickstart", [*files, *SETTINGS])
    task = Denoising(config)
    galaxies = build.make_galaxy_file(config, "training")
    scaling = task.make_scaling(galaxies)
    with h5py.File(folder / "5x64x64_testing_truth.hdf5") as file:
        held_out = as_seen(GalaxyFile(testing), file["light"][:], scaling, device)

    def contestant(model: LightDenoiser) -> Contestant:
        batches = task.make_batches(galaxies, scaling, device, folder, lambda parts, **_: parts)
        trainer = build.make_trainer(config, model, task.losses, batches, device, folder)
        averaged = trainer.ema.model
        assert isinstance(averaged, LightDenoiser)
        return Contestant(trainer.train_step, lambda: held_out.error(averaged))

    ours = task.make_model(scaling, device)
    assert isinstance(ours, LightDenoiser)
    torch.manual_seed(config.seed)
    network = build.channels_last(peers.RedshiftUNet(config, PEER_CHANNELS, PEER_ATTENTION), device)
    theirs = LightDenoiser(network, ours.schedule, ours.noise, ours.sigma_data).to(device)
    return {"ours": contestant(ours), "diffusers": contestant(theirs)}


def as_seen(galaxies: GalaxyFile, light: Floats, scaling: Scaling, device: torch.device) -> HeldOut:
    images = galaxies.images(slice(0, len(galaxies)))
    seen, aim = (torch.from_numpy(scaling.encode(flux)).to(device) for flux in (images, light))
    redshift = torch.from_numpy(galaxies.redshift).float().to(device)
    return HeldOut(seen, aim, redshift, scaling.sky_sigma)
