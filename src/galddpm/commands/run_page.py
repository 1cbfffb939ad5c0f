"""The page of a run: how its losses went, what it drew meanwhile, and what it was made of."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from galddpm.files import read_json, write_text
from galddpm.runs import PROVENANCE, log_records, read_config

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "run.html"
QUARTER = ("lowest", "second", "third", "highest")
SPLITS = {  # in the log: what a loss is split by
    "loss_by_t": "noise level",
    "loss_by_redshift": "redshift",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 70rem; margin: 2rem auto }
body { padding: 0 1rem } h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
img { max-width: 100% } table { border-collapse: collapse; font-size: .9rem }
th, td { padding: .15rem .7rem .15rem 0; text-align: left; vertical-align: top }
pre { font-size: .82rem; overflow-x: auto } figcaption { color: #666; font-size: .88rem }
"""


def write_page(run: Path, cells: Mapping[str, str]) -> Path:
    """Write `run.html` into a run's folder; cells: what `galddpm runs` says of it, by column."""
    records = log_records(run)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{escape(str(run))}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(str(run))}</h1>",
        table(cells),
        *(["<h2>Losses</h2>", picture(curves(records))] if records else []),
        *previews(run),
        *reports(run),
        "<h2>Made of</h2>",
        table(origin(run)),
        f"<h2>Config</h2><pre>{escape(yaml.safe_dump(read_config(run), sort_keys=False))}</pre>",
        "</body></html>",
    ]
    write_text(run / NAME, "\n".join(parts))
    return run / NAME


def curves(records: Sequence[Mapping[str, Any]]) -> "Figure":
    """Loss, loss by noise level and by redshift, and speed, against images."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = list(figure.subplots(2, 2).flat)
    draw(axes[0], records, {"loss": [line.get("loss") for line in records]}, "loss")
    for axis, (name, by) in zip(axes[1:3], SPLITS.items(), strict=True):
        split = [line.get(name) or [None] * len(QUARTER) for line in records]
        quarters = zip(QUARTER, zip(*split, strict=True), strict=True)
        draw(axis, records, dict(quarters), f"loss by quarter of {by}")
    speed = {"images a second": [line.get("images_per_second") for line in records]}
    draw(axes[3], records, speed, "images a second")
    axes[3].set(yscale="linear", ylim=(0, None))
    return figure


def draw(
    axis: "Axes",
    records: Sequence[Mapping[str, Any]],
    lines: Mapping[str, Sequence[float | None]],
    title: str,
) -> None:
    """Lines of numbers by images seen, on a logarithmic scale; what is not known is left out."""
    for name, values in lines.items():
        seen = [
            (line["images_seen"], value)
            for line, value in zip(records, values, strict=True)
            if value is not None and value > 0
        ]
        if seen:
            axis.plot(*zip(*seen, strict=True), label=name, lw=1.2)
    axis.set(xlabel="images", title=title, yscale="log")
    if len(lines) > 1 and axis.lines:
        axis.legend(fontsize=8)


def picture(figure: "Figure") -> str:
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=100)
    return image(held.getvalue(), "losses against images")


def previews(run: Path) -> list[str]:
    """What the averaged weights drew of one noise, in the order of the images seen."""
    paths = sorted(run.glob("previews/*.png"))
    shown = [
        f"<figure>{image(path.read_bytes(), 'previews')}"
        f"<figcaption>after {int(path.stem):,} images</figcaption></figure>"
        for path in paths
        if path.stem.isdecimal()
    ]
    return ["<h2>Previews</h2>", *shown] if shown else []


def reports(run: Path) -> list[str]:
    """Links to the reports that lie in the run's folder."""
    paths = sorted([*run.glob("*/report.html"), *run.glob("samples/*/report.html")])
    names = [escape(str(path.relative_to(run))) for path in paths]
    links = [f"<li><a href='{name}'>{name}</a></li>" for name in names]
    return ["<h2>Reports</h2>", f"<ul>{''.join(links)}</ul>"] if links else []


def origin(run: Path) -> dict[str, str]:
    """What is recorded of a run's making, one line each."""
    return {name: str(value) for name, value in read_json(run / PROVENANCE).items()}


def table(cells: Mapping[str, str]) -> str:
    rows = [
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in cells.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def image(png: bytes, text: str) -> str:
    return f"<img alt='{text}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
