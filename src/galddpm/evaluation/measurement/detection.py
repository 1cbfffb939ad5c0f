"""Sky, sources and the central source of one stamp, from the stamp itself.

Everything is relative to the stamp's own noise, so that a common factor in flux and noise changes
neither the segment nor any size or shape measured on it.
"""

import inspect
import warnings
from dataclasses import dataclass

import numpy as np
from photutils.segmentation import SegmentationImage, deblend_sources, detect_sources
from photutils.utils import NoDetectionsWarning
from scipy import ndimage

from galddpm.arrays import Bools, Floats, Ints
from galddpm.evaluation.measurement.flags import Flag

THRESHOLD = 1.5  # [sky rms]
PIXELS = 5  # connected by sides or corners
REACH = 5.0  # [pix] how far from the stamp's centre a centroid may lie
CLIP = 3.0  # [rms] of the sigma clipping
SKY_PASSES = 5  # times, at most, that the sky is measured again with the sources masked
SKY_SETTLED = 0.02  # relative change of the rms that ends this; most stamps need two
SKY_MARGIN = 5  # [pix] by which sources are grown before the sky is measured around them
SKY_LEAST = 0.1  # share of the stamp that must remain for that
SHARED_MAXIMUM = 5  # pixels of one and the same brightest value make a saturated source

# Gaussian of FWHM 1.5 pix on 3 x 3, SExtractor's gauss_1.5_3x3, which the data set's authors use.
# Without it noise tears one faint galaxy in four into pieces when it is deblended, and 3 % of empty
# stamps hold a "source".
_SIDE = 2.0 ** (-4 / 1.5**2)
KERNEL = np.outer([_SIDE, 1, _SIDE], [_SIDE, 1, _SIDE]) / (1 + 2 * _SIDE) ** 2
# photutils drops this argument after 3.0, and shows a progress bar for each stamp until then
_QUIET = {"progress_bar"} & set(inspect.signature(deblend_sources).parameters)


@dataclass(frozen=True)
class Detection:
    """The central source of a stamp; masks are (H, W)."""

    status: str  # ok, undetected, edge or bad_pixels
    flag: Flag
    sky: float = np.nan  # [count]
    sky_sigma: float = np.nan  # [count] rms of a sky pixel
    free: Bools | None = None  # pixels that the sky was measured on
    segment: Bools | None = None  # pixels of the central source
    others: Bools | None = None  # pixels of other sources, and empty borders


def detect(image: Floats) -> Detection:
    """Find the central source of a stamp, (H, W) [count].

    The image is smoothed with `KERNEL` for detection and deblending only. The central source is the
    segment under the stamp's centre or, failing that, the one with the nearest centroid within
    `REACH`. Borders that are exactly zero are padding and are masked.
    """
    valid = inside_borders(image)
    if not np.isfinite(image).all() or not valid.any() or np.ptp(image[valid]) == 0:
        return Detection("bad_pixels", Flag.BAD_PIXELS)
    sky, sky_sigma, free = measure_sky(image, valid)
    if sky_sigma == 0:
        return Detection("bad_pixels", Flag.BAD_PIXELS)
    smooth = smoothed(image - sky, valid)
    parents = find_sources(smooth, THRESHOLD * sky_sigma, valid)
    if parents is None:
        return Detection("undetected", Flag.UNDETECTED, sky, sky_sigma, free)
    sources = deblend_centre(smooth, parents)
    label, flag = central_label(sources.data, smooth)
    if label == 0:
        return Detection("undetected", Flag.UNDETECTED, sky, sky_sigma, free)
    segment = sources.data == label
    flag |= segment_flags(image, segment, valid)
    if not np.array_equal(segment, parents.data == parents.data[segment].max()):
        flag |= Flag.DEBLENDED
    others = ((sources.data > 0) & ~segment) | ~valid
    status = "edge" if flag & Flag.EDGE else "ok"
    return Detection(status, flag, sky, sky_sigma, free, segment, others)


def inside_borders(image: Floats) -> Bools:
    """True inside the rectangle left when rows and columns of exact zeros are cut off, (H, W)."""
    valid = np.zeros(image.shape, dtype=bool)
    lit = image != 0
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if len(rows):
        valid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return valid


def clipped_median_rms(values: Floats) -> tuple[float, float]:
    """Median and standard deviation after clipping at `CLIP` rms until nothing changes.

    The same as astropy.stats.sigma_clipped_stats without a limit on the iterations, but on values
    that are sorted once.
    """
    values = np.sort(values, axis=None)
    while True:
        middle, rms = np.median(values), values.std()
        low, high = np.searchsorted(values, [middle - CLIP * rms, middle + CLIP * rms])
        if high - low == len(values) or rms == 0:
            return float(middle), float(rms)
        values = values[low:high]


def measure_sky(image: Floats, valid: Bools) -> tuple[float, float, Bools]:
    """Sky level and rms [count] from the pixels around the sources, and which pixels these are.

    Clipping alone leaves the outskirts of galaxies in: a mag 18 exponential galaxy on 64 pix lifts
    the level by 0.7 rms, and by 0.1 where it is measured around the detected sources. What still
    fills the stamp then lies under the sky, on both sides alike.
    """
    used = valid
    sky, rms = clipped_median_rms(image[valid])
    for _ in range(SKY_PASSES):
        sources = find_sources(smoothed(image - sky, valid), THRESHOLD * rms, valid)
        if rms == 0 or sources is None:
            break
        free = valid & (ndimage.distance_transform_edt(sources.data == 0) > SKY_MARGIN)
        if free.sum() < SKY_LEAST * valid.sum():
            break
        used, before = free, rms
        sky, rms = clipped_median_rms(image[free])
        if abs(rms - before) <= SKY_SETTLED * before:
            break
    kept = used & (np.abs(image - sky) <= CLIP * rms)
    return sky, rms, kept


def smoothed(image: Floats, valid: Bools) -> Floats:
    """The sky-subtracted image convolved with `KERNEL`, zero outside."""
    smooth: Floats = ndimage.convolve(np.where(valid, image, 0.0), KERNEL, mode="constant")
    return smooth


def find_sources(smooth: Floats, threshold: float, valid: Bools) -> SegmentationImage | None:
    """Segments of at least `PIXELS` connected pixels above the threshold [count]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return detect_sources(smooth, threshold, n_pixels=PIXELS, mask=~valid)


def deblend_centre(smooth: Floats, parents: SegmentationImage) -> SegmentationImage:
    """Part the sources that could hold the central one; the rest only has to be masked.

    A centroid lies inside its segment's bounding box, and a segment with a single peak has nothing
    to part, so that most stamps cost nothing here.
    """
    centre = (np.array(smooth.shape) - 1) / 2
    peaks = smooth == ndimage.maximum_filter(smooth, size=3)
    labels = [
        label
        for label, box in zip(parents.labels, parents.slices, strict=True)
        if all(
            axis.start - REACH <= middle <= axis.stop - 1 + REACH
            for axis, middle in zip(box, centre, strict=True)
        )
        and (peaks[box] & (parents.data[box] == label)).sum() > 1
    ]
    if not labels:
        return parents
    quiet = dict.fromkeys(_QUIET, False)
    return deblend_sources(smooth, parents, n_pixels=PIXELS, labels=labels, **quiet)


def central_label(labels: Ints, smooth: Floats) -> tuple[int, Flag]:
    """The label of the central source, 0 without one.

    Under the centre means under any of the middle pixels (four in a stamp of even size); where two
    sources share them, the nearer centroid decides.
    """
    height, width = labels.shape
    middle = labels[(height - 1) // 2 : height // 2 + 1, (width - 1) // 2 : width // 2 + 1]
    under = np.unique(middle[middle > 0])
    candidates = under if len(under) else np.unique(labels[labels > 0])
    centroids = np.array(ndimage.center_of_mass(smooth, labels, candidates))
    distance = np.hypot(*(centroids - (np.array(labels.shape) - 1) / 2).T)
    nearest = int(np.argmin(distance))
    if len(under):
        return int(candidates[nearest]), Flag(0)
    if distance[nearest] <= REACH:
        return int(candidates[nearest]), Flag.OFF_CENTRE
    return 0, Flag.UNDETECTED


def segment_flags(image: Floats, segment: Bools, valid: Bools) -> Flag:
    """Whether the segment reaches the edge of the stamp or of its padding, and is saturated."""
    flag = Flag(0)
    if (segment & ~ndimage.binary_erosion(valid)).any():
        flag |= Flag.EDGE
    light = image[segment]
    if (light == light.max()).sum() >= SHARED_MAXIMUM:
        flag |= Flag.SATURATED
    return flag
