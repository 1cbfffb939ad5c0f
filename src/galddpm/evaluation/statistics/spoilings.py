"""Faults put into real galaxies, so that a verdict can be read: what would have been caught?"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from galddpm.arrays import Floats
from galddpm.evaluation.statistics.classifiers import accuracy, held_out_scores, linear, told_right
from galddpm.evaluation.statistics.image_classifiers import normal_scores
from galddpm.evaluation.statistics.image_statistics import image_statistics

LUMPS, LUMP_LIGHT, LUMP_SIGMA, LUMP_REACH = 5, 0.01, 1.5, 4.0  # a galaxy; of its light; [pix] twice
APERTURE = 12.0  # [pix] of that light
CORE = 2.0  # [pix] radius of the flat one
BLOCK = 250  # galaxies at a time

# stamps (n, C, H, W) and the sky's noise (C, 1, 1) [count] to stamps
Spoiling = Callable[[Floats, Floats, np.random.Generator], Floats]


def noisier(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    return flux + 0.3 * sky_sigma * rng.standard_normal(flux.shape, dtype=np.float32)


def brighter(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    return 1.05 * flux


def on_a_sky(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    return flux + 0.05 * sky_sigma


def blurred(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    smooth: Floats = gaussian_filter(flux, (0, 0, 0.3, 0.3))
    return smooth


def out_of_register(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    moved = flux.copy()
    moved[:, 0] = shift(flux[:, 0], (0, 0.3, 0), order=3, mode="nearest")
    return moved


def lumpy(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    lit = flux.copy()
    y, x = _places(flux)
    for galaxy in lit:
        light = LUMP_LIGHT * galaxy[:, np.hypot(y, x) < APERTURE].sum(axis=-1).clip(min=0)
        for down, across in rng.normal(0, LUMP_REACH / np.sqrt(2), (LUMPS, 2)):
            lump = np.exp(-((y - down) ** 2 + (x - across) ** 2) / (2 * LUMP_SIGMA**2))
            galaxy += light[:, None, None] * (lump / lump.sum())
    return lit


def flat_in_the_middle(flux: Floats, sky_sigma: Floats, rng: np.random.Generator) -> Floats:
    flat, core = flux.copy(), np.hypot(*_places(flux)) <= CORE
    flat[..., core] = flux[..., core].mean(axis=-1, keepdims=True)
    return flat


SPOILINGS: dict[str, Spoiling] = {
    "white noise of 0.3 sky rms added": noisier,
    "all counts times 1.05": brighter,
    "sky raised by 0.05 of its rms": on_a_sky,
    "a blur of 0.3 pix": blurred,
    "the first band moved by 0.3 pix": out_of_register,
    "5 % of the light in lumps": lumpy,
    "a flat core of 2 pix": flat_in_the_middle,
}


def power(
    clean: Floats, flux: Floats, sky_sigma: Floats, bands: Sequence[str]
) -> list[dict[str, Any]]:
    """How often the linear model alone tells real galaxies with each fault from others without.

    clean: statistics (n, d) of the others; flux: (n, C, H, W) [count], to be spoilt; sky_sigma:
    (C,) [count].
    """
    noise = sky_sigma.astype(np.float32)[:, None, None]
    found = []
    for name, spoil in SPOILINGS.items():
        rng = np.random.default_rng(0)
        blocks = (flux[k : k + BLOCK] for k in range(0, len(flux), BLOCK))
        tables = [image_statistics(spoil(b, noise, rng), sky_sigma, bands).values for b in blocks]
        scores = held_out_scores(normal_scores(clean, np.concatenate(tables)), linear)
        found.append({"name": name, **accuracy(told_right(scores))})
    return found


def _places(flux: Floats) -> tuple[Floats, Floats]:
    """Rows and columns (H, W) from the stamp's middle [pix]."""
    height, width = flux.shape[-2:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return y - (height - 1) / 2, x - (width - 1) / 2
