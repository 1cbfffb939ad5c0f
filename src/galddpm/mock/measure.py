"""The morphology columns of the schema, measured as SExtractor would on the whole stamp.

Threshold 1.5 sigma, 5 pixels, a 3 x 3 Gaussian of FWHM 1.5 pixels, 32 deblending levels at contrast
0.005, a background mesh of 64 pixels: the example configuration of the group behind GalaxiesML.
"""

import numpy as np

from galddpm.arrays import Floats
from galddpm.data.survey import PIXEL_SCALE

THRESHOLD, LEAST_AREA = 1.5, 5
DEBLEND_LEVELS, DEBLEND_CONTRAST = 32, 0.005
MESH = 64  # [pix]
GRID = np.arange(3) - 1
KERNEL = np.exp(-4 * np.log(2) * (GRID[:, None] ** 2 + GRID**2) / 1.5**2)
PETROSIAN = 0.2  # ratio of local to mean surface brightness at the Petrosian radius
KRON_REACH = 6.0  # radius within which light is summed [A_IMAGE]
INDICES = np.geomspace(0.3, 8, 60)  # that the Sersic index is chosen from
POPULATION_RADII = (5, 10, 15)  # [pix]
COLUMNS = (
    "ellipticity", "half_light_radius", "isophotal_area", "major_axis", "minor_axis", "pos_angle",
    "peak_surface_brightness", "petro_rad", "sersic_index",
    *(f"central_image_pop_{radius}px_rad" for radius in POPULATION_RADII),
)  # fmt: skip


def measure_band(image: Floats) -> dict[str, float]:
    """The columns of one band's stamp (H, W) [count]; all zero where nothing is detected.

    The source is the one nearest to the centre. The index is fitted to the light profile as seen,
    with the PSF in it, which is what makes the published values low.
    """
    import sep

    background = sep.Background(image, bw=MESH, bh=MESH)
    data = image - background.back()
    found = sep.extract(
        data, THRESHOLD, err=background.globalrms, minarea=LEAST_AREA, filter_kernel=KERNEL,
        deblend_nthresh=DEBLEND_LEVELS, deblend_cont=DEBLEND_CONTRAST,
    )  # fmt: skip
    if not len(found):
        return dict.fromkeys(COLUMNS, 0.0)
    centre = (np.array(image.shape) - 1) / 2
    distance = np.hypot(found["x"] - centre[1], found["y"] - centre[0])
    source = found[np.argmin(distance)]
    a, b = float(source["a"]), float(source["b"])
    place = (float(source["x"]), float(source["y"]))
    half_light, _ = sep.flux_radius(data, *([value] for value in (*place, KRON_REACH * a)), 0.5)
    radii, profile = _profile(data, place, a, b, float(source["theta"]))
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
        "sersic_index": _index(radii, profile),
        **{
            f"central_image_pop_{radius}px_rad": float((distance < radius).sum())
            for radius in POPULATION_RADII
        },
    }


def _profile(
    data: Floats, place: tuple[float, float], a: float, b: float, theta: float
) -> tuple[Floats, Floats]:
    """Mean surface brightness in elliptical rings of one pixel, against the major-axis radius."""
    rows, columns = np.indices(data.shape)
    x, y = columns - place[0], rows - place[1]
    along, across = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
    ring = np.hypot(along, across * a / max(b, 0.3)).astype(int).ravel()
    count = np.bincount(ring)[: data.shape[0] // 2]
    light = np.bincount(ring, data.ravel())[: data.shape[0] // 2]
    return np.arange(len(count)) + 0.5, light / np.maximum(count, 1)


def _petrosian(radii: Floats, profile: Floats) -> float:
    """Radius [pix] where the profile falls to PETROSIAN of its mean inside; 0 if it never does."""
    mean_inside = np.cumsum(profile * radii) / np.cumsum(radii)
    below = np.flatnonzero(profile < PETROSIAN * mean_inside)
    return float(radii[below[0]]) if len(below) else 0.0


def _index(radii: Floats, profile: Floats) -> float:
    """Sersic index n for which ln I against r^(1/n) is straightest; 0 without a profile."""
    bright = profile > 0.02 * profile[0]
    stop = int(np.argmin(bright)) if not bright.all() else len(profile)
    if stop < 3 or profile[0] <= 0:
        return 0.0
    x = radii[:stop, None] ** (1 / INDICES)
    y, weight = np.log(profile[:stop]), profile[:stop] / profile[:stop].sum()
    x, y = x - weight @ x, y - weight @ y
    explained = (weight * y @ x) ** 2 / (weight @ x**2)  # by each index's straight line
    return float(INDICES[np.argmax(explained)])
