"""Redshifts of given images, by the model that makes images of given redshifts."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from galddpm.arrays import Floats, Ints
from galddpm.data.redshift_density import redshift_density
from galddpm.devices import full_fp32
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.likelihood import integration_ratios, log_likelihoods
from galddpm.evaluation.photoz.probabilities import normalised

if TYPE_CHECKING:  # which offers what is here as its own
    from galddpm.inference.given_images import GivenImages

POSTERIOR = 2  # use of a galaxy's random numbers
LEVELS = 12  # of noise, at which a galaxy is looked at
LOWEST = 1.5  # noise down to which it is [sky sigma]
COARSE, FINE = 24, 16  # redshifts that are tried, of all and of those that are left
LEAST = 20.0  # ln of a likelihood over the largest, below which a redshift is out of the question
POINTS = 400  # of the densities
# by which logarithms of likelihoods are divided: 1 for an ideal denoiser. A trained one errs, most
# in bright cores, and is too sure of what its errors say; notebooks/posterior.ipynb finds the value
TEMPERATURE = 2.0


def method() -> list[float]:
    """What densities depend on besides model, images and noise."""
    return [LEVELS, LOWEST, COARSE, FINE, LEAST, POINTS, TEMPERATURE]


def redshift_grid(generator: "GivenImages") -> Floats:
    """Redshifts (POINTS,) of the training's range, even in ln(1+z)."""
    low, high = np.log1p(generator.redshifts[0]), np.log1p(generator.redshifts[-1])
    grid: Floats = np.expm1(np.linspace(low, high, POINTS))
    return grid


def redshift_posterior(
    generator: "GivenImages",
    flux: Floats,
    seed: int,
    noise_id: Ints,
    advance: Callable[[int], object],
) -> Floats:
    """p(z | image) (n, POINTS) at `redshift_grid`, of images (n, C, H, W) [count].

    By Bayes' theorem: the likelihood of each image (diffusion/likelihood.py) times the density of
    redshifts in the training set. It takes (COARSE + FINE) LEVELS evaluations a galaxy, in two
    passes: over the whole range, and where the first left anything possible.
    """
    grid = redshift_grid(generator)
    coarse = np.linspace(np.log1p(grid[0]), np.log1p(grid[-1]), COARSE)
    images = max(generator.together // COARSE, 1)
    rows = []
    for start in range(0, len(flux), images):
        some = slice(start, start + images)
        likelihoods = partial(_likelihoods, generator, flux[some], seed, noise_id[some])
        first = np.tile(coarse, (len(flux[some]), 1))
        found = likelihoods(first)
        second = np.stack([_possible(coarse, row) for row in found])
        tried = np.concatenate([first, second], axis=1)
        found = np.concatenate([found, likelihoods(second)], axis=1)
        rows += [_interpolated(np.log1p(grid), *row) for row in zip(tried, found, strict=True)]
        advance(len(found))
    return normalised(np.exp(rows) * redshift_density(grid, generator.redshifts), grid)


@torch.inference_mode()
def _likelihoods(
    generator: "GivenImages", flux: Floats, seed: int, noise_id: Ints, logarithm: Floats
) -> Floats:
    """ln of the likelihoods (n, Z) of images at their redshifts, ln(1 + z) (n, Z)."""
    scaling, device = generator.scaling, generator.device
    y = torch.from_numpy(scaling.encode(flux)).to(device)
    z = torch.from_numpy(np.expm1(logarithm).astype(np.float32)).to(device)
    noise = GalaxyNoise(seed, list(noise_id), tuple(y.shape[1:]), device, use=POSTERIOR)
    highest = generator.config.sampling.sigma_max  # where a galaxy is lost in noise
    ratios = integration_ratios(LEVELS, LOWEST * scaling.sky_sigma, highest)
    with full_fp32():
        found = log_likelihoods(generator.denoiser, y, z, ratios, noise, generator.together)
    return found.cpu().double().numpy()


def _possible(logarithm: Floats, likelihood: Floats) -> Floats:
    """FINE values of ln(1 + z) between the neighbours of those that are possible."""
    (possible,) = np.nonzero(likelihood > likelihood.max() - LEAST)
    low, high = max(possible[0] - 1, 0), min(possible[-1] + 1, len(logarithm) - 1)
    return np.linspace(logarithm[low], logarithm[high], FINE + 2)[1:-1]


def _interpolated(grid: Floats, logarithm: Floats, likelihood: Floats) -> Floats:
    """ln of the tempered likelihood over its largest, at the grid's ln(1 + z)."""
    order = np.argsort(logarithm)
    values: Floats = np.interp(grid, logarithm[order], likelihood[order])
    return np.asarray((values - values.max()) / TEMPERATURE)
