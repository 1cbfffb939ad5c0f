"""`galddpm runs [FOLDER]`: what runs there are, how far they are, how good, and of what; of a run
folder, its page."""

import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from galddpm.commands.run_page import NAME, write_page
from galddpm.commands.shell import DEFAULT, Parser, say
from galddpm.commands.watching import duration
from galddpm.errors import UserError
from galddpm.files import read_json
from galddpm.runs import (
    CONFIG,
    PROVENANCE,
    all_runs,
    images_seen,
    is_finished,
    last_record,
    read_config,
    task_of,
)

COLUMNS = ("run", "task", "images", "state", "loss", "trained on", "told apart")
GAP = "  "


def main(arguments: Sequence[str] | None = None, prog: str = "runs.py") -> None:
    root = Path(parse(arguments, prog).folder)
    if (root / CONFIG).exists():
        say(str(write_page(root, dict(zip(COLUMNS, described(root), strict=True)))))
        return
    found = [run for run in all_runs(root) if task_of(run)]
    if not found:
        raise UserError(f"{root}: no run, expected folders that galddpm train made")
    lines = [COLUMNS, *(described_or_damage(run) for run in found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(GAP.join(cells).rstrip())


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="List run folders, the one that was begun last at the end: images trained on,"
        " whether that is all, the last loss, the training file, and how often the newest report's"
        " image test tells generated from real galaxies (chance: 50 %). Of a run folder a page is"
        f" written there, {NAME}: losses by noise level and redshift, previews, and its config.",
        examples=("galddpm runs", "galddpm runs elsewhere/runs", "galddpm runs runs/quickstart"),
    )
    parser.add_argument("folder", nargs="?", default="runs", metavar="FOLDER", help=DEFAULT)
    return parser.parse_args(arguments)


def described_or_damage(run: Path) -> tuple[str, ...]:
    """The same cells, or what is wrong with a run: the others are to be seen all the same."""
    try:
        return described(run)
    except (UserError, OSError, AttributeError, TypeError, ValueError) as error:
        return (run.name, "-", "-", f"damaged: {error}", *"---")


def described(run: Path) -> tuple[str, ...]:
    """The cells of a run's line, as `COLUMNS`; a dash for what is not known."""
    training = read_config(run).get("training") or {}
    images, seen = training.get("images", 0), images_seen(run)
    loss, origin = last_record(run).get("loss"), read_json(run / PROVENANCE)
    file = origin.get("data", {}).get("training")
    return (
        run.name,
        task_of(run) or "-",
        f"{seen:,} of {images:,}",
        state(run, images, seen),
        f"{loss:.4f}" if isinstance(loss, float) else "-",
        Path(file).name if file else "-",
        told_apart(run),
    )


def state(run: Path, images: int, seen: int) -> str:
    """Whether a run is finished, and if not, when it was last heard of and what it lacks."""
    if is_finished(run, images):
        return "finished"
    log = run / "log.jsonl"
    if not seen:
        return "begun"
    heard = f"last heard of {duration(time.time() - log.stat().st_mtime)} ago"
    rate = last_record(run).get("images_per_second")
    return f"{heard}, lacks {duration((images - seen) / rate)}" if rate else heard


def told_apart(run: Path) -> str:
    """The accuracy of the image test in the newest report of a run's samples."""
    reports = [*run.glob("*/report.json"), *run.glob("samples/*/report.json")]
    if not reports:
        return "-"
    report = read_json(max(reports, key=lambda path: path.stat().st_mtime_ns))
    accuracy = ((report.get("images") or {}).get("pixels") or {}).get("accuracy")
    return "-" if accuracy is None else f"{100 * accuracy:.0f} %"
