"""What of a mock file was never tuned, beside what is published of it."""

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from galddpm.arrays import Array
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import ZERO_POINT
from galddpm.mock.check import g_detected
from galddpm.mock.selection import QUASAR, QUASAR_TEMPLATE
from galddpm.mock.spectra import dimming

EDGES = (0.0, 0.3, 0.7, 1.2, 4.0)  # of bins in redshift
NEAR = "i_central_image_pop_10px_rad"  # detections within 10 pixels of the stamp's centre


def predictions(path: Path, truth: Path) -> str:
    """A table in text: of the catalog `path` and its truth file."""
    galaxies = GalaxyFile(path)
    with h5py.File(truth) as file:
        true = {
            name: file[name][:]
            for name in ("redshift", "kind", "template", "flux", "merger", "near")
        }
    near, crowded = (true["near"] > 0).mean(), 100 * (galaxies.column(NEAR) > 1).mean()
    lines = [
        f"another source with i < 25 in the central 20 x 20 pixels: {100 * near:.1f} %"
        " (published 13.9 %, by an unknown detection)",
        f"detected within 10 pixels beside the galaxy, by SExtractor's rules in i: {crowded:.1f} %",
        f"brightest galaxy: M_i = {absolute_magnitudes(true).min():.1f}",
        f"mergers: {100 * true['merger'].mean():.1f} %",
        "redshift    galaxies  quasars  median i  g ellipticity at 16, 50, 84 %",
    ]
    ellipticity, detected = galaxies.column("g_ellipticity"), g_detected(galaxies)
    magnitude = galaxies.column("i_cmodel_mag")
    for low, high in pairwise(EDGES):
        inside = (true["redshift"] >= low) & (true["redshift"] < high)
        if not (inside & detected).any():
            continue
        shares = np.percentile(ellipticity[inside & detected], (16, 50, 84))
        quasars = 100 * (true["kind"][inside] == QUASAR).mean()
        lines.append(
            f"{low:.1f} to {high:.1f}  {inside.sum():8}  {quasars:5.0f} %"
            f"  {np.median(magnitude[inside]):8.2f}  {', '.join(f'{x:.2f}' for x in shares)}"
        )
    return "\n".join(lines)


def absolute_magnitudes(true: dict[str, Array]) -> Array:
    """M_i of the galaxies that are not quasars."""
    galaxy = true["template"] != QUASAR_TEMPLATE
    observed = ZERO_POINT - 2.5 * np.log10(true["flux"][galaxy, 2])
    templates, redshifts = true["template"][galaxy], true["redshift"][galaxy]
    dims = [dimming(*one) for one in zip(templates, redshifts, strict=True)]
    absolute: Array = observed - np.array(dims)
    return absolute
