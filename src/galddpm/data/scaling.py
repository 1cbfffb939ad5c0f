"""Pixel scaling: invertible maps between flux [count] and the model's pixels, fitted per band.

The paper names no scaling; asinh is this project's choice. `min_max` is what the authors'
validation code does, kept to show what it costs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm.arrays import Floats
from galddpm.data.photon_noise import measure_photon_noise
from galddpm.data.sky_noise import WHITE, Correlation, measure_sky

Noise = tuple[Correlation, tuple[float, ...], tuple[float, ...]]  # the last fields of a Scaling

SKY_STAMPS = 2048  # the sky is measured on: of more it would be known no better than is asked
NAMES = ("asinh", "min_max")
BY_BAND = ("softening", "mean", "std", "sky", "photon_noise")  # constants that are lists
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
    sky_correlation: Correlation  # of its pixels, see sky_noise.SkyNoise; mean of the bands
    sky: tuple[float, ...]  # standard deviation of the sky noise [count]
    photon_noise: tuple[float, ...]  # variance that each count of light adds [count]

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
        """Standard deviation of the encoded noise on light of `pixels`, (..., C, H, W): photons add
        to that of the sky, and asinh leaves less of it where it is bright."""
        mean, std, soft, sky, photons = (
            _column(band, pixels.device)
            for band in (self.mean, self.std, self.softening, self.sky, self.photon_noise)
        )
        stretched = pixels * std + mean
        slope, light = torch.ones_like(stretched), stretched
        if self.name == "asinh":
            stretched = stretched.clamp(-STRETCHED_MOST, STRETCHED_MOST)
            slope, light = torch.cosh(stretched), soft * torch.sinh(stretched)
        own = torch.sqrt(1 + light.clamp(min=0) * photons / sky**2)
        return self.sky_sigma * own / slope

    def counts(self, pixels: Tensor) -> Tensor:
        """`decode`, of a tensor on any device."""
        mean, std, soft = self._stretch(pixels.device)
        stretched = pixels * std + mean
        return soft * torch.sinh(stretched) if self.name == "asinh" else stretched

    def pixels(self, counts: Tensor) -> Tensor:
        """`encode`, of a tensor on any device."""
        mean, std, soft = self._stretch(counts.device)
        stretched = torch.asinh(counts / soft) if self.name == "asinh" else counts
        return (stretched - mean) / std

    def sky_at(self, device: torch.device) -> Tensor:
        """`sky`, (C, 1, 1), on a device."""
        return _column(self.sky, device)

    def _stretch(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        mean, std, soft = (
            _column(values, device) for values in (self.mean, self.std, self.softening)
        )
        return mean, std, soft

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, constants: Mapping[str, Any]) -> "Scaling":
        """Undo `to_dict`. Raises TypeError, KeyError or ValueError where it cannot be undone."""
        correlation = tuple(_finite(row, "sky_correlation") for row in constants["sky_correlation"])
        lists = {name: _finite(constants[name], name) for name in BY_BAND}
        _finite([constants["sigma_data"], constants["sky_sigma"]], "sigma_data, sky_sigma")
        made = cls(**{**constants, **lists, "sky_correlation": correlation})
        positive = (*made.softening, *made.std, *made.sky, made.sigma_data, made.sky_sigma)
        if made.name not in NAMES or min(positive) <= 0 or min(made.photon_noise) < 0:
            raise ValueError("another name, or a scale that is not positive")
        if np.shape(correlation) != np.shape(WHITE) or len({*map(len, lists.values())}) != 1:
            raise ValueError("lists of other lengths")
        return made


def _finite(values: Any, name: str) -> tuple[float, ...]:
    """The values of a list of numbers. Raises ValueError for anything else."""
    if not isinstance(values, list | tuple) or not all(type(x) in (int, float) for x in values):
        raise ValueError(f"{name} is no list of numbers")
    if not values or not np.isfinite(values).all():
        raise ValueError(f"{name} is empty, or not finite")
    return tuple(values)


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
    some = flux[:: -(-len(flux) // SKY_STAMPS)]
    found, correlation = measure_sky(some)
    sky = found.tolist()
    for band, sigma in enumerate(sky):
        if sigma == 0:
            raise ValueError(f"band {band}: most pixels of most galaxies are equal")
    photons = [measure_photon_noise(flux[:, band], sky[band]) for band in range(bands)]
    noise = correlation, tuple(sky), tuple(photons)
    if name == "asinh":
        return _fit_asinh(flux, softening, noise)
    if name != "min_max":
        raise ValueError(f"scaling: found {name!r}, expected asinh or min_max")
    spread = float(flux.std(dtype=np.float64))
    low, high = float(flux.min()), float(flux.max())
    middle, half = (low + high) / 2, (high - low) / 2
    constants = bands * (1.0,), bands * (middle,), bands * (half,)
    return Scaling(name, *constants, spread / half, float(np.mean(sky)) / half, *noise)


def _fit_asinh(flux: Floats, softening: float, noise: Noise) -> Scaling:
    soft = tuple(softening * sigma for sigma in noise[1])
    moments = []
    for band, scale in enumerate(soft):
        stretched = np.arcsinh(flux[:, band] / scale)
        moments.append((stretched.mean(dtype=np.float64), stretched.var(dtype=np.float64)))
    mean, variance = np.array(moments).T
    std = float(np.sqrt(variance.mean()))
    sky_sigma = encoded_sky_sigma(softening) / std
    constants = soft, tuple(mean.tolist()), len(soft) * (std,)
    return Scaling("asinh", *constants, 1.0, sky_sigma, *noise)


def encoded_sky_sigma(softening: float) -> float:
    """Standard deviation of asinh(x / softening) for a normal x of unit variance, less than that of
    x / softening because asinh bends; by Gauss-Hermite quadrature."""
    x, weights = np.polynomial.hermite_e.hermegauss(32)
    stretched = np.arcsinh(x / softening)
    return float(np.sqrt(weights @ stretched**2 / weights.sum()))


def _by_band(constants: tuple[float, ...]) -> Floats:
    return np.asarray(constants, dtype=np.float32)[:, None, None]
