"""Pixel scaling: invertible maps between flux [count] and the model's pixels, fitted per band.

The paper names no scaling; asinh is this project's choice. `min_max` and `raw` are what the
authors' validation and training code do, kept to show what they cost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

MAD_TO_SIGMA = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Scaling:
    """pixels = (stretch(flux) - mean) / std, band by band; the constants are lists by band.

    In float32 throughout: decode(encode(x)) is x to 1e-5 of |x| plus 1e-5 softenings for asinh, to
    1e-6 of the range for min_max, and exactly x for raw.
    """

    name: str  # asinh, min_max or raw
    softening: tuple[float, ...]  # asinh: flux at which linear turns into logarithmic [count]
    mean: tuple[float, ...]  # of the stretched flux
    std: tuple[float, ...]
    sigma_data: float  # standard deviation of the encoded sample, about 1

    def encode(self, flux: np.ndarray) -> np.ndarray:
        """Flux (..., C, H, W) [count] to pixels."""
        pixels = flux.astype(np.float32)
        if self.name == "asinh":
            pixels /= _by_band(self.softening)
            np.arcsinh(pixels, out=pixels)
        pixels -= _by_band(self.mean)
        pixels /= _by_band(self.std)
        return pixels

    def decode(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (..., C, H, W) to flux [count]; nothing is clipped."""
        flux = pixels.astype(np.float32)
        flux *= _by_band(self.std)
        flux += _by_band(self.mean)
        if self.name == "asinh":
            np.sinh(flux, out=flux)
            flux *= _by_band(self.softening)
        return flux

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, constants: Mapping) -> "Scaling":
        by_band = ("softening", "mean", "std")
        return cls(**{**constants, **{name: tuple(constants[name]) for name in by_band}})


def fit_scaling(name: str, flux: np.ndarray, softening: float = 3.0) -> Scaling:
    """Fit the constants to a sample of galaxies (n, C, H, W) [count].

    asinh: the softening of a band is `softening` times its sky noise, the robust standard deviation
        of the sample's pixels; then zero mean and unit variance.
    min_max: one range for all bands, to [-1, 1].
    raw: unchanged.
    Raises ValueError for a sample without spread, or another name.
    """
    bands = flux.shape[1]
    if name == "asinh":
        fitted = [_fit_asinh(flux[:, band], softening, band) for band in range(bands)]
        return Scaling(name, *zip(*fitted, strict=True), sigma_data=1.0)
    spread = float(flux.std(dtype=np.float64))
    if spread == 0:
        raise ValueError("the sample is constant")
    if name == "min_max":
        low, high = float(flux.min()), float(flux.max())
        middle, half = (low + high) / 2, (high - low) / 2
        return Scaling(name, bands * (1.0,), bands * (middle,), bands * (half,), spread / half)
    if name == "raw":
        return Scaling(name, bands * (1.0,), bands * (0.0,), bands * (1.0,), spread)
    raise ValueError(f"scaling: found {name!r}, expected asinh, min_max or raw")


def _fit_asinh(flux: np.ndarray, softening: float, band: int) -> tuple[float, float, float]:
    """(softening [count], mean, std) of one band's pixels (n, H, W)."""
    median = np.median(flux)
    soft = float(softening * MAD_TO_SIGMA * np.median(np.abs(flux - median)))
    if soft <= 0:
        raise ValueError(f"band {band}: more than half of the sample's pixels are equal")
    stretched = np.arcsinh(flux / soft, dtype=np.float64)
    return soft, float(stretched.mean()), float(stretched.std())


def _by_band(constants: tuple[float, ...]) -> np.ndarray:
    return np.asarray(constants, dtype=np.float32)[:, None, None]
