"""Pixels of a galaxy and its surroundings, as Hyper Suprime-Cam would see them.

All light is added wave by wave, multiplied by the PSF of each band, and transformed back together.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.random import Generator

from galddpm.arrays import Array, Floats
from galddpm.data.survey import BANDS
from galddpm.mock.morphology import Source, build
from galddpm.mock.profiles import Knots, Profile, knots_wave, profile_wave
from galddpm.mock.psf import Psfs
from galddpm.mock.selection import choose
from galddpm.mock.structure import disc_wave
from galddpm.mock.surroundings import Surroundings, draw_surroundings

CENTRE_SCATTER = 0.25  # of the galaxy's place along each axis [pix]
MARGIN = 33  # pixels around the stamp that keep the repeating canvas from wrapping round
REACH = 8.0  # half-light radii of the central galaxy that the canvas holds
LARGEST = 512  # [pix] side of a canvas


@dataclass(frozen=True)
class Scene:
    central: Source
    around: Surroundings


def draw_scene(rng: Generator, stamp: int) -> Scene:
    """What lies in a stamp of `stamp` pixels on a side."""
    central = build(rng, choose(rng), rng.normal(0, CENTRE_SCATTER, 2))
    return Scene(central, draw_surroundings(rng, central, stamp))


def light_without_noise(scene: Scene, psfs: Psfs, stamp: int) -> Floats:
    """(5, stamp, stamp) float32 [count]; the centre is pixel stamp // 2."""
    canvas = canvas_side(scene, stamp)
    bands = _light_waves(scene, canvas) * psfs.waves(canvas)
    pixels = scipy.fft.irfft2(bands, s=(canvas, canvas))
    pixels = np.roll(pixels, (stamp // 2, stamp // 2), axis=(1, 2))
    return np.ascontiguousarray(pixels[:, :stamp, :stamp], dtype=np.float32)


def canvas_side(scene: Scene, stamp: int) -> int:
    """Even, a product of small factors, and larger for galaxies that fill the stamp."""
    wanted = min(max(stamp + MARGIN, REACH * scene.central.r_eff), LARGEST)
    return 2 * int(scipy.fft.next_fast_len(int(np.ceil(wanted / 2)), real=True))


def _light_waves(scene: Scene, canvas: int) -> Array:
    """Transform (5, canvas, canvas // 2 + 1) of all light, complex64."""
    sources = (scene.central, *scene.around.galaxies)
    profiles = [profile for source in sources for profile in source.profiles]
    spots = [spot for source in sources for spot in source.knots]
    spots += [star.point for star in scene.around.stars]
    total = np.zeros((len(BANDS), canvas, canvas // 2 + 1), np.complex64)
    for profile in (*profiles, *scene.around.faint):
        _add(total, profile, profile_wave(profile, canvas))
    for spot in spots:
        _add(total, spot, knots_wave(spot, canvas))
    for source in sources:
        for disc in source.discs:
            total += disc_wave(disc, canvas)
    return total


def _add(total: Array, part: Profile | Knots, wave: Array) -> None:
    total += part.flux.astype(np.float32)[:, None, None] * wave
