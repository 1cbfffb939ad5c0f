"""Images of several bands as pictures in colour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from galddpm.arrays import Floats
from galddpm.data.survey import BANDS
from galddpm.errors import UserError

DEFAULT = ("i", "r", "g")
# weights, so that a spiral of today is nearly white, as in the survey's own pictures
BALANCE = {"g": 1.6, "r": 1.15, "i": 1.0, "z": 0.85, "y": 0.75}
FADING = 4  # how soon light beyond white loses its colour


def rgb(
    image: ArrayLike,
    shown: Sequence[str] | None = None,
    bands: Sequence[str] = BANDS,
    softening: float = 0.25,
    white: float = 25.0,
) -> Floats:
    """Pictures (..., H, W, 3) in 0 to 1 of images (..., C, H, W) [count at zero point 27], with one
    asinh stretch for all three colours (Lupton et al. 2004, arXiv:astro-ph/0312483, eq. 2). The
    bands are weighted with BALANCE, so that light of equal AB magnitudes is blue.

    >>> plt.imshow(galddpm.rgb(flux[0]), origin="lower")

    Parameters
    ----------
    shown: bands to be red, green and blue, such as "zig"; None: i, r, g, or the first band in grey
        where the image lacks one of them.
    bands: of the image's third axis from the end, in order.
    softening, white: where the stretch leaves its linear part, and where it saturates [count]:
        brighter light fades from its colour to white. They do not depend on the image, so that
        brightness can be compared.

    A pixel that is not finite is black. Raises UserError where the axes do not fit the bands.
    """
    pixels = np.asarray(image)
    if pixels.ndim < 3 or pixels.shape[-3] != len(bands):
        raise UserError(
            f"image: found shape {pixels.shape}, expected (..., {len(bands)}, rows, columns) for"
            f" the bands {', '.join(bands)}"
        )
    planes = [BALANCE.get(bands[k], 1.0) * pixels[..., k, :, :] for k in _planes(shown, bands)]
    colours = np.nan_to_num(np.stack(planes, -1))
    intensity = np.maximum(colours.mean(axis=-1, keepdims=True), 1e-6)
    stretched = np.arcsinh(intensity / softening) / np.arcsinh(white / softening)
    picture = np.maximum(colours, 0) * stretched / intensity
    beyond = np.maximum(picture.max(axis=-1, keepdims=True), 1)
    faded: Floats = 1 - (1 - picture / beyond) / beyond**FADING
    return faded


def _planes(shown: Sequence[str] | None, bands: Sequence[str]) -> list[int]:
    """Which planes are red, green and blue."""
    if shown is None:
        whole = set(DEFAULT) <= set(bands)
        return [bands.index(band) for band in DEFAULT] if whole else [0, 0, 0]
    if len(shown) != 3 or not set(shown) <= set(bands):
        raise UserError(f"shown: found {shown!r}, expected three of {', '.join(bands)}")
    return [bands.index(band) for band in shown]
