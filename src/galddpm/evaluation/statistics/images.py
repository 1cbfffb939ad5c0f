"""What is compared on the images themselves: pixels, twins, and neighbours in the training set."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import sky_noise
from galddpm.evaluation.statistics.classifiers import compare_by_pixels
from galddpm.evaluation.statistics.distributions import LEAST
from galddpm.evaluation.statistics.matching import Selection
from galddpm.evaluation.statistics.memorisation import compare_memory, unique_fraction, vectors

MOST = 1000  # galaxies a side
BLOCK = 4096  # training galaxies read at a time


def compare_images(
    real: GalaxyFile, generated: GalaxyFile, training: GalaxyFile | None, chosen: Selection
) -> dict[str, Any]:
    """`pixels`, `unique_fraction` and `memory`, with a reason where one cannot be had.

    Of each side the first `MOST` of the galaxies compared. training: what the model has seen.
    """
    sides = [
        file.unchecked_images(rows[:MOST])
        for file, rows in ((real, chosen.real), (generated, chosen.generated))
    ]
    if min(map(len, sides)) < LEAST:
        reason = f"fewer than {LEAST} galaxies on a side"
        return {"pixels": None, "unique_fraction": None, "memory": None, "reason": reason}
    noise = np.array([sky_noise(np.nan_to_num(sides[0][:, k]))[0] for k in range(real.shape[1])])
    noise = np.maximum(noise, np.finfo(np.float32).tiny)
    seen = [vectors(side, noise) for side in sides]
    result: dict[str, Any] = {
        "pixels": compare_by_pixels(sides[0], sides[1], noise),
        "unique_fraction": unique_fraction(seen[1], seen[0]),
        "memory": None,
        "reason": None,
    }
    if training is None:
        return result | {"reason": "memory: the training file is not known or not there"}
    if training.shape[1:] != real.shape[1:]:
        return result | {"reason": f"memory: {training.path} holds other stamps"}
    return result | {"memory": compare_memory(seen[0], seen[1], training_vectors(training, noise))}


def training_vectors(training: GalaxyFile, noise: Floats) -> Tensor:
    """The vectors of a whole file, a block at a time."""
    starts = range(0, len(training), BLOCK)
    blocks = (range(k, min(k + BLOCK, len(training))) for k in starts)
    return torch.cat([vectors(training.unchecked_images(block), noise) for block in blocks])
