"""The Sersic profile on pixels as a PSF shows it, with its derivatives, for many stamps at once.

Sersic 1968 in the form of Graham & Driver 2005, Eq. 1: I(r) = I_e exp(-b_n ((r / r_e)^(1/n) - 1)).
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

# Columns of the parameters (N, 7). eta has the length -ln(b/a) and twice the major axis' angle, so
# that a round source is no special place; r_c = r_eff sqrt(b/a).
INTENSITY, X, Y, LN_R_C, ETA_1, ETA_2, LN_N = range(7)
PARAMETERS = 7
MARGIN = 12  # [pix] around a cut-out from which the PSF scatters light into it
RINGS = ((4, 3), (1, 9), (0, 32))  # (pixels around the central one, points a side of each)
CUSP = 1e-8  # [r_e^2] nearer to the centre than which the profile is flat


class SersicModel:
    """Models on square cut-outs of `size` pixels a side, seen through `psf`, (k, k) of odd size, or
    (N, k, k) for one a cut-out.

    The profile is drawn around the middle of a grid, one point a pixel and more of them near its
    cusp, whose waves are summed directly. In Fourier space it is moved to its place and meets the
    PSF, so that a cusp is seen alike wherever in a pixel it lies.
    """

    def __init__(self, psf: Tensor, size: int):
        self.size, self.grid = size, fast_size(size + 2 * MARGIN)
        self.centre = self.grid // 2
        where: dict[str, Any] = {"device": psf.device, "dtype": psf.dtype}
        self.k_y = torch.fft.fftfreq(self.grid, **where)[:, None]
        self.k_x = torch.fft.rfftfreq(self.grid, **where)[None, :]
        self.transfer = torch.fft.rfft2(self._wrapped(psf.reshape(-1, *psf.shape[-2:])))
        self.axis = torch.arange(self.grid, **where) - self.centre
        rings = [self._ring(k, where) for k in range(len(RINGS))]
        self.rings = [ring[:3] for ring in rings]
        self.along_y = torch.cat([along_y for *_, along_y in rings], dim=1)

    def of(self, rows: Tensor) -> Self:
        """The model of some of the cut-outs."""
        if len(self.transfer) == 1:  # all have the same PSF
            return self
        part = copy(self)
        part.transfer = self.transfer[rows.to(self.transfer.device)]
        return part

    def images(self, parameters: Tensor) -> Tensor:
        """Derivatives of the model by each parameter, (N, 7, size, size); the model itself is the
        first, that by the intensity, times the intensity.

        parameters: (N, 7); x and y count from 0 at the centre of the cut-out's first pixel, and lie
        within `MARGIN` / 2 of its middle. In the PSF's dtype.
        """
        parameters = parameters.to(self.axis.dtype)
        waves = self._drawn(parameters) * self._moved(parameters)[:, None]
        slopes = [-2j * torch.pi * k * waves[:, 0] for k in (self.k_x, self.k_y)]
        waves = torch.cat([waves[:, :1], torch.stack(slopes, dim=1), waves[:, 1:]], dim=1)
        seen = torch.fft.irfft2(waves, s=(self.grid, self.grid))[..., : self.size, : self.size]
        scale = torch.ones_like(parameters)
        scale[:, 1:] = parameters[:, INTENSITY, None]
        scaled: Tensor = seen * scale[..., None, None]
        return scaled

    def _wrapped(self, psfs: Tensor) -> Tensor:
        """PSFs (n, k, l) around the first pixel of the periodic grid, (n, grid, grid)."""
        y, x = (
            (torch.arange(length, device=psfs.device) - length // 2) % self.grid
            for length in psfs.shape[1:]
        )
        flat = psfs.new_zeros(len(psfs), self.grid**2)
        flat.index_add_(1, (y[:, None] * self.grid + x).flatten(), psfs.flatten(1))
        return flat.reshape(-1, self.grid, self.grid)

    def _moved(self, parameters: Tensor) -> Tensor:
        """The PSF and the way from the middle of the grid to (x, y), in Fourier space."""
        x, y = (parameters[:, k, None, None] - self.centre for k in (X, Y))
        phase = -2 * torch.pi * (self.k_x * x + self.k_y * y)
        moved: Tensor = self.transfer * torch.polar(torch.ones_like(phase), phase)
        return moved

    def _drawn(self, parameters: Tensor) -> Tensor:
        """The profile and its derivatives around the middle, in Fourier space, (N, 5, ky, kx)."""
        shape = Shape.of(parameters)
        planes = profile(shape, self.axis)
        reach = RINGS[0][0]
        ring = slice(self.centre - reach, self.centre + reach + 1)
        planes[:, :, ring, ring] = 0
        waves: Tensor = torch.fft.rfft2(planes)
        fine = [(profile(shape, axis) * weight) @ along_x for axis, weight, along_x in self.rings]
        seen = torch.view_as_complex(torch.cat(fine, dim=-2).unflatten(-1, (-1, 2)))
        return waves + self.along_y @ seen

    def _ring(self, number: int, where: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Points along an axis, the weight of each pair of them, and their waves: along x with real
        and imaginary parts side by side, (points, 2 kx), and along y, (ky, points)."""
        reach, points = RINGS[number]
        count = (2 * reach + 1) * points
        axis = (torch.arange(count, **where) + 0.5) / points - (reach + 0.5)
        weight = torch.full((count, count), 1 / points**2, **where)
        if number + 1 < len(RINGS):
            inner = (axis.abs() < RINGS[number + 1][0] + 0.5).to(axis.dtype)
            weight = weight * (1 - inner[:, None] * inner)
        place = self.centre + axis
        angles = -2 * torch.pi * self.k_y * place, -2 * torch.pi * place[:, None] * self.k_x
        along_y, along_x = (torch.polar(torch.ones_like(angle), angle) for angle in angles)
        return axis, weight, torch.view_as_real(along_x).flatten(1), along_y


@dataclass(frozen=True)
class Shape:
    """What a profile's values follow from besides the place, each (N, 1, 1)."""

    n: Tensor
    b: Tensor  # b_n
    b_slope: Tensor  # and its derivative by n
    scale: Tensor  # r_c^-2 [pix^-2]
    eta_1: Tensor
    eta_2: Tensor
    waves: tuple[Tensor, Tensor, Tensor]  # `hyperbolic` of the flattening

    @classmethod
    def of(cls, parameters: Tensor) -> Self:
        """parameters: (N, 7)."""
        p = parameters[:, :, None, None]
        n, eta_1, eta_2 = torch.exp(p[:, LN_N]), p[:, ETA_1], p[:, ETA_2]
        waves = hyperbolic(eta_1**2 + eta_2**2)
        return cls(n, *sersic_b(n), torch.exp(-2 * p[:, LN_R_C]), eta_1, eta_2, waves)


def profile(shape: Shape, axis: Tensor) -> Tensor:
    """The profile of unit intensity at the points (axis, axis) around its centre, and its
    derivatives by ln r_c, eta_1, eta_2 and ln n, (N, 5, points, points)."""
    n, b, b_slope, scale = shape.n, shape.b, shape.b_slope, shape.scale
    eta_1, eta_2, (cosh, sinhc, sinhc_slope) = shape.eta_1, shape.eta_2, shape.waves
    x, y = axis[None, :], axis[:, None]
    plus, minus, cross = x**2 + y**2, x**2 - y**2, 2 * x * y
    turned = eta_1 * minus + eta_2 * cross
    square = (scale * (cosh * plus - sinhc * turned)).clamp(min=CUSP)  # (r / r_e)^2
    logarithm = torch.log(square)
    power = torch.exp(logarithm / (2 * n))  # (r / r_e)^(1/n)
    light = torch.exp(-b * (power - 1))
    by_log = -light * b * power / (2 * n)  # by ln of the square
    # d cosh / d eta = eta sinhc and d sinhc / d eta = eta sinhc_slope
    slope = scale * by_log / square
    shared = slope * (sinhc * plus - sinhc_slope * turned)
    by_eta_1 = eta_1 * shared - slope * sinhc * minus
    by_eta_2 = eta_2 * shared - slope * sinhc * cross
    by_ln_n = -light * n * b_slope * (power - 1) - by_log * logarithm
    return torch.stack([light, -2 * by_log, by_eta_1, by_eta_2, by_ln_n], dim=1)


def sersic_b(n: Tensor) -> tuple[Tensor, Tensor]:
    """b_n, with half of the light inside r_e, and its derivative by n.

    Ciotti & Bertin 1999, Eq. 18, to 6e-4 and much better above n = 1; below n = 0.36 MacArthur et
    al. 2003, Eq. A2, to 1e-2.
    """
    series = (4 / 405, 46 / 25515, 131 / 1148175, -2194697 / 30690717750)
    high = 2 * n - 1 / 3 + sum(c / n**k for k, c in enumerate(series, 1))
    high_slope = 2 - sum(k * c / n ** (k + 1) for k, c in enumerate(series, 1))
    powers = (0.01945, -0.8902, 10.95, -19.67, 13.43)
    low = sum(c * n**k for k, c in enumerate(powers))
    low_slope = sum(k * c * n ** (k - 1) for k, c in enumerate(powers) if k)
    small = n < 0.36
    return torch.where(small, low, high), torch.where(small, low_slope, high_slope)


def hyperbolic(square: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """cosh h, sinh(h)/h and (cosh h - sinh(h)/h)/h^2 of h = sqrt(square), smooth at 0."""
    h = torch.sqrt(square.clamp(min=1e-4))
    cosh, sinhc = torch.cosh(h), torch.sinh(h) / h
    near = square < 1e-2  # where the differences would cancel
    series = (
        1 + square / 2 + square**2 / 24,
        1 + square / 6 + square**2 / 120,
        1 / 3 + square / 30 + square**2 / 840,
    )
    exact = (cosh, sinhc, (cosh - sinhc) / square.clamp(min=1e-4))
    first, second, third = (torch.where(near, s, e) for s, e in zip(series, exact, strict=True))
    return first, second, third


def fast_size(least: int, factors: Sequence[int] = (2, 3, 5)) -> int:
    """The smallest even number from `least` that has no other prime factors: quick to transform."""
    size = least + least % 2
    while not _smooth(size, factors):
        size += 2
    return size


def _smooth(number: int, factors: Sequence[int]) -> bool:
    for factor in factors:
        while number % factor == 0:
            number //= factor
    return number == 1
