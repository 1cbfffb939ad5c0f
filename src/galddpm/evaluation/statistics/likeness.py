"""Do two models make the same galaxies of the same noise, whatever they were trained on?

Kadkhodaie et al. 2024 (arXiv:2310.02557): models that learnt the sky, and not their galaxies, come
to agree, even on disjoint training sets.
"""

import numpy as np
import torch

from galddpm.arrays import Floats
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.sky_noise import measure_sky
from galddpm.errors import UserError
from galddpm.evaluation.statistics.memorisation import find_space, vectors

MOST = 1000  # galaxies, from the first on
RIVALS = 20  # galaxies of about the same redshift that a twin is compared with


def likeness(samples: GalaxyFile, twins: GalaxyFile) -> float:
    """Share of galaxies whose twin, of the same redshift and noise by another model, is nearer than
    the `RIVALS` galaxies of that model next in redshift: 1 / (RIVALS + 1) by chance, 1 for the same
    model. Galaxies are compared as `memorisation` does, as they stand.

    Raises UserError where the two files do not hold the same redshifts, galaxy by galaxy.
    """
    if not np.array_equal(samples.redshift, twins.redshift):
        raise UserError(f"{twins.path}: specz_redshift: found others than in {samples.path}")
    rows = slice(0, MOST)
    flux = [file.images(rows) for file in (samples, twins)]
    noise = measure_sky(flux[0])[0]
    own, other = (vectors(stamps, noise) for stamps in flux)
    space = find_space(own)
    distance = torch.cdist(space.place(own), space.place(other)).numpy()
    return nearest_is_own(distance, samples.redshift[rows])


def nearest_is_own(distance: Floats, redshift: Floats) -> float:
    """How often the diagonal of distances (n, n) is the least among those next in redshift."""
    order = np.argsort(redshift, kind="stable")
    sorted_distance, places = distance[np.ix_(order, order)], np.arange(len(order))
    first = np.clip(places - RIVALS // 2, 0, max(0, len(order) - RIVALS - 1))
    near = (places >= first[:, None]) & (places <= first[:, None] + RIVALS)
    least = np.where(near, sorted_distance, np.inf).argmin(axis=1)
    return float((least == places).mean())
