"""The verdict in words: would an astronomer be fooled, by what not, and how sure is that?"""

from collections.abc import Mapping
from typing import Any

from galddpm.evaluation.statistics.distributions import LEAST

CHANCE = 0.5  # accuracy of a classifier that sees no difference
CLEAR = 0.6  # accuracy from which most people would see one
DISTANCES = ("ks", "conditional_ks")  # over all galaxies, and at given redshift


def summary(report: Mapping[str, Any]) -> str:
    """The report in a few sentences, the verdict first."""
    parts = (headline, found_in_words, measurements_in_words, *DETAILS)
    return " ".join(filter(None, (part(report) for part in parts)))


def headline(report: Mapping[str, Any]) -> str:
    """Whether generated galaxies are told from real ones, by the stronger of two classifiers."""
    known = [c for c in classifiers(report) if c[1]["accuracy"] is not None]
    if not known:
        return f"Too few galaxies to say whether anyone would be fooled: {LEAST} a side are needed."
    name, strongest = max(known, key=lambda c: c[1]["accuracy"])
    accuracy, (low, high) = strongest["accuracy"], strongest["accuracy_interval"]
    if low > CLEAR:
        answer = "No, an astronomer would not be fooled"
    elif low > CHANCE:
        answer = "An astronomer would often be fooled, but not always"
    else:
        answer = "An astronomer would be fooled, as far as these tests can see"
    floor = strongest["accuracy_floor"]
    chance = f"{floor:.0%}" if floor is not None else "50%"
    names = report["names"]
    return (
        f"{answer}: {name} tell {names['generated']} from {names['real']} galaxies in"
        f" {accuracy:.0%} of cases ({low:.0%} to {high:.0%}; two {names['real']} samples:"
        f" {chance}), on {strongest['n']:,} galaxies a side."
    )


def classifiers(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Those that were trained to tell the sides apart, by what they look at."""
    pixels = (report.get("images") or {}).get("pixels")
    pairs = (
        ("statistics of the images", pixels),
        ("trees on the catalog", report["joint"]["trees"]),
    )
    return [(name, result) for name, result in pairs if result]


def found_in_words(report: Mapping[str, Any]) -> str:
    counts, names = report["counts"], report["names"]
    sides = [f"{c['detected']:,} of {c['total']:,} {names[side]}" for side, c in counts.items()]
    text = f"In the {report['band']} band a central source was found in {' and in '.join(sides)}"
    text += " galaxies."
    if report["matched"]:
        text += (
            f" The redshifts of the two sets differ, so {counts['generated']['compared']:,} pairs"
            " matched in log(1+z) are compared; the others are left out."
        )
    return text


def measurements_in_words(report: Mapping[str, Any]) -> str:
    """Which measurements are too far apart, all of them, the farthest first."""
    real = report["names"]["real"]
    beyond = {name: excess(metric) for name, metric in report["metrics"].items()}
    known = {name: value for name, value in beyond.items() if value is not None}
    if not known:
        most = max(report["metrics"].values(), key=lambda m: min(m["n_real"], m["n_generated"]))
        return (
            f"A distance needs {LEAST} measured galaxies a side; here are {most['n_real']:,} {real}"
            f" and {most['n_generated']:,} {report['names']['generated']} ones."
        )
    far = sorted((name for name in known if known[name] > 1), key=lambda n: -known[n])
    sizes = [report["metrics"][name]["n_generated"] for name in known]
    text = (
        f"{len(known) - len(far)} of {len(known)} measurements lie as near to the {real} galaxies,"
        f" over all and at given redshift, as 95 % of {real} samples of this size do in each of the"
        f" two ({min(sizes):,} to {max(sizes):,} galaxies); of equal sets 5 to 10 % would not."
    )
    if len(known) < len(beyond):
        missing = len(beyond) - len(known)
        text += f" {missing} more have no distance, which needs {LEAST} measured galaxies a side."
    if far:
        named = ", ".join(f"{words(name)} ({known[name]:.1f})" for name in far)
        text += f" Too far, with their distance over that of those samples: {named}."
    return text


def excess(metric: Mapping[str, Any]) -> float | None:
    """A measurement's distance over the 95 % quantile of its floor: the larger of that over all
    galaxies and that at given redshift. None where neither is known; above 1 it is too far."""
    ratios = [
        metric[name] / metric[f"{name}_floor_95"]
        for name in DISTANCES
        if metric.get(name) is not None and metric.get(f"{name}_floor_95")
    ]
    return max(ratios, default=None)


def light_in_words(report: Mapping[str, Any]) -> str:
    ratios = [
        v["asinh_ratio"] for v in report["brightness"].values() if v["asinh_ratio"] is not None
    ]
    if not ratios:
        return ""
    sides = "{generated} over {real}".format(**report["names"])
    return f"Mean brightness, {sides}, is {min(ratios):.2f} to {max(ratios):.2f} by band."


def redshift_in_words(report: Mapping[str, Any]) -> str:
    redshift = report["redshift"]
    if redshift is None:
        return "No redshift CNN has looked at the images."
    if not redshift["usable"]:
        return f"Redshifts are not judged: {redshift['reason']}."
    generated, real = (
        f"{redshift[side]['nmad']:.3f} in {report['names'][side]}" for side in ("generated", "real")
    )
    return (
        f"The CNN sees the redshift to an NMAD of {generated} and {real} galaxies, a ratio of"
        f" {redshift['nmad_ratio']:.2f}."
    )


def memory_in_words(report: Mapping[str, Any]) -> str:
    images = report.get("images") or {}
    if images.get("unique_fraction") is None:
        return ""
    text = (
        f"{images['unique_fraction']:.1%} of the generated galaxies have no twin among themselves"
    )
    if images["memory"] and images["memory"]["copied_fraction"] is not None:
        copied = images["memory"]["copied_fraction"]
        text += f"; {copied:.1%} lie suspiciously near a training galaxy (1 % is chance)"
    return text + "."


def psf_in_words(report: Mapping[str, Any]) -> str:
    psf = report.get("psf")
    if not psf:
        return ""
    used, names = psf["used"], report["names"]
    text = f"PSF of the Sersic models: {used['real']}"
    if used["generated"] != used["real"]:
        text += f"; of {names['generated']} galaxies {used['generated']}"
    effect = psf["effect"]
    if effect["index_ratio"] is None:
        return text + "."
    return (
        f"{text}. One that is {effect['width_factor'] - 1:.0%} wider would make n"
        f" {effect['index_ratio']:.2f} times what it is (median of {effect['galaxies']} galaxies)."
    )


DETAILS = (light_in_words, redshift_in_words, memory_in_words, psf_in_words)


def words(name: str) -> str:
    """A name of the report as a reader would write it."""
    return name.replace("_", " ").replace("sersic", "Sersic")
