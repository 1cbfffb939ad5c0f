"""`python scripts/benchmark.py`: how fast, beside what a user would otherwise pick, in one run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from galddpm.benchmarks import growth, loading, measuring, sampling, training
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.shell import Parser, cores, tell
from galddpm.devices import best_device, device_title
from galddpm.errors import UserError
from galddpm.files import write_json
from galddpm.provenance import provenance

PARTS: dict[str, Callable[[torch.device], dict[str, Any]]] = {
    "loader": loading.run,
    "train": training.run,
    "sample": sampling.run,
    "measure": lambda device: measuring.run(device, cores()),
    "growth": growth.run,
}
NOTES = (
    "Medians of turns in one process; peers run with the same memory settings as ours.",
    f"A chain is timed on {sampling.STEPS} evaluations, or one, and multiplied.",
    "operations: a multiplication and an addition are two; bytes: of each operator alone, fp32.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Measure speed beside that of other libraries, as ratios.")
    parser.add_argument("part", nargs="?", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--device", choices=["cpu", "cuda"], default=best_device().type)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write the figures")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device, expected one")
    tell(f"{options.part}, {device_title(torch.device(options.device))}")
    keep_freed_memory()
    figures = {}
    for name in PARTS if options.part == "all" else [options.part]:
        figures[name] = PARTS[name](torch.device(options.device))
        show(name, figures[name])
    print(*NOTES, sep="\n")
    if options.out:
        origin = provenance(device=options.device, notes=NOTES)
        write_json(options.out, {**figures, "provenance": origin})
        draw(figures, options.out)


def show(part: str, figures: Mapping[str, Any]) -> None:
    for key, value in figures.items():
        if isinstance(value, int | float):
            print(f"{f'{part}.{key}':56s} {value:12.4g}", flush=True)


def draw(figures: Mapping[str, Any], out: Path) -> None:
    """The growth curves beside the JSON."""
    if "growth" in figures:
        path = out.with_name(f"{out.stem}-growth.png")
        growth.figure(figures["growth"]).savefig(path, dpi=150)
        print(path)
