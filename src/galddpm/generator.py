"""A trained model: redshifts in, galaxies out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from galddpm import build
from galddpm.config import Config
from galddpm.data.scaling import Scaling
from galddpm.diffusion.noise import GalaxyNoise
from galddpm.diffusion.schedule import Level
from galddpm.model_file import ModelFile


class Generator:
    """Galaxies with flux in counts at zero point 27, as the training files have it.

    >>> galaxies = galddpm.load("runs/quickstart").sample([0.1, 0.5, 1.2], seed=3)
    """

    def __init__(
        self, config: Config, scaling: Scaling, denoiser: nn.Module, redshifts: list[float]
    ):
        self.config, self.scaling, self.denoiser = config, scaling, denoiser
        self.redshifts = redshifts  # quantiles of those trained on
        self.device = next(denoiser.parameters()).device

    @classmethod
    def load(
        cls, run: str | Path, weights: str = "ema", ema_width: float | None = None
    ) -> "Generator":
        """The generator of a run folder or of a model file.

        ema_width: of an average over the run's snapshots in units of its length, instead of the
        weights in the model file. Raises UserError where there is no model or no snapshot, or the
        file is not one of ours.
        """
        model = ModelFile.read(run, "diffusion")
        denoiser = build.model(model.config, model.scaling, build.best_device())
        denoiser = model.fill(denoiser, weights, ema_width)
        return cls(model.config, model.scaling, denoiser, model.redshifts)

    def sample(
        self,
        redshift: Sequence[float],
        seed: int = 0,
        noise_id: Sequence[int] | None = None,
        sampler: str | None = None,
        steps: int | None = None,
    ) -> np.ndarray:
        """Galaxies (n, C, H, W) float32 [count] at the redshifts (n,), as one batch.

        Galaxy k depends on its redshift, `seed` and noise_id[k], which is k by default, and on
        nothing else in the batch. Sampler and steps are the config's by default.
        """
        run, levels = build.sampler(self.config, self.scaling, sampler, steps)
        image = self.walk(run, levels, redshift, seed, noise_id)
        return self.scaling.decode(image.float().cpu().numpy())

    @torch.inference_mode()
    def walk(
        self,
        run: Callable,
        levels: Sequence[Level],
        redshift: Sequence[float],
        seed: int = 0,
        noise_id: Sequence[int] | None = None,
    ) -> Any:
        """What `run(denoise, x, levels, noise)`, such as a sampler, makes of the galaxies' noise x
        (n, C, H, W) at the first of the levels, in the model's units."""
        noise_id = range(len(redshift)) if noise_id is None else noise_id
        side = self.config.data.image_size
        noise = GalaxyNoise(seed, noise_id, (len(self.config.data.bands), side, side), self.device)
        z = torch.as_tensor(np.asarray(redshift, dtype=np.float32), device=self.device)
        bf16 = build.uses_bf16(self.config.sampling.precision, self.device)

        def denoise(x: torch.Tensor, level: Level) -> torch.Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                return self.denoiser(x, level, z)

        alpha, sigma = levels[0]
        x = noise() * float(np.hypot(alpha * self.scaling.sigma_data, sigma))
        return run(denoise, x, levels, noise)
