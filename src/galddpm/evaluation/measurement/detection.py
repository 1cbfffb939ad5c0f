"""Sky, sources and the central source of one stamp, from the stamp itself.

Everything is relative to the stamp's own noise, so that a common factor in flux and noise changes
neither the segment nor any size or shape measured on it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from galddpm.arrays import Bools, Floats, Ints
from galddpm.evaluation.measurement.deblending import EIGHT, parted
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.noise import autocorrelation

THRESHOLD = 1.5  # [sky rms]
PIXELS = 5  # connected, the least of a source
REACH = 5.0  # [pix] how far from the stamp's centre a centroid may lie
CLIP = 3.0  # [rms] of the sigma clipping
SKY_PASSES = 5  # times, at most, that the sky is measured again with the sources masked
SKY_SETTLED = 0.02  # relative change of the rms that ends this; most stamps need two
SKY_MARGIN = 5  # [pix] by which sources are grown before the sky is measured around them
SKY_LEAST = 0.1  # share of the stamp that must remain for that
SHARED_MAXIMUM = 5  # pixels of one and the same brightest value make a saturated source
DARK = 10.0  # [sky rms] below the sky no noise reaches and no source shines: an artefact
SPILL = 1  # [pix] around an artefact that resampling has spoilt too

# Gaussian of FWHM 1.5 pix on 3 x 3, SExtractor's gauss_1.5_3x3, which the data set's authors use.
# Without it noise tears one faint galaxy in four into pieces when it is deblended, and 3 % of empty
# stamps hold a "source".
_SIDE = 2.0 ** (-4 / 1.5**2)
KERNEL = np.outer([_SIDE, 1, _SIDE], [_SIDE, 1, _SIDE]) / (1 + 2 * _SIDE) ** 2


@dataclass(frozen=True)
class Detection:
    """The central source of a stamp; masks are (H, W)."""

    status: str  # ok, undetected, edge or bad_pixels
    flag: Flag
    sky: float = np.nan  # [count]
    sky_sigma: float = np.nan  # [count] rms of a sky pixel
    correlation: Floats | None = None  # (5, 5) of the sky's noise, see noise.py
    free: Bools | None = None  # pixels that the sky was measured on
    segment: Bools | None = None  # pixels of the central source
    others: Bools | None = None  # pixels of other sources, and those without data


def detect(image: Floats) -> Detection:
    """Find the central source of a stamp, (H, W) [count].

    The image is smoothed with `KERNEL` for detection and deblending only. The central source is the
    segment under the stamp's centre or, failing that, the one with the nearest centroid within
    `REACH`. Pixels of exactly zero hold no data and are masked, as artefacts are.
    """
    lit = image != 0
    if not np.isfinite(image).all() or not lit.any() or np.ptp(image[lit]) == 0:
        return Detection("bad_pixels", Flag.BAD_PIXELS)
    valid = lit & ~artefacts(image, lit)
    sky, sky_sigma, free = measure_sky(image, valid)
    if sky_sigma == 0:
        return Detection("bad_pixels", Flag.BAD_PIXELS)
    background = sky, sky_sigma, autocorrelation(image - sky, free), free
    masked = Flag.MASKED if (inside_borders(image) & ~valid).any() else Flag(0)
    smooth = smoothed(image - sky, valid)
    parents = find_sources(smooth, THRESHOLD * sky_sigma, valid)
    labels = deblend_centre(smooth, parents)
    label, flag = central_label(labels, smooth)
    if label == 0:
        return Detection("undetected", masked | Flag.UNDETECTED, *background)
    segment = labels == label
    flag |= masked | segment_flags(image, segment, lit)
    if not np.array_equal(segment, parents == parents[segment].max()):
        flag |= Flag.DEBLENDED
    others = ((labels > 0) & ~segment) | ~valid
    status = "edge" if flag & Flag.EDGE else "ok"
    return Detection(status, flag, *background, segment, others)


def artefacts(image: Floats, lit: Bools) -> Bools:
    """Pixels that are too dark for noise, and their neighbours, (H, W). lit: (H, W), those with
    data, of which the median and the median deviation are taken."""
    values = image[lit]
    middle = np.median(values)
    rms = np.median(np.abs(values - middle)) / 0.6745
    dark = lit & (image < middle - DARK * rms)
    spoilt: Bools = ndimage.binary_dilation(dark, EIGHT, SPILL) if dark.any() else dark
    return spoilt


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
    that are sorted and added up once.
    """
    values = np.sort(values, axis=None)
    zero = values[len(values) // 2]  # near the median, so that squares keep their digits
    values = values - zero
    sums, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (values, values**2))
    low, high = 0, len(values)
    while True:
        count = high - low
        middle = (values[low + (count - 1) // 2] + values[low + count // 2]) / 2
        mean = (sums[high] - sums[low]) / count
        rms = np.sqrt(max((squares[high] - squares[low]) / count - mean**2, 0.0))
        ends = np.searchsorted(values[low:high], [middle - CLIP * rms, middle + CLIP * rms])
        if ends[1] - ends[0] == count or rms == 0:
            return float(zero + middle), float(rms)
        low, high = low + ends[0], low + ends[1]


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
        if rms == 0 or not sources.any():
            break
        free = valid & (ndimage.distance_transform_edt(sources == 0) > SKY_MARGIN)
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


def find_sources(smooth: Floats, threshold: float, valid: Bools) -> Ints:
    """Labels, (H, W), of segments of at least `PIXELS` connected pixels above the threshold
    [count]; 0 elsewhere. As photutils.segmentation.detect_sources numbers them, in a tenth of its
    time."""
    labels, count = ndimage.label((smooth > threshold) & valid, EIGHT)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= PIXELS
    large[0] = False
    number = np.where(large, np.cumsum(large), 0)
    kept: Ints = number[labels]
    return kept


def deblend_centre(smooth: Floats, parents: Ints) -> Ints:
    """Part the sources that could hold the central one; the rest only has to be masked.

    A centroid lies inside its segment's bounding box, and a segment with a single peak has nothing
    to part, so that most stamps cost nothing here.
    """
    centre = (np.array(smooth.shape) - 1) / 2
    peaks = smooth == ndimage.maximum_filter(smooth, size=3)
    boxes = ndimage.find_objects(parents)
    labels = [
        label
        for label, box in enumerate(boxes, 1)
        if all(
            axis.start - REACH <= middle <= axis.stop - 1 + REACH
            for axis, middle in zip(box, centre, strict=True)
        )
        and (peaks[box] & (parents[box] == label)).sum() > 1
    ]
    whole = parents.copy()
    for label in labels:
        box = boxes[label - 1]
        sources = parted(smooth[box], parents[box] == label, PIXELS)
        whole[box][sources > 1] = sources[sources > 1] + whole.max()
    return whole


def central_label(labels: Ints, smooth: Floats) -> tuple[int, Flag]:
    """The label of the central source, 0 without one.

    Under the centre means under any of the middle pixels (four in a stamp of even size); where two
    sources share them, the nearer centroid decides.
    """
    height, width = labels.shape
    middle = labels[(height - 1) // 2 : height // 2 + 1, (width - 1) // 2 : width // 2 + 1]
    under = np.unique(middle[middle > 0])
    candidates = under if len(under) else np.unique(labels[labels > 0])
    if not len(candidates):
        return 0, Flag.UNDETECTED
    centroids = np.array(ndimage.center_of_mass(smooth, labels, candidates))
    distance = np.hypot(*(centroids - (np.array(labels.shape) - 1) / 2).T)
    nearest = int(np.argmin(distance))
    if len(under):
        return int(candidates[nearest]), Flag(0)
    if distance[nearest] <= REACH:
        return int(candidates[nearest]), Flag.OFF_CENTRE
    return 0, Flag.UNDETECTED


def segment_flags(image: Floats, segment: Bools, lit: Bools) -> Flag:
    """Whether the segment reaches the edge of the stamp or pixels without data, and is
    saturated."""
    flag = Flag(0)
    if (segment & ~ndimage.binary_erosion(lit)).any():
        flag |= Flag.EDGE
    light = image[segment]
    if (light == light.max()).sum() >= SHARED_MAXIMUM:
        flag |= Flag.SATURATED
    return flag
