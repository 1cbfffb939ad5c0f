"""Draws and saves all figures of a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from galddpm.evaluation.catalog.side import Side
from galddpm.evaluation.measurement.stamp import COMPARED, PAPER
from galddpm.evaluation.report.cosmic_figure import bin_points, cosmic_time
from galddpm.evaluation.report.figures import (
    LIGHT,
    compared_columns,
    distances_and_floor,
    histograms,
    mean_points,
    means_by_redshift,
    save,
)
from galddpm.evaluation.report.html import CAPTIONS
from galddpm.evaluation.report.image_figures import carriers, example_rows
from galddpm.evaluation.report.photoz_figures import colours_by_redshift, redshift_scatter
from galddpm.evaluation.report.stamps import choose_pairs, stamps_in_rows
from galddpm.evaluation.statistics.matching import Selection


def draw_figures(
    report: Mapping[str, Any],
    real: Side,
    generated: Side,
    chosen: Selection,
    folder: Path,
) -> dict[str, Path]:
    """Write every figure that there is something to show in as PNG and PDF; the PNG files by name,
    in the page's order."""
    band = report["band"]
    title = f"{band} band" + (", matched in redshift" if chosen.matched else "")
    catalogs = real.catalog, generated.catalog
    sides = [
        compared_columns(catalog, rows, band)
        for catalog, rows in zip(catalogs, (chosen.real, chosen.generated), strict=True)
    ]
    pairs = choose_pairs(*catalogs, chosen)
    stamps = [side.images(rows) for side, rows in zip((real, generated), pairs, strict=True)]
    redshift = np.stack([c.redshift[rows] for c, rows in zip(catalogs, pairs, strict=True)])
    bins, names = report["by_redshift"], report["names"]
    sides_named = [names["real"], names["generated"]]
    figures = {"stamps": stamps_in_rows(stamps, redshift, real.measurement.bands, sides_named)}
    if any(metric["ks"] is not None for metric in report["metrics"].values()):
        figures["distances"] = distances_and_floor(report["metrics"], title, names)
    figures["histograms"] = histograms(sides[0], sides[1], PAPER, title, names)
    figures["histograms_light"] = histograms(sides[0], sides[1], LIGHT, title, names)
    if any(len(mean_points(bins, PAPER[0], side)) for side in names):  # not of too few galaxies
        figures["means_by_redshift"] = means_by_redshift(bins, PAPER, title, names)
        light = [name for name in report["metrics"] if name not in COMPARED]
        if light:
            figures["colours_by_redshift"] = colours_by_redshift(bins, light, title, names)
    if any(len(bin_points(report["cosmic_time"]["size"]["bins"], side)) for side in names):
        figures["cosmic_time"] = cosmic_time(report["cosmic_time"], title, names)
    if report["redshift"]:
        figures["redshift"] = redshift_scatter(*catalogs, chosen, report, title)
    if report["images"]["convincing"]:
        figures |= why(report["images"], real, generated, names)
    remove_others(folder, figures)
    for name, figure in figures.items():
        save(figure, folder, name)
    return {name: folder / f"{name}.png" for name in figures}


def remove_others(folder: Path, drawn: Mapping[str, Figure]) -> None:
    """Figures of another report, which this one replaces, and has not."""
    for name in CAPTIONS.keys() - drawn.keys():
        for old in (folder / f"{name}.png", folder / f"{name}.pdf"):
            old.unlink(missing_ok=True)


def why(
    images: Mapping[str, Any], real: Side, generated: Side, names: Mapping[str, str]
) -> dict[str, Figure]:
    """What the image test saw: the galaxies that convinced it most and least, and by what."""
    figures = {"carriers": carriers(images, names)}
    sides_named = [names["real"], names["generated"]]
    for which in ("least", "most"):
        rows = example_rows(images, which)
        sides = ((real, rows["real"]), (generated, rows["generated"]))
        redshift = np.stack([side.catalog.redshift[k] for side, k in sides])
        stamps = [side.images(k) for side, k in sides]
        shown = stamps_in_rows(stamps, redshift, real.measurement.bands, sides_named)
        figures[f"{which}_convincing"] = shown
    return figures
