"""FITS files that hold no PSF."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from bad_inputs.case import Case


def psfs(rng: random.Random) -> Case:
    """FITS files that hold no PSF."""
    path = Path("bad.fits")
    path.unlink(missing_ok=True)
    plane = np.ones((15, 15), np.float32)
    spoilt: dict[str, Callable[[], Any]] = {
        "of even size": lambda: plane[: rng.choice([2, 8, 14])],
        "empty": lambda: None,
        "without light": lambda: 0 * plane,
        "not finite": lambda: np.where(np.eye(15) > rng.random(), np.nan, plane),
        "negative": lambda: -rng.random() * plane,
        "of another number of planes": lambda: np.stack([plane] * rng.choice([2, 3, 4, 6, 9])),
        "of too many axes": lambda: plane[None, None, None],
        "a line": lambda: plane[0],
        "no FITS": lambda: rng.randbytes(rng.randint(0, 3000)),
    }
    wrong = rng.choice(sorted(spoilt))
    held = spoilt[wrong]()
    if isinstance(held, bytes):
        path.write_bytes(held)
    else:
        fits.PrimaryHDU(held).writeto(path)
    sides = ["--real", "good.hdf5", "--generated", "good.hdf5", "--out", "new"]
    return Case("PSF", f"{wrong}, {rng.random():.6f}", ["evaluate", *sides, "--psf", "bad.fits"])
