"""What of a mock file was never tuned, beside what is published of it."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import ZERO_POINT
from galddpm.mock import relations
from galddpm.mock.check import g_detected
from galddpm.mock.judged import fitted
from galddpm.mock.selection import QUASAR, QUASAR_TEMPLATE
from galddpm.mock.spectra import dimming

EDGES = (0.0, 0.3, 0.7, 1.2, 4.0)  # of bins in redshift
NEAR = "i_central_image_pop_10px_rad"  # detections within 10 pixels of the stamp's centre
TRUTH = ("redshift", "kind", "template", "flux", "merger", "near", "log_mass", "r_eff")
COUNTED = 3000  # galaxies whose neighbours are looked at


def predictions(path: Path, truth: Path) -> str:
    """Tables in text: of the catalog `path` and its truth file."""
    galaxies = GalaxyFile(path)
    with h5py.File(truth) as file:
        true = {name: file[name][:] for name in TRUTH}
    small = np.flatnonzero(galaxies.column("i_isophotal_area") < relations.SMALL)[:COUNTED]
    tables = (
        overview(galaxies, true),
        relations.colour_tracks(galaxies, true),
        relations.sizes_at_mass(true, fitted_sizes(path, true)),
        relations.neighbour_counts(galaxies, small),
    )
    return "\n\n".join("\n".join(table) for table in tables)


def overview(galaxies: GalaxyFile, true: Mapping[str, Array]) -> Iterator[str]:
    """Near sources, luminosities, mergers, and what there is at which redshift."""
    near, crowded = (true["near"] > 0).mean(), 100 * (galaxies.column(NEAR) > 1).mean()
    yield (
        f"another source with i < 25 in the central 20 x 20 pixels: {100 * near:.1f} %"
        " (published 13.9 %, by an unknown detection)"
    )
    yield f"detected within 10 pixels beside it, by SExtractor's rules in i: {crowded:.1f} %"
    yield f"brightest galaxy: M_i = {absolute_magnitudes(true).min():.1f}"
    yield f"mergers: {100 * true['merger'].mean():.1f} %"
    yield "redshift    galaxies  quasars  median i  g ellipticity at 16, 50, 84 %"
    ellipticity, detected = galaxies.column("g_ellipticity"), g_detected(galaxies)
    magnitude = galaxies.column("i_cmodel_mag")
    for low, high in pairwise(EDGES):
        inside = (true["redshift"] >= low) & (true["redshift"] < high)
        if not (inside & detected).any():
            continue
        shares = np.percentile(ellipticity[inside & detected], (16, 50, 84))
        quasars = 100 * (true["kind"][inside] == QUASAR).mean()
        yield (
            f"{low:.1f} to {high:.1f}  {inside.sum():8}  {quasars:5.0f} %"
            f"  {np.median(magnitude[inside]):8.2f}  {', '.join(f'{x:.2f}' for x in shares)}"
        )


def fitted_sizes(path: Path, true: Mapping[str, Array]) -> Floats:
    """r_eff [pix] (N,) of the judge's Sersic fits in i to galaxies whose sizes are compared; NaN
    elsewhere, and where a fit is flagged."""
    sizes = np.full(len(true["redshift"]), np.nan)
    rows = relations.compared(true)
    for row, found in zip(rows, fitted(path, rows), strict=True):
        if not found["flag_sersic"]:
            sizes[row] = found["sersic_r_eff"]
    return sizes


def absolute_magnitudes(true: Mapping[str, Array]) -> Array:
    """M_i of the galaxies that are not quasars."""
    galaxy = true["template"] != QUASAR_TEMPLATE
    observed = ZERO_POINT - 2.5 * np.log10(true["flux"][galaxy, 2])
    templates, redshifts = true["template"][galaxy], true["redshift"][galaxy]
    dims = [dimming(*one) for one in zip(templates, redshifts, strict=True)]
    absolute: Array = observed - np.array(dims)
    return absolute
