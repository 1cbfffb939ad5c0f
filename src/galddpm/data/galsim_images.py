"""Galaxies as GalSim has them, to be drawn into scenes and simulations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from galddpm.data.survey import BANDS, PIXEL_SCALE
from galddpm.errors import UserError, not_installed

if TYPE_CHECKING:
    import galsim


def to_galsim(
    image: ArrayLike, bands: Sequence[str] = BANDS, pixel_scale: float = PIXEL_SCALE
) -> "list[dict[str, galsim.InterpolatedImage]]":
    """An InterpolatedImage of each band of each galaxy, with flux in counts at zero point 27.

    >>> light = galddpm.load("mock").sample([0.1, 0.5], noise=False)
    >>> galaxy = galddpm.to_galsim(light)[0]["i"]
    >>> galaxy.shift(0.1, 0.2).drawImage(scale=0.168, method="no_pixel")  # shifts in arcsec

    image: (n, C, H, W) [count], rows that go up; pixel_scale: [arcsec/pix].

    What is drawn has been seen through the survey's PSF and pixels already, so it is drawn with
    method="no_pixel"; for another instrument it is convolved with what that has beyond the survey
    (the PSFs of galddpm.data.survey). The flux is the sum of the stamp, neighbours and all. A stamp
    drawn without the instrument's noise (noise=False) is light alone; noise in it would be shifted
    and blurred with the galaxy. Outside the stamp there is nothing: light that reaches its edge is
    cut off there.

    Raises UserError without GalSim, and where the axes do not fit the bands or a pixel is not
    finite.
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim != 4 or pixels.shape[1] != len(bands):
        raise UserError(
            f"image: found shape {pixels.shape}, expected (n, {len(bands)}, rows, columns) for the"
            f" bands {', '.join(bands)}"
        )
    if not np.isfinite(pixels).all():
        raise UserError("image: found a pixel that is not finite")
    try:
        import galsim
    except ImportError:
        raise not_installed("galsim", "mock") from None
    return [
        {
            band: galsim.InterpolatedImage(galsim.Image(stamp, scale=pixel_scale))
            for band, stamp in zip(bands, galaxy, strict=True)
        }
        for galaxy in pixels
    ]
