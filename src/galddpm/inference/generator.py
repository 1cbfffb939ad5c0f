"""A trained model: redshifts in, galaxies out."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from galddpm import build
from galddpm.arrays import Floats, Ints
from galddpm.config.schema import Config
from galddpm.data.redshifts import as_redshifts
from galddpm.data.scaling import Scaling
from galddpm.devices import full_fp32, select_device
from galddpm.diffusion.galaxy_noise import LARGEST_ID, GalaxyNoise, as_noise_ids
from galddpm.diffusion.light import band_limited
from galddpm.diffusion.samplers import Denoise, Sampler
from galddpm.diffusion.schedule import Level
from galddpm.errors import UserError, require_whole
from galddpm.inference.conditions import as_conditions
from galddpm.inference.given_images import GivenImages
from galddpm.inference.instrument import with_noise
from galddpm.inference.model_file import ModelFile
from galddpm.inference.redshifts import check_redshifts
from galddpm.inference.steering import LEVELS, SAMPLER, steerable, steered
from galddpm.runs import called

MOST_NOISE = 1000.0  # times that of the training images
INSTRUMENT = 1  # use of a galaxy's random numbers


class Generator(GivenImages):
    """Galaxies with flux in counts at zero point 27, as the training files have it.

    >>> generator = galddpm.load("runs/quickstart")
    >>> generator
    <Generator runs/quickstart: bands g, r, i, z, y, 64 x 64 pixels, 3,841,892 parameters,
    trained from redshift 0.02 to 3.99, dpmpp_3m in 16 steps, on cpu>
    >>> flux = generator.sample([0.1, 0.5, 1.2], seed=3)  # (3, 5, 64, 64) counts
    >>> pictures = galddpm.rgb(flux)  # (3, 64, 64, 3), for matplotlib's imshow(..., origin="lower")
    >>> galddpm.magnitudes(flux.sum(axis=(-2, -1)))  # (3, 5) AB magnitudes of all light in a stamp

    A stamp has 0.168 arcsec in a pixel, rows that go up, and its galaxy in the middle.
    """

    def __init__(
        self,
        config: Config,
        scaling: Scaling,
        denoiser: nn.Module,
        redshifts: list[float],
        name: str = "without a file",
        trained_on: str = "",
    ):
        self.config, self.scaling, self.denoiser = config, scaling, denoiser
        self.redshifts = redshifts  # quantiles of those trained on
        self.name = name  # of the run folder or the model file
        self.trained_on = trained_on  # what the training file said of itself
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
        make = partial(build.make_galaxy_model, model.config, model.scaling)
        denoiser = model.made(make, select_device(device), weights)
        known = model.redshifts, called(run), model.trained_on
        return cls(model.config, model.scaling, denoiser, *known)

    def __repr__(self) -> str:
        data, sampling = self.config.data, self.config.sampling
        parameters = sum(p.numel() for p in self.denoiser.parameters())
        by = f"{sampling.sampler} in {sampling.steps} steps"
        return (
            f"<Generator {self.name}: bands {', '.join(data.bands)},"
            f" {data.image_size} x {data.image_size} pixels, {parameters:,} parameters,"
            f" trained from redshift {self.redshifts[0]:.2f} to"
            f" {self.redshifts[-1]:.2f}, {'a student' if self.config.distillation else by}, on"
            f" {self.device}>"
        )

    def sample(
        self,
        redshift: ArrayLike,
        seed: int = 0,
        noise_id: Sequence[int] | Ints | None = None,
        sampler: str | None = None,
        steps: int | None = None,
        extrapolate: bool = False,
        noise: float = True,
        conditions: Mapping[str, ArrayLike] | None = None,
    ) -> Floats:
        """Galaxies (n, C, H, W) float32 [count] at the redshifts (n,); a number is one redshift.

        Galaxy k depends on its redshift, `seed` and noise_id[k], which is k by default. On one
        machine, with one number of threads, it is the same bit for bit whichever others are asked
        for with it; in fp32 it is the same to 1e-4 of its brightest pixel on any device. Sampler
        and steps are by default the config's, or where something is asked `solver_for`'s. However
        many are asked for, few are worked on at a time; 1,000 galaxies of 5 x 64 x 64 pixels take
        82 MB.

        noise: share of the instrument's noise, such as 2 for a quarter of the exposure time. False
        leaves light alone (see `light_alone`).
        conditions: what else is asked for, each (n,), NaN for nothing: of a model that draws light
        total magnitudes, g_cmodel_mag to y_cmodel_mag, and i_half_light_radius [pixel]; of any
        model the columns that it was trained with.

        >>> generator.sample([0.3, 0.3], conditions={"i_cmodel_mag": [19.0, 22.0]})

        Warns of redshifts outside those trained on, or hardly seen in training. Raises UserError
        for an impossible argument, for redshifts far outside unless `extrapolate`, and for light
        without noise from a model that draws images (sampling.ending).
        """
        self.require_light(noise)
        z = as_redshifts(redshift)
        seed, ids = require_whole("seed", seed, 0, LARGEST_ID), as_noise_ids(noise_id, len(z))
        for warning in check_redshifts(z, self.redshifts, extrapolate):
            warnings.warn(warning, stacklevel=2)
        others = as_conditions(conditions or {}, self.askable, len(z), self.name)
        sampler, steps = self.solver_for(conditions or {}, sampler, steps)
        images = self.draw(z, seed, ids, sampler, steps, noise, conditions=others)
        return images if noise else self.light_alone(images)

    @property
    def askable(self) -> dict[str, tuple[float, float]]:
        """Columns that can be asked for beside redshift, and their least and greatest values: those
        that galaxies are steered to, and those that the network was trained with."""
        return self._steerable | self.config.conditions.columns

    @property
    def _steerable(self) -> dict[str, tuple[float, float]]:
        if not self.draws_light or self.config.distillation:
            return {}
        return steerable(self.config.data.bands, self.config.data.image_size)

    def solver_for(
        self, asked: Iterable[str], sampler: str | None = None, steps: int | None = None
    ) -> tuple[str | None, int | None]:
        """Sampler and steps as given, None for the config's; but where galaxies are steered to some
        of what is asked, by default those that bring them there (inference/steering.py)."""
        if self._steerable.keys().isdisjoint(asked):
            return sampler, steps
        most = max(LEVELS, self.config.sampling.steps)
        return sampler or SAMPLER, most if steps is None else steps

    def require_light(self, noise: float) -> None:
        """Raise UserError for a share of noise that is none, and where other noise is asked than
        that of the images which a model draws."""
        if not 0 <= noise <= MOST_NOISE:
            raise UserError(f"noise: found {noise:g}, expected 0 to {MOST_NOISE:g}")
        if noise != 1 and not self.draws_light:
            raise UserError(
                f"noise: {self.name} draws images with their noise, for light alone a model with"
                " sampling.ending light is needed"
            )

    def draw(
        self,
        redshift: Floats,
        seed: int,
        noise_id: Sequence[int] | Ints,
        sampler: str | None = None,
        steps: int | None = None,
        noise: float = True,
        advance: Callable[[int], object] = lambda galaxies: None,
        conditions: Floats | None = None,
    ) -> Floats:
        """What `sample` returns, for callers that have checked redshifts, seed and numbers.

        conditions: (n, K), values of `askable`; None: nothing is asked. advance: is told of so many
        galaxies more that were solved.
        """
        solver, levels = build.make_sampler(self.config, self.scaling, sampler, steps)
        told, held = redshift, None
        if conditions is not None:
            columns = dict(zip(self.askable, conditions.T, strict=True))
            told = np.column_stack(
                [redshift, *(columns[n] for n in self.config.conditions.columns)]
            )
            held = np.array([columns[name] for name in self._steerable]).T
            held = None if np.isnan(held).all() else held  # also where nothing can be steered
        solved = self.solve(solver, levels, told, seed, noise_id, advance, held)
        if not self.draws_light:
            return self.scaling.decode(solved.numpy())
        return self._observed(solved, seed, noise_id, noise)

    def _observed(
        self, solved: Tensor, seed: int, noise_id: Sequence[int] | Ints, noise: float
    ) -> Floats:
        """Light (n, C, H, W) in the model's units as images [count], with so much of the
        instrument's noise."""
        limit = self.config.sampling.band_limit
        light = self.scaling.decode((band_limited(solved, limit) if limit else solved).numpy())
        if not noise:
            return light
        normal = GalaxyNoise(seed, list(noise_id), light.shape[1:], use=INSTRUMENT)
        return with_noise(light, np.float32(noise) * normal().numpy(), self.scaling)

    def solve(
        self,
        solver: Sampler,
        levels: Sequence[Level],
        condition: Sequence[float] | Floats,
        seed: int = 0,
        noise_id: Sequence[int] | Ints | None = None,
        advance: Callable[[int], object] = lambda galaxies: None,
        asked: Floats | None = None,
    ) -> Tensor:
        """What `solver(denoise, x, levels, noise)`, such as a sampler, makes of the galaxies' noise
        x at the first of the levels: (..., n, C, H, W) float32 on the host, in the model's units.
        condition: redshifts (n,), or (n, 1 + K) with what else the network is told. asked: (n, S),
        what galaxies are steered to (inference/steering.py).

        Matrix products round differently for different numbers of rows. So all batches have one
        size, and the last is filled up with galaxies that are thrown away.
        """
        z = np.asarray(condition, dtype=np.float32)
        noise_id = range(len(z)) if noise_id is None else noise_id
        together = self.together
        pieces = []
        for start in range(0, len(z), together):
            rows = np.arange(start, start + together).clip(max=len(z) - 1)
            ids = [noise_id[row] for row in rows]
            held = None if asked is None else asked[rows]
            found = self._solve_together(solver, levels, z[rows], seed, ids, held)
            count = min(together, len(z) - start)
            pieces.append(found.narrow(-4, 0, count))
            advance(count)
        return torch.cat(pieces, dim=-4)

    @torch.inference_mode()
    def _solve_together(
        self,
        solver: Sampler,
        levels: Sequence[Level],
        condition: Floats,
        seed: int,
        ids: Sequence[int],
        asked: Floats | None,
    ) -> Tensor:
        """The same for one batch."""
        noise = GalaxyNoise(seed, ids, self.shape, self.device)
        z = torch.from_numpy(condition).to(self.device)
        bf16 = build.uses_bf16(self.config.sampling.precision, self.device)

        def denoise(x: Tensor, level: Level) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                image: Tensor = self.denoiser(x, level, z)
            return image

        estimate: Denoise = denoise
        if asked is not None:
            wanted = torch.from_numpy(asked).to(self.device, torch.float32)
            scaling, bands = self.scaling, self.config.data.bands
            estimate = steered(denoise, wanted, scaling, bands, build.make_sky_noise(scaling))
        alpha, sigma = levels[0]
        x = noise() * float(np.hypot(alpha * self.scaling.sigma_data, sigma))
        with full_fp32():
            return solver(estimate, x, levels, noise).float().cpu()
