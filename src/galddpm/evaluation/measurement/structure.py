"""Concentration, asymmetry, smoothness, Gini and M20 of one source, isophotal asymmetry and
substructure: pure functions of an image [count, sky-subtracted], with the sky's share taken off.

The definitions are Lotz et al. 2004 (eq. 4 to 11) as statmorph keeps them (Rodriguez-Gomez et al.
2019, MNRAS 483, 4140), and for the last two Sazonova et al. 2025 (arXiv:2511.09644). What differs
from statmorph saves most of its time: the centre is where the image turned by 180 degrees comes
nearest to itself in least squares, which one autoconvolution tells, and it is turned in Fourier
space, which keeps all of the noise, where statmorph's interpolation wipes out a part.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from galddpm.arrays import Bools, Floats, Ints
from galddpm.evaluation.measurement.deblending import EIGHT
from galddpm.evaluation.measurement.detection import KERNEL, PIXELS, Detection, smoothed
from galddpm.evaluation.measurement.morphology import Ellipse, light_radius, light_within
from galddpm.evaluation.measurement.noise import LAG, variance_of_sum
from galddpm.evaluation.measurement.petrosian import Growth
from galddpm.evaluation.measurement.symmetry import opposite, symmetry_centre, turned_around

STRUCTURE = (
    "gini", "m20", "concentration", "asymmetry", "smoothness",
    "isophotal_asymmetry", "substructure",
)  # fmt: skip
REACH = 1.5  # [Petrosian radius] of the apertures
CORE = 0.25  # [Petrosian radius] inside which no clump is looked for, and side of the smoothing box
GINI_SMOOTHING = 0.2  # [Petrosian radius] standard deviation
ISOPHOTE, CLUMP = 3.0, 3.0  # [rms] of the sky, and of the noise where clumps are looked for


@dataclass(frozen=True)
class Frame:
    """A source cut out around its centre of symmetry."""

    image: Floats  # (h, w) [count], pixels of other sources filled in
    turned: Floats  # (h, w) [count], the same turned by 180 degrees around the centre
    seen: Bools  # (h, w) pixels that are the source's own, as the opposite ones are
    radius: Floats  # (h, w) [pix] from the centre
    flat: Floats  # (h, w) [pix] elliptical radius, along the major axis
    petrosian: float  # [pix]
    petrosian_flat: float  # [pix] along the major axis


def structure(clean: Floats, found: Detection, ellipse: Ellipse) -> dict[str, float]:
    """The columns of `STRUCTURE`; none where the source has no Petrosian radius.

    clean: (H, W) [count], the pixels of other sources replaced by those opposite.
    """
    assert found.segment is not None  # it was detected
    assert found.others is not None
    assert found.correlation is not None
    x, y = symmetry_centre(np.where(found.segment, clean, 0.0), ellipse)
    circle = Ellipse(x, y, 1.0, 1.0, 0.0)
    flat = Ellipse(x, y, 1.0, 1 - ellipse.ellipticity, ellipse.orientation)
    radii = circle.radius(clean.shape), flat.radius(clean.shape)
    growths = [Growth.of(clean, radius) for radius in radii]
    petrosian, petrosian_flat = (growth.petrosian() for growth in growths)
    if np.isnan(petrosian + petrosian_flat):
        return {}
    turned, inside = turned_around(clean, x, y)
    seen = inside & ~found.others & ~opposite(found.others, x, y)
    reach = REACH * max(petrosian, petrosian_flat) + 1
    box = tuple(slice(max(int(c - reach), 0), int(c + reach) + 2) for c in (y, x))
    image, turned, radius, flattened = (plane[box] for plane in (clean, turned, *radii))
    frame = Frame(image, turned, seen[box], radius, flattened, petrosian, petrosian_flat)
    return {
        "concentration": concentration(clean, circle, REACH * petrosian),
        "asymmetry": asymmetry(frame, found.sky_sigma),
        "isophotal_asymmetry": isophotal_asymmetry(frame, found.sky_sigma),
        **brightest_share(frame),
        **clumps(frame, found.sky_sigma, found.correlation),
    }


def concentration(image: Floats, circle: Ellipse, edge: float) -> float:
    """5 log10(r80 / r20) of the light within `edge` [pix] (eq. 5)."""
    total = light_within(image, circle, edge)
    r_20, r_80 = (light_radius(image, circle, share * total, edge) for share in (0.2, 0.8))
    return float(5 * np.log10(r_80 / r_20))


def covered(radius: Floats, edge: float) -> Floats:
    """Share of each pixel within `edge` [pix], its distances taken to spread by a pixel's width."""
    share: Floats = np.clip(edge - radius + 0.5, 0, 1)
    return share


def asymmetry(frame: Frame, sky_sigma: float) -> float:
    """Sum of |I - I_180| less that of the sky, over that of |I|, in 1.5 Petrosian radii (eq. 10).

    The difference of two normal numbers of that rms has the mean modulus 2 rms / sqrt(pi).
    """
    weight = covered(frame.radius, REACH * frame.petrosian) * frame.seen
    light = (weight * np.abs(frame.image)).sum()
    difference = np.abs(frame.image - frame.turned) - 2 * sky_sigma / np.sqrt(np.pi)
    return float((weight * difference).sum() / light) if light > 0 else np.nan


def isophotal_asymmetry(frame: Frame, sky_sigma: float) -> float:
    """How many pixels are on one side only when an isophote is turned by 180 degrees, over those
    inside of it, from 0 to 2: the shape asymmetry of Pawlik et al. 2016 at a given brightness, to
    which faint features count as much as bright ones (arXiv:2511.09644).

    The isophote is that of `ISOPHOTE` sky rms, one surface brightness where the noise is the same.
    """
    near, every = frame.radius < REACH * frame.petrosian, np.ones_like(frame.seen)
    one, other = (
        connected(near & (smoothed(image, every) > ISOPHOTE * sky_sigma), frame.radius)
        for image in (frame.image, frame.turned)
    )
    count = (one & frame.seen).sum()
    return float(((one ^ other) & frame.seen).sum() / count) if count else np.nan


def connected(mask: Bools, radius: Floats) -> Bools:
    """The connected part of a mask that comes nearest to the centre, (h, w)."""
    labels, _ = ndimage.label(mask, EIGHT)
    nearest = np.argmin(np.where(mask, radius, np.inf))
    part: Bools = mask & (labels == labels.flat[nearest])
    return part


def brightest_share(frame: Frame) -> dict[str, float]:
    """Gini (eq. 6) and M20 (eq. 8) of the pixels that, smoothed, are as bright as the galaxy is at
    its elliptical Petrosian radius."""
    edge, sigma = frame.petrosian_flat, GINI_SMOOTHING * frame.petrosian_flat
    smooth = ndimage.gaussian_filter(frame.image, sigma, mode="constant")
    ring = covered(frame.flat, edge + 0.5) - covered(frame.flat, edge - 0.5)
    area = connected(smooth >= (ring * smooth).sum() / ring.sum(), frame.radius)
    light = frame.image[area]
    return {"gini": gini(light), "m20": m20(light, *np.nonzero(area))}


def gini(light: Floats) -> float:
    """Gini coefficient of the moduli of the pixels (eq. 6)."""
    values, count = np.sort(np.abs(light)), len(light)
    if count < 2 or not values[-1]:
        return np.nan
    order = 2 * np.arange(1, count + 1) - count - 1
    return float((order @ values) / ((count - 1) * values.sum()))


def m20(light: Floats, y: Ints, x: Ints) -> float:
    """log10 of the share of the second moment in the pixels that hold the brightest fifth of the
    light (eq. 8)."""
    total = light.sum()
    if total <= 0:
        return np.nan
    square = (y - light @ y / total) ** 2 + (x - light @ x / total) ** 2
    order = np.argsort(light)
    brightest = order[np.cumsum(light[order]) >= 0.8 * total]
    moments = light[brightest] @ square[brightest], light @ square
    return float(np.log10(moments[0] / moments[1])) if min(moments) > 0 else np.nan


def clumps(frame: Frame, sky_sigma: float, correlation: Floats) -> dict[str, float]:
    """Smoothness (eq. 11): what stands above the image smoothed with a box, less the sky's share,
    over the light; and substructure: that of connected clumps clearly above the noise alone.

    Both between 0.25 and 1.5 Petrosian radii. Noise of rms s has the mean s / sqrt(2 pi) above 0.
    The box is as wide as statmorph's, in whole pixels, but centred where that number is even.
    """
    width = max(int(CORE * frame.petrosian), 1)
    half = width // 2
    line = covered(np.abs(np.arange(-half, half + 1)), width / 2) / width
    kernel = -np.outer(line, line)
    kernel[half, half] += 1
    above = ndimage.convolve(frame.image, kernel, mode="constant")
    weight = covered(frame.radius, REACH * frame.petrosian) * frame.seen
    weight *= 1 - covered(frame.radius, CORE * frame.petrosian)
    light = (weight * frame.image).sum()
    if light <= 0:
        return {}
    rms = sky_sigma * np.sqrt(variance_of_sum(np.pad(kernel, LAG), correlation))
    rest = weight * (np.maximum(above, 0) - rms / np.sqrt(2 * np.pi))
    inside = clear_clumps(above, kernel, sky_sigma, correlation) & (weight > 0)
    return {
        "smoothness": float(rest.sum() / light),
        "substructure": float((weight * above)[inside].sum() / light),
    }


def clear_clumps(above: Floats, kernel: Floats, sky_sigma: float, correlation: Floats) -> Bools:
    """The pixels of clumps, (h, w): at least `PIXELS` connected ones of `above`, which `kernel` was
    made with, that stand out after it is smoothed as for detection."""
    whole = ndimage.convolve(np.pad(kernel, LAG + 1), KERNEL, mode="constant")
    noise = sky_sigma * np.sqrt(variance_of_sum(whole, correlation))
    fine = ndimage.convolve(above, KERNEL, mode="constant")
    bright = fine > CLUMP * noise if noise > 0 else np.zeros(above.shape, dtype=bool)
    labels, count = ndimage.label(bright, EIGHT)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= PIXELS
    large[0] = False
    clumps: Bools = large[labels]
    return clumps
