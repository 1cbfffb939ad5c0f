"""What is compared on the images themselves: statistics, twins, and neighbours in training."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm._version import __version__
from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import GalaxyFile, shared_bands
from galddpm.data.sky_noise import measure_sky
from galddpm.errors import UserError
from galddpm.evaluation.statistics.distributions import LEAST
from galddpm.evaluation.statistics.image_classifiers import Told, carried_by, compare_by_statistics
from galddpm.evaluation.statistics.image_statistics import image_statistics
from galddpm.evaluation.statistics.matching import Selection, paired_splits
from galddpm.evaluation.statistics.memorisation import (
    Space,
    compare_memory,
    find_space,
    unique_fraction,
    vectors,
)
from galddpm.evaluation.statistics.spoilings import power
from galddpm.files import read_json, write_json

MOST = 1000  # galaxies a side: of more the linear model would take hours, and 64 GB
FLOORS = 2  # halvings of the real ones that are told apart
BLOCK = 4096  # training galaxies read at a time
EXAMPLES = 20  # galaxies shown that convince most, and least
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)  # of the log ratios
PARTS = ("pixels", "convincing", "carried_by", "log_ratio", "power", "unique_fraction", "memory")


def compare_images(
    real: GalaxyFile,
    generated: GalaxyFile,
    training: GalaxyFile | None,
    chosen: Selection,
    cache: Path | None = None,
) -> dict[str, Any]:
    """The values of `PARTS`, with a `reason` where one cannot be had.

    Of each side `MOST` of the galaxies compared, drawn at random, are looked at. training: what the
    model has seen. cache: a JSON file that keeps `power`, which the real galaxies alone determine.
    """
    rows = _drawn(chosen.real), _drawn(chosen.generated)
    nothing: dict[str, Any] = dict.fromkeys((*PARTS, "reason"))
    count = min(MOST, *map(len, rows))
    if count < LEAST:
        return nothing | {"reason": f"fewer than {LEAST} galaxies on a side"}
    rows = rows[0][:count], rows[1][:count]
    sides = [file.unchecked_images(r) for file, r in zip((real, generated), rows, strict=True)]
    noise = measure_sky(np.nan_to_num(sides[0]))[0]
    noise = np.maximum(noise, np.finfo(np.float32).tiny)
    found = _tell_apart(sides, noise, rows, (real, generated))
    found["power"] = _known_power(real, rows[0], chosen, noise, cache)
    return nothing | found | _copies(sides, noise, training)


def _drawn(rows: Ints) -> Ints:
    """All of the rows in random order, the same order for as many rows of the other side, so that
    partners stay at one place."""
    return rows[np.random.default_rng(0).permutation(len(rows))]


def _tell_apart(
    sides: Sequence[Floats],
    noise: Floats,
    rows: Sequence[Ints],
    files: Sequence[GalaxyFile],
) -> dict[str, Any]:
    """`pixels`, `convincing`, `carried_by` and `log_ratio`."""
    bands = shared_bands(files)
    real, generated = (image_statistics(side, noise, bands) for side in sides)
    redshift = [file.redshift[r] for file, r in zip(files, rows, strict=True)]
    splits = paired_splits(redshift[0], None)[:FLOORS]
    pixels, told, null = compare_by_statistics(real.values, generated.values, splits)
    pixels["reason"] = None
    return {
        "pixels": pixels,
        "convincing": _examples(told.log_ratio[len(rows[0]) :], rows, redshift),
        "carried_by": carried_by(real.values, generated.values, real.names),
        "log_ratio": _log_ratios(told, null),
    }


def _examples(
    log_ratio: Floats, rows: Sequence[Ints], redshift: Sequence[Floats]
) -> dict[str, list[dict[str, Any]]]:
    """The generated galaxies that convince most and least, each with the real one that is nearest
    in redshift, by their rows."""
    order = np.argsort(log_ratio)
    result = {}
    for name, places in (("most", order[:EXAMPLES]), ("least", order[::-1][:EXAMPLES])):
        partners = np.abs(redshift[0][:, None] - redshift[1][places]).argmin(axis=0)
        result[name] = [
            {
                "generated": int(rows[1][place]),
                "real": int(rows[0][partner]),
                "log_ratio": float(log_ratio[place]),
            }
            for place, partner in zip(places, partners, strict=True)
        ]
    return result


def _log_ratios(told: Told, null: Sequence[Told]) -> dict[str, list[float]]:
    """`QUANTILES` of the log ratios of both sides, and of either half of a real set."""
    real, generated = np.split(told.log_ratio, 2)
    halves = np.concatenate([split.log_ratio for split in null])
    sides = {"real": real, "generated": generated, "floor": halves}
    return {name: np.quantile(values, QUANTILES).tolist() for name, values in sides.items()}


def _known_power(
    real: GalaxyFile, rows: Ints, chosen: Selection, noise: Floats, cache: Path | None
) -> list[dict[str, Any]]:
    """`power` of as many galaxies as are compared, or of half of those where there are no more."""
    pool = _drawn(chosen.real)[: 2 * len(rows)]  # which begins with those that are compared
    half = len(pool) // 2
    known = {
        "real": real.fingerprint(),
        "rows": hashlib.sha256(pool.tobytes()).hexdigest(),
        "galddpm": __version__,
    }
    if cache and (found := _cached(cache, known)):
        return found
    bands = shared_bands([real])
    clean, flux = (real.unchecked_images(part) for part in (pool[:half], pool[half : 2 * half]))
    found = power(image_statistics(clean, noise, bands).values, np.nan_to_num(flux), noise, bands)
    if cache:
        write_json(cache, {"of": known, "power": found})
    return found


def _cached(cache: Path, known: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """What the file holds, if it is of these galaxies."""
    try:
        content = read_json(cache)
    except UserError:
        return None
    found: list[dict[str, Any]] | None = content.get("power")
    return found if content.get("of") == known else None


def _copies(sides: Sequence[Floats], noise: Floats, training: GalaxyFile | None) -> dict[str, Any]:
    """`unique_fraction` and `memory`."""
    real, generated = (vectors(side, noise) for side in sides)
    space = find_space(real)
    result: dict[str, Any] = {"unique_fraction": unique_fraction(generated, real, space)}
    if training is None:
        return result | {"reason": "memory: the training file is not known or not there"}
    if training.shape[1:] != sides[0].shape[1:]:
        return result | {"reason": f"memory: {training.path} holds other stamps"}
    places = _training_places(training, noise, space)
    return result | {"memory": compare_memory(real, generated, places, space)}


def _training_places(training: GalaxyFile, noise: Floats, space: Space) -> Tensor:
    """Where the galaxies of a whole file lie, a block at a time."""
    starts = range(0, len(training), BLOCK)
    blocks = (range(k, min(k + BLOCK, len(training))) for k in starts)
    read = (training.unchecked_images(block) for block in blocks)
    return torch.cat([space.place(vectors(block, noise)) for block in read])
