"""The report as one HTML page that opens offline, with a summary in words."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem }
body { margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse; font-size: .82rem }
th, td { padding: .15rem .5rem; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left } thead th { border-bottom: 1px solid #888 }
tr.far td { font-weight: 600 } img { max-width: 100%; max-height: 32rem; margin: .5rem 0 }
.note { color: #666; font-size: .88rem }
"""
WORST = 4  # measurements that the summary names
CAPTIONS = {
    "histograms": "Shapes and sizes; linear above, logarithmic below.",
    "histograms_light": "Brightness, noise and concentration.",
    "means_by_redshift": "Means with 95 % intervals in bins of redshift.",
    "colours_by_redshift": "Mean magnitudes and colours, in one aperture, in bins of redshift.",
    "redshift": "Redshifts that the CNN sees, and its mean loss (1 where it is far off).",
    "distances": "Kolmogorov-Smirnov distances with their intervals, beside real against real.",
    "stamps": "Real galaxies above generated ones at the same redshifts, one stretch for all.",
}


def summary(report: Mapping[str, Any]) -> str:
    """The report in a few sentences."""
    counts, band, metrics = report["counts"], report["band"], report["metrics"]
    sides = [f"{c['detected']:,} of {c['total']:,} {side}" for side, c in counts.items()]
    text = f"In the {band} band a central source was found in {' and in '.join(sides)} galaxies. "
    if report["matched"]:
        pairs = counts["generated"]["compared"]
        text += (
            f"The redshifts of the two sets differ, so {pairs:,} pairs matched in log(1+z) are"
            " compared; the others are left out. "
        )
    known = {name: m for name, m in metrics.items() if m["ks"] is not None}
    if not known:
        return text + "There are too few galaxies for distances between the two sets."
    close = [name for name, m in known.items() if not _far(m)]
    text += (
        f"{len(close)} of {len(known)} measurements are as close to the real ones as two real"
        " samples are to each other. "
    )
    if close:
        text += f"Good: {', '.join(map(_words, close))}. "
    far = sorted((name for name in known if name not in close), key=lambda n: -known[n]["ks"])
    if far:
        named = [f"{_words(name)} {_number(known[name]['ks'])}" for name in far[:WORST]]
        text += f"Farthest, with their distances: {', '.join(named)}"
        floor = known[far[0]]["ks_floor"]
        text += f"; real against real gives {_number(floor)}. " if floor else ". "
    return text + " ".join(filter(None, (sentence(report) for sentence in SENTENCES)))


def light_in_words(report: Mapping[str, Any]) -> str:
    ratios = [
        v["asinh_ratio"] for v in report["brightness"].values() if v["asinh_ratio"] is not None
    ]
    if not ratios:
        return ""
    return f"Generated over real brightness is {min(ratios):.2f} to {max(ratios):.2f} by band."


def learner_in_words(report: Mapping[str, Any]) -> str:
    pixels = (report.get("images") or {}).get("pixels")
    named = (("trees on the catalog", report["joint"]["trees"]), ("a CNN on the pixels", pixels))
    said = [
        f"{name} {result['accuracy']:.0%} of the time"
        for name, result in named
        if result and result["accuracy"] is not None
    ]
    return f"Told from real ones (50 % is chance): by {', by '.join(said)}." if said else ""


def redshift_in_words(report: Mapping[str, Any]) -> str:
    redshift = report["redshift"]
    if redshift is None:
        return "No redshift CNN has looked at the images."
    if not redshift["usable"]:
        return f"Redshifts are not judged: {redshift['reason']}."
    real, generated = (redshift[side]["nmad"] for side in ("real", "generated"))
    return (
        f"The CNN sees the redshift to an NMAD of {generated:.3f} in generated and {real:.3f} in"
        f" real galaxies, a ratio of {redshift['nmad_ratio']:.2f}."
    )


def memory_in_words(report: Mapping[str, Any]) -> str:
    images = report.get("images") or {}
    if images.get("unique_fraction") is None:
        return ""
    text = (
        f"{images['unique_fraction']:.1%} of the generated galaxies have no twin among themselves"
    )
    if images["memory"]:
        copied = images["memory"]["copied_fraction"]
        text += f"; {copied:.1%} lie suspiciously near a training galaxy (1 % is chance)"
    return text + "."


def psf_in_words(report: Mapping[str, Any]) -> str:
    psf = report.get("psf")
    if not psf:
        return ""
    used = psf["used"]
    text = f"PSF of the Sersic models: {used['real']}"
    if used["generated"] != used["real"]:
        text += f"; for generated galaxies {used['generated']}"
    effect = psf["effect"]
    if effect["index_ratio"] is None:
        return text + "."
    return (
        f"{text}. One that is {effect['width_factor'] - 1:.0%} wider would make n"
        f" {effect['index_ratio']:.2f} times what it is (median of {effect['galaxies']} galaxies)."
    )


SENTENCES = (light_in_words, learner_in_words, redshift_in_words, memory_in_words)


def page(report: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    """The HTML text; figures: PNG files by name, which are put into the page."""
    band = report["band"]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>Generated against real galaxies</title><style>{STYLE}</style></head><body>",
        "<h1>Generated against real galaxies</h1>",
        f"<p>{escape(summary(report))}</p>",
        f"<h2>Measurements, {escape(band)} band</h2>{_metrics_table(report['metrics'])}",
        "<p class='note'>KS: largest distance of the cumulative distributions, with its 95 %"
        " interval. Floor: the same for two real samples of these sizes, mean and 95 % quantile;"
        " bold lines lie above it. Ratio: generated mean over real mean."
        f" {escape(psf_in_words(report))}</p>",
        *(_figure(path, CAPTIONS[name]) for name, path in figures.items()),
        f"<h2>Together</h2>{_joint_table(report)}",
        "<p class='note'>Distances of many measurements at once, and how often a classifier is"
        " right about galaxies that it was not trained on.</p>",
        f"<h2>With redshift</h2>{_trend_table(report['trends'])}",
        "<p class='note'>Relative change of the mean by unit redshift, with its 95 % interval; the"
        " paper's section 6.2 expects compact galaxies far away, and constant ellipticity.</p>",
        f"<h2>Redshifts seen by the CNN</h2>{_redshift_table(report['redshift'])}",
        f"<h2>Brightness</h2>{_brightness_table(report['brightness'])}",
        "<p class='note'>Mean over all pixels of asinh(counts), generated over real.</p>",
        f"<h2>What was counted</h2>{_counts_table(report['counts'])}",
        "</body></html>",
    ]
    return "\n".join(parts)


def _metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    head = ("measurement", "n real", "n generated", "KS", "interval", "floor", "floor 95 %")
    rows = [
        (
            name.replace("_", " "),
            f"{m['n_real']:,}",
            f"{m['n_generated']:,}",
            *(_number(m[key]) for key in ("ks", "ks_interval", "ks_floor", "ks_floor_95")),
            *(_number(m[key]) for key in ("mean_real", "mean_generated")),
            *(_number(m[key]) for key in ("mean_ratio", "mean_ratio_interval")),
        )
        for name, m in metrics.items()
    ]
    means = ("mean real", "mean generated", "ratio", "interval")
    return _table((*head, *means), rows, [_far(m) for m in metrics.values()])


def _joint_table(report: Mapping[str, Any]) -> str:
    joint, images = report["joint"], report.get("images") or {}
    lines = (
        ("energy distance", joint["energy"], "energy"),
        ("distance of covariances", joint.get("covariance"), "covariance"),
        ("Frechet distance of CNN features", joint["frechet"], "frechet"),
        ("trees on the catalog, accuracy", joint["trees"], "accuracy"),
        ("CNN on pixels, accuracy", images.get("pixels"), "accuracy"),
    )
    rows = [
        (name, *(_number(found[f"{key}{part}"]) for part in ("", "_interval", "_floor")))
        for name, found, key in lines
        if found
    ]
    rows.append(("unique fraction", _number(images.get("unique_fraction")), "-", "1"))
    memory = images.get("memory")
    if memory:
        rows.append(("near a training galaxy", _number(memory["copied_fraction"]), "-", "0.01"))
    return _table(("", "value", "interval", "floor"), rows)


def _trend_table(trends: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (
            f"{_words(name)}, {trend['expected']}",
            *(
                _number(trend[side][key])
                for side in ("real", "generated")
                for key in ("slope", "slope_interval")
            ),
            {True: "yes", False: "no", None: "-"}[trend["generated"]["holds"]],
        )
        for name, trend in trends.items()
    ]
    return _table(("", "real", "interval", "generated", "interval", "as expected"), rows)


def _redshift_table(redshift: Mapping[str, Any] | None) -> str:
    if redshift is None:
        return "<p>No redshift CNN was given or found.</p>"
    names = [name for name in redshift["real"] if name != "n"]
    rows = [("galaxies", *(f"{redshift[side]['n']:,}" for side in ("real", "generated")))]
    rows += [
        (_words(name), *(_number(redshift[side][name]) for side in ("real", "generated")))
        for name in names
    ]
    note = (
        f"<p class='note'>A constant's NMAD: {_number(redshift['constant_nmad'])}. Generated over"
        f" real NMAD: {_number(redshift['nmad_ratio'])}."
    )
    reason = f" {escape(redshift['reason'])}." if redshift["reason"] else ""
    return _table(("", "real", "generated"), rows) + note + reason + "</p>"


def _brightness_table(brightness: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (band, _number(value["asinh_ratio"]), _number(value["asinh_ratio_interval"]))
        for band, value in brightness.items()
    ]
    return _table(("band", "ratio", "interval"), rows)


def _counts_table(counts: Mapping[str, Mapping[str, Any]]) -> str:
    names = [name for name in counts["real"] if name != "flagged"]
    rows = [(name.replace("_", " "), *(f"{c[name]:,}" for c in counts.values())) for name in names]
    rows += [
        (f"flag {bit}", *(f"{c['flagged'][bit]:,}" for c in counts.values()))
        for bit in counts["real"]["flagged"]
    ]
    return _table(("", *counts), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], far: Sequence[bool] = ()) -> str:
    marks = list(far) or [False] * len(rows)
    titles = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = [
        f"<tr{' class=far' if mark else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row, mark in zip(rows, marks, strict=True)
    ]
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _figure(path: Path, caption: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    text = escape(caption)
    return f"<h2>{text}</h2><img alt='{text}' src='data:image/png;base64,{data}'>"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _far(metric: Mapping[str, Any]) -> bool:
    """Whether a distance lies above what real against real gives."""
    return metric["ks"] is not None and metric["ks"] > (metric["ks_floor_95"] or 0)


def _number(value: float | Sequence[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, Sequence):
        return " to ".join(_number(item) for item in value)
    return f"{value:.3g}"
