"""Draws and saves all figures of a report."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.catalog.measure_file import Measurement
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.stamp import COMPARED, PAPER
from galddpm.evaluation.report.figures import (
    LIGHT,
    choose_pairs,
    compared_columns,
    distances_and_floor,
    histograms,
    means_by_redshift,
    save,
    stamp_pairs,
)
from galddpm.evaluation.report.photoz_figures import colours_by_redshift, redshift_scatter
from galddpm.evaluation.statistics.matching import Selection


def draw_figures(
    report: Mapping,
    real: Catalog,
    generated: Catalog,
    chosen: Selection,
    work: Mapping[str, Measurement],
    folder: Path,
) -> dict[str, Path]:
    """Write every figure as PNG and PDF; the PNG files by name, in the page's order."""
    band = report["band"]
    title = f"{band} band" + (", matched in redshift" if chosen.matched else "")
    sides = [
        compared_columns(catalog, rows, band)
        for catalog, rows in ((real, chosen.real), (generated, chosen.generated))
    ]
    rows = choose_pairs(real, generated, chosen)
    stamps = [
        GalaxyFile(work[side].path).unchecked_images(chosen_rows)
        for side, chosen_rows in zip(("real", "generated"), rows, strict=True)
    ]
    redshift = np.stack([real.redshift[rows[0]], generated.redshift[rows[1]]])
    figures = {
        "stamps": stamp_pairs(*stamps, redshift, work["real"].bands),
        "distances": distances_and_floor(report["metrics"], title),
        "histograms": histograms(*sides, PAPER, title),
        "histograms_light": histograms(*sides, LIGHT, title),
        "means_by_redshift": means_by_redshift(report["by_redshift"], PAPER, title),
    }
    light = [name for name in report["metrics"] if name not in COMPARED]
    if light:
        figures["colours_by_redshift"] = colours_by_redshift(report["by_redshift"], light, title)
    if report["redshift"]:
        figures["redshift"] = redshift_scatter(real, generated, chosen, report, title)
    for name, figure in figures.items():
        save(figure, folder, name)
    return {name: folder / f"{name}.png" for name in figures}
