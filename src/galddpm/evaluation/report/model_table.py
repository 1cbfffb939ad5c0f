"""Reports of several models side by side, as one table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from galddpm.evaluation.measurement.stamp import PAPER

KS = (*PAPER, "half_light_radius", "flux", "g-r", "sky_sigma", "asymmetry")
SHORT = {"semimajor_axis": "axis", "sersic_n": "index", "isophotal_area": "area"}
COLUMNS = {
    "ks": "KS, mean of the paper's four",
    "floor": "its floor",
    "conditional_ks": "the same by redshift",
    **{f"ks_{name}": f"KS {SHORT.get(name, name.replace('_', ' '))}" for name in KS},
    **{f"ratio_{name}": f"ratio {SHORT.get(name, name)}" for name in PAPER},
    "brightness": "brightness",
    "energy": "energy distance",
    "trees": "told by trees",
    "pixels": "told by images",
    "nmad_ratio": "NMAD ratio",
    "detected": "share detected",
    "nearest_ratio": "nearest training galaxy",
    "copied": "share copied",
    "alike": "share alike to a twin",
    "train_seconds": "training [s]",
    "sample_seconds": "sampling [s]",
}


def figures(report: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of one report that models are compared by; None where one could not be had."""
    metrics = report["metrics"]
    found = {f"ks_{name}": _get(metrics, name, "ks") for name in KS}
    found["ks"] = _mean(metrics[name]["ks"] for name in PAPER)
    found["conditional_ks"] = _mean(_get(metrics, name, "conditional_ks") for name in PAPER)
    found |= {f"ratio_{name}": metrics[name]["mean_ratio"] for name in PAPER}
    found["brightness"] = _mean(b["asinh_ratio"] for b in report["brightness"].values())
    counts = report["counts"]["generated"]
    found["detected"] = counts["detected"] / counts["total"]
    found["energy"] = _get(report, "joint", "energy", "energy")
    found["trees"] = _get(report, "joint", "trees", "accuracy")
    found["pixels"] = _get(report, "images", "pixels", "accuracy")
    found["nmad_ratio"] = _get(report, "redshift", "nmad_ratio")
    found["nearest_ratio"] = _get(report, "images", "memory", "median_ratio")
    found["copied"] = _get(report, "images", "memory", "copied_fraction")
    found["floor"] = _mean(metrics[name]["ks_floor"] for name in PAPER)
    return found


def _get(report: Mapping[str, Any], *keys: str) -> float | None:
    """A number deep in a report; None where a part of it could not be had."""
    found: Any = report
    for key in keys:
        found = found.get(key) if found else None
    value: float | None = found
    return value


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean; None where a value could not be had."""
    values = list(values)
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def markdown(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], columns: Sequence[str] = tuple(COLUMNS)
) -> str:
    """A table with means over the seeds; one seed's standard deviation after a plus-minus sign.

    rows: name: figures of each seed; columns: some of `COLUMNS`.
    """
    titles = [COLUMNS[key] for key in columns]
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for name, seeds in rows.items():
        failed = [seed["failed"] for seed in seeds if "failed" in seed]
        if failed:
            lines.append(f"| {name} | {failed[0]} |" + " |" * (len(titles) - 1))
        elif seeds:
            cells = [_cell(_known(seeds, key)) for key in columns]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def in_columns(rows: Mapping[str, Sequence[Mapping[str, Any]]], width: int) -> str:
    """The same for a terminal of `width` characters: a line for each figure that any row has, and a
    column for each row; as many below each other as it takes."""
    failed = [name for name, seeds in rows.items() if any("failed" in seed for seed in seeds)]
    whole = {name: seeds for name, seeds in rows.items() if seeds and name not in failed}
    figures = [key for key in COLUMNS if any(_known(seeds, key) for seeds in whole.values())]
    first = max((len(COLUMNS[key]) for key in figures), default=0) + 2
    widest = {name: max(len(name), 14) + 2 for name in whole}
    blocks = []
    for names in _blocks(widest, width - first):
        head = "".ljust(first) + "".join(name.rjust(widest[name]) for name in names)
        lines = [
            COLUMNS[key].ljust(first)
            + "".join(_cell(_known(whole[name], key)).rjust(widest[name]) for name in names)
            for key in figures
        ]
        blocks.append("\n".join([head, *lines]))
    blocks += [f"{name}: {seed['failed']}" for name in failed for seed in rows[name][:1]]
    return "\n\n".join(blocks)


def _blocks(widths: Mapping[str, int], room: int) -> list[list[str]]:
    """Names in groups, each at most as wide as there is room, but of one name at least."""
    groups: list[list[str]] = []
    left = 0
    for name, width in widths.items():
        if not groups or width > left:
            groups.append([])
            left = room
        groups[-1].append(name)
        left -= width
    return groups


def _known(seeds: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [seed[key] for seed in seeds if seed.get(key) is not None]


def _cell(known: Sequence[float]) -> str:
    if not known:
        return "-"
    digits = 0 if min(known) >= 10 else 3
    text = f"{np.mean(known):.{digits}f}"
    return text if len(known) == 1 else f"{text} ± {np.std(known, ddof=1):.{digits}f}"
