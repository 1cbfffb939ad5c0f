"""Pixel scaling: invertible maps between flux [count] and the model's pixels, fitted per band.

The paper names no scaling; asinh is this project's choice. `min_max` is what the authors'
validation code does, kept to show what it costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats

DARK = 0.4  # of a stamp that is taken for sky: its darkest pixels
MAD_TO_SIGMA = 1.4826  # of a normal distribution
STRETCHED_MOST = 12.0  # asinh of 80,000 softenings: brighter than any pixel


@dataclass(frozen=True)
class Scaling:
    """pixels = (stretch(flux) - mean) / std, band by band; the constants are lists by band.

    In float32 throughout: decode(encode(x)) is x to 1e-5 of |x| plus 1e-5 softenings for asinh, and
    to 1e-6 of the range for min_max.
    """

    name: str  # asinh or min_max
    softening: tuple[float, ...]  # asinh: flux at which linear turns into logarithmic [count]
    mean: tuple[float, ...]  # of the stretched flux
    std: tuple[float, ...]
    sigma_data: float  # standard deviation of the encoded sample, about 1
    sky_sigma: float  # standard deviation of the encoded sky noise
    sky_smoothing: (
        float  # a, where that noise is white noise smoothed with (a, 1, a); mean of bands
    )

    def encode(self, flux: Floats) -> Floats:
        """Flux (..., C, H, W) [count] to pixels."""
        pixels = flux.astype(np.float32)
        if self.name == "asinh":
            pixels /= _by_band(self.softening)
            np.arcsinh(pixels, out=pixels)
        pixels -= _by_band(self.mean)
        pixels /= _by_band(self.std)
        return pixels

    def decode(self, pixels: Floats) -> Floats:
        """Pixels (..., C, H, W) to flux [count]; nothing is clipped."""
        flux = pixels.astype(np.float32)
        flux *= _by_band(self.std)
        flux += _by_band(self.mean)
        if self.name == "asinh":
            np.sinh(flux, out=flux)
            flux *= _by_band(self.softening)
        return flux

    def sky_sigma_at(self, pixels: Tensor) -> Tensor:
        """Standard deviation of the encoded sky noise on light of `pixels`, (..., C, H, W): asinh
        leaves less of it where it is bright."""
        if self.name != "asinh":
            return torch.full_like(pixels, self.sky_sigma)
        mean, std = (_column(band, pixels.device) for band in (self.mean, self.std))
        stretched = (pixels * std + mean).clamp(-STRETCHED_MOST, STRETCHED_MOST)
        return self.sky_sigma / torch.cosh(stretched)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, constants: Mapping[str, Any]) -> "Scaling":
        by_band = ("softening", "mean", "std")
        return cls(**{**constants, **{name: tuple(constants[name]) for name in by_band}})


@lru_cache
def _column(values: tuple[float, ...], device: torch.device) -> Tensor:
    """One value a band, (C, 1, 1), copied to the device once and not in every training step."""
    return torch.tensor(values, device=device)[:, None, None]


def fit_scaling(name: str, flux: Floats, softening: float = 5.0) -> Scaling:
    """Fit the constants to a sample of galaxies (n, C, H, W) [count].

    asinh: the softening of a band is `softening` times its sky noise; then zero mean in each band
        and unit variance over all, so that the sky's noise is the same in every band.
    min_max: one range for all bands, to [-1, 1].
    Raises ValueError for a sample without spread, or another name.
    """
    bands = flux.shape[1]
    sky, kernels = zip(*(sky_noise(flux[:, band]) for band in range(bands)), strict=True)
    smoothing = float(np.mean(kernels))
    for band, noise in enumerate(sky):
        if noise == 0:
            raise ValueError(f"band {band}: most pixels of most galaxies are equal")
    if name == "asinh":
        return _fit_asinh(flux, softening, sky, smoothing)
    if name != "min_max":
        raise ValueError(f"scaling: found {name!r}, expected asinh or min_max")
    spread = float(flux.std(dtype=np.float64))
    low, high = float(flux.min()), float(flux.max())
    middle, half = (low + high) / 2, (high - low) / 2
    constants = bands * (1.0,), bands * (middle,), bands * (half,)
    return Scaling(name, *constants, spread / half, float(np.mean(sky)) / half, smoothing)


def sky_noise(flux: Floats) -> tuple[float, float]:
    """(standard deviation of a sky pixel [count], a of the noise's kernel (a, 1, a)) in the stamps
    (n, H, W) of one band; (0, 0) for stamps without noise.

    Two weighted sums along rows are measured where the stamps are dark: (1, -2, 1) and
    (1, -1, -1, 1). A linear slope of light changes neither. Their standard deviations are robust.
    White noise smoothed with (a, 1, a) has the correlations r = 2a / (1 + 2a^2) of neighbours and
    s = a^2 / (1 + 2a^2) of the next but one, which gives (1, -2, 1) a variance of 6 - 8r + 2s and
    (1, -1, -1, 1) one of 4 - 2r - 4s; a solves the equation for their ratio.
    """
    bend, wave = (_spread(flux, weights) for weights in ((1, -2, 1), (1, -1, -1, 1)))
    if bend == 0 or wave == 0:
        return 0.0, 0.0
    q = min((bend / wave) ** 2, 1.5)  # 1.5 without correlation
    half = 4 - q
    root = np.sqrt(max(0.0, half**2 - (7 - 2 * q) * (3 - 2 * q)))  # no such kernel is that smooth
    a = (half - root) / (7 - 2 * q)
    variance = bend**2 * (1 + 2 * a**2) / (6 - 16 * a + 14 * a**2)
    return float(np.sqrt(variance)), float(a)


def _spread(flux: Floats, weights: Sequence[float]) -> float:
    """Robust standard deviation of a weighted sum along rows, where the stamps are dark."""
    width = flux.shape[2] - len(weights) + 1
    pieces = [flux[:, :, k : k + width] for k in range(len(weights))]
    total = sum(w * piece for w, piece in zip(weights, pieces, strict=True))
    light = np.where(np.all([piece != 0 for piece in pieces], axis=0), sum(pieces), np.inf)
    spreads = []
    for stamp, seen in zip(np.asarray(total), light, strict=True):
        known = np.isfinite(seen)  # exact zeros are padding, or a band without data
        if known.any():
            dark = seen <= np.quantile(seen[known], DARK)
            spreads.append(np.median(np.abs(stamp[dark])))
    return float(MAD_TO_SIGMA * np.median(spreads)) if spreads else 0.0


def _fit_asinh(flux: Floats, softening: float, sky: Sequence[float], smoothing: float) -> Scaling:
    soft = tuple(softening * noise for noise in sky)
    moments = []
    for band, scale in enumerate(soft):
        stretched = np.arcsinh(flux[:, band] / scale)
        moments.append((stretched.mean(dtype=np.float64), stretched.var(dtype=np.float64)))
    mean, variance = np.array(moments).T
    std = float(np.sqrt(variance.mean()))
    sky_sigma = encoded_sky_sigma(softening) / std
    return Scaling(
        "asinh", soft, tuple(mean.tolist()), len(soft) * (std,), 1.0, sky_sigma, smoothing
    )


def encoded_sky_sigma(softening: float) -> float:
    """Standard deviation of asinh(x / softening) for a normal x of unit variance, less than that of
    x / softening because asinh bends; by Gauss-Hermite quadrature."""
    x, weights = np.polynomial.hermite_e.hermegauss(32)
    stretched = np.arcsinh(x / softening)
    return float(np.sqrt(weights @ stretched**2 / weights.sum()))


def _by_band(constants: tuple[float, ...]) -> Floats:
    return np.asarray(constants, dtype=np.float32)[:, None, None]
