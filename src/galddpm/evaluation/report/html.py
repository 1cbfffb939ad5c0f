"""The report as one HTML page that opens offline."""

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from galddpm.evaluation.report.tables import (
    brightness_table,
    cosmic_table,
    counts_table,
    joint_table,
    metrics_table,
    origin_table,
    power_table,
    redshift_table,
    trend_table,
)
from galddpm.evaluation.report.verdict import (
    DETAILS,
    found_in_words,
    headline,
    measurements_in_words,
)
from galddpm.evaluation.statistics.distributions import LEAST

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 104rem }
body { margin: 2rem auto; padding: 0 1rem }
p, li { max-width: 50rem } h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
.lead { font-size: 1.2rem; line-height: 1.4 }
.wide { overflow-x: auto } figure { margin: 2rem 0 } figcaption { font-weight: 600 }
table { border-collapse: collapse; font-size: .82rem }
th, td { padding: .15rem .5rem; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff }
thead th { border-bottom: 1px solid #888 } .sorted th { cursor: pointer }
tr.far td { font-weight: 600 } img { max-width: 100%; margin: .5rem 0 }
img.stamps { max-width: none } .note { color: #666; font-size: .88rem }
@media (max-width: 30rem) { body { margin: 1rem auto } .lead { font-size: 1.05rem } }
@media print { .wide { overflow: visible } table { font-size: 5.5pt } th, td { padding: 0 .2rem }
  h2, figcaption { break-after: avoid } figure, tr { break-inside: avoid }
  img { max-height: 24cm } img.stamps { max-width: 100% } }
"""
# a click on a column's title sorts by it, the largest number first, and by name in the first column
SORT = """
for (const table of document.querySelectorAll('.sorted table')) {
  const value = (row, k) => parseFloat(row.cells[k].textContent.replaceAll(',', ''));
  table.querySelectorAll('th').forEach((title, k) => title.addEventListener('click', () => {
    const body = table.tBodies[0], rows = [...body.rows];
    rows.sort((a, b) => k ? (value(b, k) || -Infinity) - (value(a, k) || -Infinity)
      : a.cells[0].textContent.localeCompare(b.cells[0].textContent));
    body.append(...rows);
  }));
}
"""
PICTURES = (
    "stamps",
    "least_convincing",
    "most_convincing",
)  # shown at full size, in a window that scrolls
CAPTIONS = {
    "stamps": "{real} galaxies above {generated} ones at the same redshifts, one stretch for all.",
    "carriers": "What tells {generated} from {real} galaxies: shares of the linear model's verdict"
    " by kind of statistic, band, scale and radius; how sure it is (95 and 68 % of galaxies).",
    "least_convincing": "The {generated} galaxies that the image test found out most easily, below"
    " {real} ones at the same redshifts.",
    "most_convincing": "The {generated} galaxies that convinced it most, likewise.",
    "distances": "Kolmogorov-Smirnov distances, over all and at given redshift, beside the floor.",
    "histograms": "Shapes and sizes; linear above, logarithmic below.",
    "histograms_light": "Brightness, noise and concentration.",
    "means_by_redshift": "Means with 95 % intervals in bins of redshift.",
    "colours_by_redshift": "Mean magnitudes and colours, in one aperture, in bins of redshift.",
    "cosmic_time": "Sizes of the Sersic fits (dotted: powers of 1 + z published for one mass);"
    " ultraviolet light by comoving volume (dotted: cosmic star formation, Madau & Dickinson 2014);"
    " shares that look like mergers.",
    "redshift": "Redshifts that the CNN sees, and its mean loss (1 where it is far off); grey where"
    " it is no better than a constant.",
}


def page(report: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    """The HTML text; figures: PNG files by name, which are put into the page."""
    names = report["names"]
    title = escape(_sentence("{generated} against {real} galaxies".format(**names)))
    told = (found_in_words, measurements_in_words, *DETAILS)
    sentences = [text for part in told if (text := part(report))]
    shown = {name: _figure(name, path, names) for name, path in figures.items()}
    first = shown.pop("stamps", "")
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1><p class='lead'>{escape(headline(report))}</p>",
        f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in sentences)}</ul>",
        first,
        *_tables_of_measurements(report),
        *shown.values(),
        *_other_tables(report),
        f"<script>{SORT}</script></body></html>",
    ]
    return "\n".join(parts)


def _tables_of_measurements(report: Mapping[str, Any]) -> list[str]:
    names, note = report["names"], "<p class='note'>"
    metrics = metrics_table(report["metrics"], names)
    return [
        f"<h2>Measurements, {escape(report['band'])} band</h2><div class='sorted'>{metrics}</div>",
        f"{note}KS: largest distance of the cumulative distributions, with its 95 % interval; at"
        " given z: the mean of the same in bins of redshift. Floor: the same for two"
        f" {escape(names['real'])} samples of these sizes, mean and 95 % quantile. Over floor: the"
        " larger of the two distances over its 95 % quantile; bold lines lie above it. A click on a"
        f" title sorts. A distance needs {LEAST} measured galaxies a side; a dash stands where"
        " there are fewer. Differences and ratios are generated less or over real means, with 95 %"
        " intervals.</p>",
        f"<h2>Together</h2>{joint_table(report)}",
        f"{note}Distances of many measurements at once, and how often a classifier is right about"
        " galaxies that it was not trained on.</p>",
        *_power(report, note),
    ]


def _power(report: Mapping[str, Any], note: str) -> list[str]:
    found = (report.get("images") or {}).get("power")
    if not found:
        return []
    return [
        f"<h2>What the image test would have caught</h2>{power_table(found)}",
        f"{note}How often its linear model alone tells {escape(report['names']['real'])} galaxies"
        " with one fault from others without, at these sample sizes.</p>",
    ]


def _other_tables(report: Mapping[str, Any]) -> list[str]:
    names, note = report["names"], "<p class='note'>"
    return [
        f"<h2>With redshift</h2>{trend_table(report['trends'], names)}",
        f"{note}Relative change of the mean by unit redshift, with its 95 % interval, and the"
        " difference of both sides. The paper's section 6.2 finds compact galaxies far away, and"
        " constant ellipticity.</p>",
        f"<h2>Through cosmic time</h2>{cosmic_table(report['cosmic_time'], names)}",
        f"{note}Half-light radii of the Sersic fits; at one mass they are found to go by (1 + z) to"
        " the power of -0.75 (late types) and -1.48 (early types; van der Wel et al. 2014), but a"
        " sample chosen by brightness holds larger galaxies the farther it reaches. Light at 2800"
        " Å in the rest frame between the bands, without dust. Mergers: of galaxies of S/N 50 and 3"
        " pixels on, G &gt; -.14 M20 + .33 (Lotz et al. 2008), A &gt; .35 (Conselice 2003); at this"
        " resolution the shares are to be compared between the sides alone.</p>",
        f"<h2>Redshifts seen by the CNN</h2>{redshift_table(report['redshift'], names)}",
        f"<h2>Brightness</h2>{brightness_table(report['brightness'])}",
        f"{note}Mean over all pixels of asinh(counts), generated over real.</p>",
        f"<h2>What was counted</h2>{counts_table(report['counts'], names)}",
        f"<h2>What was judged</h2>{origin_table(report)}",
    ]


def _sentence(text: str) -> str:
    """With a capital at its beginning, and the rest, such as HSC, as it is."""
    return text[0].upper() + text[1:]


def _figure(name: str, path: Path, names: Mapping[str, str]) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    text = escape(_sentence(CAPTIONS[name].format(**names)))
    kind = " class='stamps'" if name in PICTURES else ""
    image = f"<img{kind} alt='{text}' src='data:image/png;base64,{data}'>"
    return f"<figure><figcaption>{text}</figcaption><div class='wide'>{image}</div></figure>"
