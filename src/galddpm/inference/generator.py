"""A trained model: redshifts in, galaxies out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from galddpm import build
from galddpm.arrays import Floats
from galddpm.config.schema import Config
from galddpm.data.scaling import Scaling
from galddpm.devices import select_device
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.samplers import Sampler
from galddpm.diffusion.schedule import Level
from galddpm.inference.model_file import ModelFile

# galaxies that are solved at once; on a CPU larger batches gain a tenth
TOGETHER = {"cpu": 8, "cuda": 128, "mps": 8}


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
        cls, run: str | Path, weights: str = "ema", device: str | torch.device | None = None
    ) -> "Generator":
        """The generator of a run folder or of a model file.

        weights: "ema", averaged over the training, or "raw", those of its last step. device: "cpu",
        "cuda", "cuda:1", ...; None: CUDA where it is there. Raises UserError where there is no
        model, the file is not one of ours, or the device is not there.
        """
        model = ModelFile.read(run, "diffusion")
        assert isinstance(model.config, Config)  # of a diffusion model
        denoiser = build.make_galaxy_model(model.config, model.scaling, select_device(device))
        denoiser = model.fill(denoiser, weights)
        return cls(model.config, model.scaling, denoiser, model.redshifts)

    def sample(
        self,
        redshift: Sequence[float] | Floats,
        seed: int = 0,
        noise_id: Sequence[int] | None = None,
        sampler: str | None = None,
        steps: int | None = None,
    ) -> Floats:
        """Galaxies (n, C, H, W) float32 [count] at the redshifts (n,).

        Galaxy k depends on its redshift, `seed` and noise_id[k], which is k by default. On one
        machine, with one number of threads, it is the same bit for bit whichever others are asked
        for with it; in fp32 it is the same to 1e-4 of its brightest pixel on any device. Sampler
        and steps are the config's by default.
        """
        solver, levels = build.make_sampler(self.config, self.scaling, sampler, steps)
        return self.scaling.decode(self.solve(solver, levels, redshift, seed, noise_id).numpy())

    def solve(
        self,
        solver: Sampler,
        levels: Sequence[Level],
        redshift: Sequence[float] | Floats,
        seed: int = 0,
        noise_id: Sequence[int] | None = None,
    ) -> Tensor:
        """What `solver(denoise, x, levels, noise)`, such as a sampler, makes of the galaxies' noise
        x at the first of the levels: (..., n, C, H, W) float32 on the host, in the model's units.

        Matrix products round differently for different numbers of rows. So all batches have one
        size, and the last is filled up with galaxies that are thrown away.
        """
        z = np.asarray(redshift, dtype=np.float32)
        noise_id = range(len(z)) if noise_id is None else noise_id
        together = TOGETHER[self.device.type]
        pieces = []
        for start in range(0, len(z), together):
            rows = np.arange(start, start + together).clip(max=len(z) - 1)
            ids = [noise_id[row] for row in rows]
            found = self._solve_together(solver, levels, z[rows], seed, ids)
            pieces.append(found.narrow(-4, 0, min(together, len(z) - start)))
        return torch.cat(pieces, dim=-4)

    @torch.inference_mode()
    def _solve_together(
        self,
        solver: Sampler,
        levels: Sequence[Level],
        redshift: Floats,
        seed: int,
        ids: Sequence[int],
    ) -> Tensor:
        """The same for one batch."""
        side = self.config.data.image_size
        noise = GalaxyNoise(seed, ids, (len(self.config.data.bands), side, side), self.device)
        z = torch.from_numpy(redshift).to(self.device)
        bf16 = build.uses_bf16(self.config.sampling.precision, self.device)

        def denoise(x: Tensor, level: Level) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                image: Tensor = self.denoiser(x, level, z)
            return image

        alpha, sigma = levels[0]
        x = noise() * float(np.hypot(alpha * self.scaling.sigma_data, sigma))
        with full_fp32():
            return solver(denoise, x, levels, noise).float().cpu()


@contextmanager
def full_fp32() -> Iterator[None]:
    """Convolutions in fp32 as such: by default CUDA rounds their inputs to the 10 bits of TF32, by
    which a galaxy would differ from device to device."""
    conv = torch.backends.cudnn.conv  # type: ignore[attr-defined] # not in its types
    before = conv.fp32_precision
    conv.fp32_precision = "ieee"
    try:
        yield
    finally:
        conv.fp32_precision = before
