"""The tables of the report's page, as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from galddpm.evaluation.catalog.colours import in_magnitudes
from galddpm.evaluation.measurement.stamp import NUMBERS
from galddpm.evaluation.report.verdict import excess, words

UNIT = {"pix": "pix", "pix2": "pix²", "ct": "count", "deg": "deg", "": ""}
Names = Mapping[str, str]  # what the sides are called


def metrics_table(metrics: Mapping[str, Mapping[str, Any]], names: Names) -> str:
    """Distances and means of every measurement, the farthest first."""
    sides = [f"{text} {name}" for text in ("n", "mean") for name in names.values()]
    head = ["measurement", "over floor", "KS", "interval", "floor", "floor 95 %"]
    head += ["KS at given z", "floor 95 %", *sides, "difference", "interval", "ratio", "interval"]
    keys = ["ks", "ks_interval", "ks_floor", "ks_floor_95"]
    keys += ["conditional_ks", "conditional_ks_floor_95", "n_real", "n_generated"]
    keys += ["mean_real", "mean_generated", "mean_difference", "mean_difference_interval"]
    keys += ["mean_ratio", "mean_ratio_interval"]
    ordered = sorted(metrics, key=lambda name: -(excess(metrics[name]) or 0))
    rows = [
        (with_unit(name), number(excess(m)), *(number(m.get(key)) for key in keys))
        for name, m in ((name, metrics[name]) for name in ordered)
    ]
    return table(head, rows, [(excess(metrics[name]) or 0) > 1 for name in ordered])


def joint_table(report: Mapping[str, Any]) -> str:
    """Distances in many measurements at once, and what was found on the images."""
    joint, images = report["joint"], report.get("images") or {}
    pixels = images.get("pixels") or {}
    lines = [
        ("energy distance", joint["energy"], "energy"),
        ("distance of covariances", joint.get("covariance"), "covariance"),
        ("Frechet distance of CNN features", joint["frechet"], "frechet"),
        ("trees on the catalog, accuracy", joint["trees"], "accuracy"),
        ("statistics of the images, accuracy", pixels, "accuracy"),
    ]
    lines += [
        (f"... {name} alone", found, "accuracy")
        for name, found in pixels.items()
        if isinstance(found, Mapping) and "accuracy" in found
    ]
    rows = [
        (name, *(number(found[f"{key}{part}"]) for part in ("", "_interval", "_floor")))
        for name, found, key in lines
        if found
    ]
    rows.append(("unique fraction", number(images.get("unique_fraction")), "-", "1"))
    memory = images.get("memory")
    if memory and memory["copied_fraction"] is not None:
        rows.append(("near a training galaxy", number(memory["copied_fraction"]), "-", "0.01"))
    return table(("", "value", "interval", "floor"), rows)


def power_table(power: Sequence[Mapping[str, Any]]) -> str:
    """How often real galaxies with each standard fault are told from others."""
    rows = [
        (f["name"], number(f["accuracy"]), number(f["accuracy_interval"]), f"{f['n']:,}")
        for f in power
    ]
    return table(("fault", "accuracy", "interval", "n a side"), rows)


def trend_table(trends: Mapping[str, Mapping[str, Any]], names: Names) -> str:
    """Relative slopes by redshift of both sides, and whether they agree."""
    rows = [
        (
            f"{words(name)}, {trend['expected']}",
            *(number(trend[s][key]) for s in names for key in ("slope", "slope_interval")),
            number(trend["difference"]),
            number(trend["difference_interval"]),
            trend["verdict"],
        )
        for name, trend in trends.items()
    ]
    sides = [text for name in names.values() for text in (name, "interval")]
    return table(("", *sides, "difference", "interval", "verdict"), rows)


def cosmic_table(found: Mapping[str, Any], names: Names) -> str:
    """Sizes, ultraviolet light and mergers by redshift, of both sides, and whether they agree."""
    size = found["size"]
    lines = [("size [kpc], exponent of 1 + z", size, "exponent")]
    for title, bins in (
        ("log10 L at 2800 Å [erg/s/Hz]", found["ultraviolet"]),
        ("mergers by Gini, M20", found["mergers"]["gini_m20"]),
        ("mergers by asymmetry", found["mergers"]["asymmetry"]),
    ):
        lines += [(f"{title}, z {b['low']:g} to {b['high']:g}", b, "mean") for b in bins]
    rows = [
        (
            title,
            *(
                text
                for side in names
                for text in (
                    f"{line[side]['n']:,}",
                    number(line[side][key]),
                    number(line[side][f"{key}_interval"]),
                )
            ),
            number(line["difference"]),
            number(line["difference_interval"]),
            line["verdict"],
        )
        for title, line, key in lines
    ]
    sides = [text for name in names.values() for text in ("n", name, "interval")]
    return table(("", *sides, "difference", "interval", "verdict"), rows)


def redshift_table(redshift: Mapping[str, Any] | None, names: Names) -> str:
    """Metrics of the redshifts that the CNN sees."""
    if redshift is None:
        return "<p>No redshift CNN was given or found.</p>"
    rows = [("galaxies", *(f"{redshift[side]['n']:,}" for side in names))]
    rows += [
        (words(name), *(number(redshift[side][name]) for side in names))
        for name in redshift["real"]
        if name != "n"
    ]
    note = (
        f"<p class='note'>A constant's NMAD: {number(redshift['constant_nmad'])}. Ratio of the"
        f" NMADs: {number(redshift['nmad_ratio'])}."
    )
    reason = f" {escape(redshift['reason'])}." if redshift["reason"] else ""
    return table(("", *names.values()), rows) + note + reason + "</p>"


def brightness_table(brightness: Mapping[str, Mapping[str, Any]]) -> str:
    """Mean asinh brightness of one side over the other's, by band."""
    keys = ("asinh_ratio", "asinh_ratio_interval")
    rows = [(band, *(number(value[key]) for key in keys)) for band, value in brightness.items()]
    return table(("band", "ratio", "interval"), rows)


def counts_table(counts: Mapping[str, Mapping[str, Any]], names: Names) -> str:
    """How many galaxies there were, were found, and carry each flag."""
    keys = [name for name in counts["real"] if name != "flagged"]
    rows = [(words(name), *(f"{c[name]:,}" for c in counts.values())) for name in keys]
    rows += [
        (f"flag {bit}", *(f"{c['flagged'][bit]:,}" for c in counts.values()))
        for bit in counts["real"]["flagged"]
    ]
    return table(("", *names.values()), rows)


def origin_table(report: Mapping[str, Any]) -> str:
    """Which files, run, sampler and settings the report is about."""
    files = [(f"{side} file", path) for side, path in report["files"].items()]
    known = report["origin"].items()
    rows = [*files, *((words(name), str(value)) for name, value in known)]
    return table(("", ""), [*rows, ("judged on", report["date"])])


def with_unit(name: str) -> str:
    """A measurement's name and unit."""
    unit = "mag" if in_magnitudes(name) else UNIT[NUMBERS[name][0]] if name in NUMBERS else ""
    return f"{words(name)} [{unit}]" if unit else words(name)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], far: Sequence[bool] = ()) -> str:
    """A table that scrolls sideways where the window is narrow; `far` rows are bold."""
    marks = list(far) or [False] * len(rows)
    titles = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = [
        f"<tr{' class=far' if mark else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row, mark in zip(rows, marks, strict=True)
    ]
    top = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    return f"<div class='wide'><table>{top}<tbody>{''.join(lines)}</tbody></table></div>"


def number(value: float | Sequence[float] | None) -> str:
    """Three digits; "-" for what could not be had; both ends of an interval."""
    if value is None:
        return "-"
    if isinstance(value, Sequence):
        return " to ".join(number(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
