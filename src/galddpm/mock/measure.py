"""The morphology columns of the schema, measured as SExtractor would on the whole stamp.

Threshold 1.5 sigma, 5 pixels, a 3 x 3 Gaussian of FWHM 1.5 pixels, 32 deblending levels at contrast
0.005, a background mesh of 64 pixels: the example configuration of the group behind GalaxiesML.
"""

import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.data.survey import PIXEL_SCALE
from galddpm.mock.sersic_index import sersic_index

THRESHOLD, LEAST_AREA = 1.5, 5
DEBLEND_LEVELS, DEBLEND_CONTRAST = 32, 0.005
MESH = 64  # [pix]
GRID = np.arange(3) - 1
KERNEL = np.exp(-4 * np.log(2) * (GRID[:, None] ** 2 + GRID**2) / 1.5**2)
PETROSIAN = 0.2  # ratio of local to mean surface brightness at the Petrosian radius
KRON_REACH = 6.0  # radius within which light is summed [A_IMAGE]
HALF_LIGHT_SUBPIXELS = 1  # the curve of growth of a circle of many pixels needs no finer ones
POPULATION_RADII = (5, 10, 15)  # [pix]
COLUMNS = (
    "ellipticity", "half_light_radius", "isophotal_area", "major_axis", "minor_axis", "pos_angle",
    "peak_surface_brightness", "petro_rad", "sersic_index",
    *(f"central_image_pop_{radius}px_rad" for radius in POPULATION_RADII),
)  # fmt: skip


def measure_band(image: Floats, gain: float) -> dict[str, float]:
    """The columns of one band's stamp (H, W) [count]; all zero where nothing is detected.

    The source is the one nearest to the centre. gain: electrons in a count.
    """
    import sep

    found, segments, data, rms = detect(image)
    if not len(found):
        return dict.fromkeys(COLUMNS, 0.0)
    centre = (np.array(image.shape) - 1) / 2
    distance = np.hypot(found["x"] - centre[1], found["y"] - centre[0])
    nearest = int(np.argmin(distance))
    source = found[nearest]
    a, b = float(source["a"]), float(source["b"])
    place = (float(source["x"]), float(source["y"]))
    data = corrected(data, (segments > 0) & (segments != nearest + 1), place)
    reach = ([value] for value in (*place, KRON_REACH * a))
    half_light, _ = sep.flux_radius(data, *reach, 0.5, subpix=HALF_LIGHT_SUBPIXELS)
    radii, profile, count = _profile(data, place, a, b, float(source["theta"]))
    error = np.sqrt((rms**2 + np.maximum(profile, 0) / gain) / count)
    return {
        "ellipticity": 1 - b / a,
        "half_light_radius": float(half_light[0]),
        "isophotal_area": float(source["npix"]),
        "major_axis": a,
        "minor_axis": b,
        "pos_angle": float(np.degrees(source["theta"])),
        "peak_surface_brightness": float(
            -2.5 * np.log10(max(source["peak"], 1e-9) / PIXEL_SCALE**2)
        ),
        "petro_rad": _petrosian(radii, profile) / a,
        "sersic_index": sersic_index(profile, error),
        **{
            f"central_image_pop_{radius}px_rad": float((distance < radius).sum())
            for radius in POPULATION_RADII
        },
    }


def detect(image: Floats) -> tuple[Array, Array, Floats, float]:
    """Sources of a band's stamp as sep lists them, their segments, the image without background,
    and its rms [count]."""
    import sep

    sep.set_extract_pixstack(2 * image.size)  # its default makes room for twenty stamps each time
    background = sep.Background(image, bw=MESH, bh=MESH)
    data = image - background.back()
    found, segments = sep.extract(
        data, THRESHOLD, err=background.globalrms, minarea=LEAST_AREA, filter_kernel=KERNEL,
        deblend_nthresh=DEBLEND_LEVELS, deblend_cont=DEBLEND_CONTRAST,
        segmentation_map=True,
    )  # fmt: skip
    return found, segments, data, background.globalrms


def corrected(data: Floats, others: Array, place: tuple[float, float]) -> Floats:
    """Data in which the pixels of other sources are those opposite to them about the source.

    That is SExtractor's MASK_TYPE CORRECT; where the opposite pixel is another source's or off the
    stamp, 0.
    """
    rows, columns = np.nonzero(others)
    opposite = np.rint(2 * place[1] - rows).astype(int), np.rint(2 * place[0] - columns).astype(int)
    height, width = data.shape
    inside = (opposite[0] >= 0) & (opposite[0] < height)
    inside &= (opposite[1] >= 0) & (opposite[1] < width)
    values = np.zeros(len(rows), data.dtype)
    there = tuple(index[inside] for index in opposite)
    values[inside] = np.where(others[there], 0, data[there])
    filled = data.copy()
    filled[rows, columns] = values
    return filled


def _profile(
    data: Floats, place: tuple[float, float], a: float, b: float, theta: float
) -> tuple[Floats, Floats, Floats]:
    """Major-axis radius, mean brightness and number of pixels of elliptical rings of one pixel."""
    x, y = (np.arange(side) - middle for side, middle in zip(data.shape[::-1], place, strict=True))
    cosine, sine, flat = np.cos(theta), np.sin(theta), a / max(b, 0.3)
    along = cosine * x + sine * y[:, None]
    across = flat * (cosine * y[:, None] - sine * x)
    ring = np.sqrt(along**2 + across**2).astype(np.int32).ravel()
    count = np.maximum(np.bincount(ring)[: data.shape[0] // 2], 1)
    light = np.bincount(ring, data.ravel())[: data.shape[0] // 2]
    return np.arange(len(count)) + 0.5, light / count, count


def _petrosian(radii: Floats, profile: Floats) -> float:
    """Radius [pix] where the profile falls to PETROSIAN of its mean inside; 0 if it never does."""
    mean_inside = np.cumsum(profile * radii) / np.cumsum(radii)
    below = np.flatnonzero(profile < PETROSIAN * mean_inside)
    return float(radii[below[0]]) if len(below) else 0.0
