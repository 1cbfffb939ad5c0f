"""Training a denoiser of images at a given redshift."""

from pathlib import Path

import torch
from torch import Tensor

from galddpm import build
from galddpm.config.schema import Config
from galddpm.data.scaling import Scaling
from galddpm.data.stream import GalaxyBatch
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.light import VERSION
from galddpm.diffusion.objective import NoiseLevels, Objective
from galddpm.inference.preview import Previewer
from galddpm.tasks.task import Task


class Denoising(Task):
    """The task of a diffusion config. Raises UserError for an impossible process."""

    config: Config

    def __init__(self, config: Config):
        self.config, process = config, config.process
        self.provenance = {"light": str(VERSION)} if process.prediction == "light" else {}
        self.inspect_every = config.training.preview_every
        levels = NoiseLevels(
            build.make_schedule(config),
            process.level_distribution,
            process.log_sigma_mean,
            process.log_sigma_std,
        )
        self.objective = Objective(
            levels,
            config.redshift.jitter,
            process.huber_delta,
            process.weighting,
            process.centre_weight_radius,
            config.conditions.dropout,
        )

    def make_model(self, scaling: Scaling, device: torch.device) -> Denoiser:
        build.make_sampler(self.config, scaling)  # a mistake in sampling shows now, not after it
        denoiser = build.make_denoiser(self.config, scaling, device)
        denoiser.parts = self.config.training.parts
        return denoiser

    def losses(
        self, model: Denoiser, batch: GalaxyBatch, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        losses, t = self.objective(model, batch.pixels, batch.redshift, generator, batch.conditions)
        return losses, {"t": t, "redshift": batch.redshift}

    def make_inspection(
        self, scaling: Scaling, redshifts: list[float], device: torch.device, run: Path
    ) -> Previewer:
        return Previewer(self.config, scaling, redshifts, run)
