"""Magnitudes and colours in the aperture of the leading band."""

from collections.abc import Mapping
from itertools import pairwise

from galddpm.arrays import Array, Floats
from galddpm.data.magnitudes import magnitudes


def colours(aperture: Mapping[str, Floats]) -> dict[str, Array]:
    """`magnitude_BAND` of every band and `BAND-BAND` of neighbouring ones [mag], (N,).

    aperture: band: (N,) fluxes [count at zero point 27]. NaN where a flux is not positive.
    """
    magnitude = {band: magnitudes(flux) for band, flux in aperture.items()}
    result = {f"magnitude_{band}": values for band, values in magnitude.items()}
    pairs = pairwise(magnitude)
    return result | {f"{blue}-{red}": magnitude[blue] - magnitude[red] for blue, red in pairs}


def in_magnitudes(name: str) -> bool:
    """Whether a measurement is one of `colours`: the ratio of two such means has no meaning."""
    return name.startswith("magnitude_") or "-" in name
