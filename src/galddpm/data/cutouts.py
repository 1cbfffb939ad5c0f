"""Cutouts as surveys hand them out: FITS images in units of their own."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from galddpm.arrays import Floats
from galddpm.data.survey import ZERO_POINT
from galddpm.errors import UserError

COUNTS = ("", "adu", "count", "counts", "ct", "dn", "electron", "electrons")
LARGEST = 100.0  # zero point, of either sign


@dataclass(frozen=True)
class Cutout:
    """An image, or a cube of one image a band."""

    pixels: Floats  # (H, W) or (C, H, W) float32 [count at zero point 27]
    pixel_scale: float | None  # [arcsec/pix]; None where the header has no sky coordinates


def read_cutout(path: Path, axes: int, zero_point: float | None = None) -> Cutout:
    """The first image with so many axes in a FITS file.

    zero_point: AB magnitude of one unit of its pixels; None: what the header says, MAGZERO or 2.5
    log10(FLUXMAG0), of the image or of the file. Raises UserError where there is no such image, no
    zero point, a unit that is not counts and was not asked for, or a pixel that is not finite.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a FITS image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # of cards that are not looked at
            with fits.open(path) as file:
                image = _first_image(file, axes, path)
                pixels = np.array(image.data, dtype=np.float64)
                headers, scale = (image.header, file[0].header), _pixel_scale(image.header)
    except (OSError, TypeError) as error:
        raise UserError(f"{path}: not readable as FITS ({error})") from None
    if zero_point is None:
        zero_point = _zero_point(headers, path)
    if abs(zero_point) > LARGEST:
        raise UserError(f"{path}: zero point: found {zero_point:g}, expected an AB magnitude")
    with np.errstate(over="ignore"):
        flux = (pixels * 10 ** (0.4 * (ZERO_POINT - zero_point))).astype(np.float32)
    bad = np.count_nonzero(~np.isfinite(flux))
    if bad:
        raise UserError(f"{path}: found {bad} pixels that are not finite, expected none")
    return Cutout(flux, scale)


def _first_image(file: fits.HDUList, axes: int, path: Path) -> fits.ImageHDU:
    for hdu in file:
        if hdu.is_image and hdu.header["NAXIS"] == axes:
            return hdu
    shapes = [hdu.shape for hdu in file if hdu.is_image and hdu.header["NAXIS"]]
    found = f"images of shape {', '.join(map(str, shapes))}" if shapes else "no image"
    expected = "(rows, columns)" if axes == 2 else "(bands, rows, columns)"
    raise UserError(f"{path}: found {found}, expected one of {expected}")


def _zero_point(headers: tuple[fits.Header, ...], path: Path) -> float:
    unit = next((str(h["BUNIT"]) for h in headers if "BUNIT" in h), "")
    if unit.strip().lower() not in COUNTS:
        raise UserError(
            f"{path}: BUNIT: found {unit!r}, expected counts; --zero-point says which AB magnitude"
            " one such unit is"
        )
    for header in headers:
        try:
            if "MAGZERO" in header:
                return float(header["MAGZERO"])
            if "FLUXMAG0" in header:
                return 2.5 * math.log10(header["FLUXMAG0"])
        except (TypeError, ValueError):
            raise UserError(f"{path}: MAGZERO, FLUXMAG0: expected a number above 0") from None
    raise UserError(
        f"{path}: no MAGZERO or FLUXMAG0 in its header; --zero-point says which AB magnitude one"
        " count is"
    )


def _pixel_scale(header: fits.Header) -> float | None:
    """None without sky coordinates, or with some that make no sense."""
    try:
        sky = WCS(header, fix=False).celestial
    except ValueError:  # what all errors of wcslib are
        return None
    if sky.naxis != 2:
        return None
    return float(np.mean(proj_plane_pixel_scales(sky))) * 3600  # from degrees
