"""What a trained model makes of images that it is given."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from galddpm.arrays import Floats, Ints
from galddpm.config.schema import Config
from galddpm.data.redshifts import as_redshifts
from galddpm.data.scaling import Scaling
from galddpm.diffusion.galaxy_noise import LARGEST_ID, as_noise_ids
from galddpm.diffusion.samplers import Denoise
from galddpm.diffusion.schedule import Level
from galddpm.errors import UserError, require_whole
from galddpm.inference.central_galaxy import above_sky
from galddpm.inference.evolution import evolved_light
from galddpm.inference.filling import denoised_light, filled_light
from galddpm.inference.posterior import redshift_grid, redshift_posterior
from galddpm.inference.redshifts import check_redshifts

# galaxies that are solved at once; on a CPU larger batches gain a tenth, on a GPU six times
TOGETHER = {"cpu": 8, "cuda": 512, "mps": 8}
LEAST_SIGMA, MOST_SIGMA = 1.5, 1e4  # of noise that is taken away, in units of the survey's
OF_SOFTENING = 0.5  # the most noise over an asinh's softening: it is linear only far below


class GivenImages(ABC):
    """The part of a Generator that starts from images (n, C, H, W) [count], and what it needs."""

    config: Config
    scaling: Scaling
    denoiser: nn.Module
    redshifts: list[float]  # quantiles of those trained on
    name: str  # of the run folder or the model file
    device: torch.device

    @abstractmethod
    def _observed(
        self, solved: Tensor, seed: int, noise_id: Sequence[int] | Ints, noise: float
    ) -> Floats:
        """Light (n, C, H, W) in the model's units as images [count]."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a galaxy: (bands, rows, columns)."""
        side = self.config.data.image_size
        return len(self.config.data.bands), side, side

    @property
    def together(self) -> int:
        """Galaxies that are solved at once."""
        return TOGETHER[self.device.type]

    @property
    def draws_light(self) -> bool:
        """Whether what is solved is light, to which the noise of the instrument is added."""
        return self.config.sampling.ending == "light"

    def denoise_at(self, redshift: Tensor) -> Denoise:
        """The denoiser of galaxies of redshifts (n,), in the model's units, as samplers take it."""

        def denoise(x: Tensor, level: Level) -> Tensor:
            image: Tensor = self.denoiser(x, level, redshift)
            return image

        return denoise

    def redshift_posterior(
        self,
        flux: ArrayLike,
        seed: int = 0,
        noise_id: Sequence[int] | Ints | None = None,
        advance: Callable[[int], object] = lambda galaxies: None,
    ) -> tuple[Floats, Floats]:
        """Redshifts z (M,) of the training's range, and p(z | image) (n, M) of images (n, C, H, W)
        [count]: their likelihoods under this model, times the density of redshifts it was trained
        on.

        >>> z, density = generator.redshift_posterior(flux)
        >>> plt.plot(z, density[0])

        It takes 480 evaluations a galaxy, 16 seconds on a slow CPU core, under noise of `seed` and
        noise_id (n,), 0, 1, ... by default. advance: is told of so many galaxies more. Raises
        UserError for images of another shape, or with a pixel that is not finite, and of a student,
        which knows no likelihoods.
        """
        images = np.asarray(flux, dtype=np.float32)
        self._require_images(images)
        if self.config.distillation:
            raise UserError(f"{self.name}: a student, expected the model that taught it")
        seed, ids = require_whole("seed", seed, 0, LARGEST_ID), as_noise_ids(noise_id, len(images))
        return redshift_grid(self), redshift_posterior(self, images, seed, ids, advance)

    def evolve(
        self,
        flux: ArrayLike,
        redshift: ArrayLike,
        to: ArrayLike,
        seed: int = 0,
        noise: bool = True,
        advance: Callable[[int], object] = lambda galaxies: None,
    ) -> Floats:
        """Galaxies (n, C, H, W) [count] of redshifts (n,) as they are at other redshifts (F,): (n,
        F, C, H, W) [count].

        >>> later = generator.evolve(flux[:1], redshift[:1], [0.1, 0.5, 1.0])

        Each galaxy's noise is found and solved again (inference/evolution.py), in 44 evaluations
        and 45 more for each redshift. noise: False leaves light alone, as in `sample`. Raises
        UserError as `sample` and `redshift_posterior` do, and for a model that draws images
        (sampling.ending).
        """
        images = np.asarray(flux, dtype=np.float32)
        self._require_images(images)
        self._require_flow()
        own, others = self._one_each(redshift, images), as_redshifts(to)
        for warning in check_redshifts(others, self.redshifts):
            warnings.warn(warning, stacklevel=2)
        seed, ids = require_whole("seed", seed, 0, LARGEST_ID), as_noise_ids(None, len(images))
        light = evolved_light(self, images, own, others, seed, ids, advance)
        seen = self._observed(light.flatten(0, 1), seed, np.repeat(ids, len(others)), noise)
        return (seen if noise else self.light_alone(seen)).reshape(light.shape)

    def fill(
        self,
        flux: ArrayLike,
        hidden: ArrayLike,
        redshift: ArrayLike,
        seed: int = 0,
        noise: bool = True,
        advance: Callable[[int], object] = lambda galaxies: None,
    ) -> Floats:
        """Images (n, C, H, W) [count] of redshifts (n,) with the pixels that are `hidden`, (n, H,
        W) or (n, C, H, W), drawn to go with the others: gaps, trails, stars in the way.

        >>> whole = generator.fill(flux, flux == 0, redshift)

        What is not hidden stays as it is; what is drawn differs from seed to seed, as far as the
        seen pixels leave open what the hidden ones are. It takes 60 evaluations a galaxy
        (inference/filling.py). noise: False leaves the drawn pixels without the instrument's noise.
        Raises UserError as `evolve` does, and where `hidden` has another shape.
        """
        images, gaps = np.asarray(flux, dtype=np.float32), np.asarray(hidden)
        gaps = gaps[:, None] if gaps.ndim == 3 else gaps
        if gaps.dtype != bool or gaps.shape not in (
            images.shape,
            (len(images), 1, *self.shape[1:]),
        ):
            raise UserError(
                f"hidden: found {gaps.dtype} of shape {gaps.shape}, expected true or false for each"
                " pixel of each image, or of each band too"
            )
        gaps = np.broadcast_to(gaps, images.shape)
        self._require_images(np.where(gaps, 0, images))
        self._require_flow()
        z = self._one_each(redshift, images)
        seed, ids = require_whole("seed", seed, 0, LARGEST_ID), as_noise_ids(None, len(images))
        light = filled_light(self, images, gaps, z, seed, ids, advance)
        return np.where(gaps, self._observed(light, seed, ids, noise), images)

    def denoise(self, flux: ArrayLike, sigma: float, redshift: ArrayLike) -> Floats:
        """Light (n, C, H, W) [count] that is expected under images (n, C, H, W) [count] of
        redshifts (n,), whose noise is `sigma` times the survey's, from 1.5 on: a prior for one's
        own inference. By Tweedie's formula its difference from the image, over the noise's
        variance, is the slope of the logarithm of the density of such images.

        >>> noisy = flux + 2 * np.array(generator.scaling.sky)[:, None, None] * white_noise
        >>> light = generator.denoise(noisy, 5**0.5, redshift)

        What sigma has beyond 1 is taken to be white. Raises UserError as `evolve` does, for a
        smaller sigma, which the model was not trained for, and for one beyond half the softening
        of an asinh, 10 for the model that comes along, which would bend such noise.
        """
        images = np.asarray(flux, dtype=np.float32)
        self._require_images(images)
        self._require_flow()
        most = self._most_sigma
        if not LEAST_SIGMA <= sigma <= most:
            raise UserError(
                f"sigma: found {sigma:g}, expected {LEAST_SIGMA:g} to {most:g}, in units of the"
                " survey's noise"
            )
        light = denoised_light(self, images, float(sigma), self._one_each(redshift, images))
        return self._observed(light, 0, as_noise_ids(None, len(images)), noise=False)

    @property
    def _most_sigma(self) -> float:
        if self.scaling.name != "asinh":
            return MOST_SIGMA
        return OF_SOFTENING * float(np.divide(self.scaling.softening, self.scaling.sky).min())

    def light_alone(self, light: Floats) -> Floats:
        """Light (n, C, H, W) [count] without what was left of the sky in the images that were
        trained on, at most seven tenths of the sky's noise."""
        return above_sky(light, self.scaling.sky)

    def _require_flow(self) -> None:
        if not self.draws_light or self.config.distillation:
            raise UserError(
                f"{self.name}: found a model that draws images, or a student; expected one with"
                " sampling.ending light"
            )

    def _one_each(self, redshift: ArrayLike, images: Floats) -> Floats:
        z = as_redshifts(redshift)
        if len(z) != len(images):
            raise UserError(f"redshift: found {len(z)}, expected one a galaxy, {len(images)}")
        return z

    def _require_images(self, images: Floats) -> None:
        if images.ndim != 4 or images.shape[1:] != self.shape:
            expected = ", ".join(map(str, self.shape))
            raise UserError(f"flux: found shape {images.shape}, expected (n, {expected})")
        if not np.isfinite(images).all():
            raise UserError("flux: a pixel is not finite, expected counts")
