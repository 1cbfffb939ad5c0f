"""`galddpm benchmark`: how fast, beside what a user would otherwise pick, in one run."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.shell import DEFAULT, Parser, add_overwrite, cores, tell
from galddpm.errors import UserError, not_installed
from galddpm.files import refuse_existing, write_json
from galddpm.provenance import provenance

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    import torch

PARTS = ("loader", "train", "quality", "sample", "measure", "growth")
ALONE = ("recipe",)  # takes an hour
# part, device or None for any, library that it needs, and the extra that brings it
NEEDS = (
    ("train", None, "diffusers", "benchmark"),
    ("train", "cuda", "denoising_diffusion_pytorch", "benchmark-cuda"),
    ("quality", None, "diffusers", "benchmark"),
    ("quality", None, "galsim", "benchmark"),
    ("sample", None, "diffusers", "benchmark"),
    ("measure", None, "galsim", "benchmark"),
    ("recipe", None, "galsim", "benchmark"),
)
MEDIANS = "Medians of turns in one process; peers run with the same memory settings as ours."
ERRORS = "Errors of the estimated light over the noise, after as many seconds of training in turns."
NOTES = {
    "loader": MEDIANS,
    "train": MEDIANS,
    "quality": ERRORS,
    "sample": f"{MEDIANS} A chain is timed on a few evaluations, or one, and multiplied.",
    "measure": MEDIANS,
    "growth": "A multiplication and an addition are two operations; bytes: of each operator, fp32.",
    "recipe": ERRORS,
}


def main(arguments: Sequence[str] | None = None, prog: str = "benchmark.py") -> None:
    options = parse(arguments, prog)
    chosen = PARTS if options.part == "all" else (options.part,)
    if options.out:
        refuse_existing(options.out, options.overwrite)

    import torch

    from galddpm.devices import best_device, device_title

    if options.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device, expected one")
    device = torch.device(options.device) if options.device else best_device()
    refuse_missing_libraries(chosen, device.type)
    tell(f"{options.part}, {device_title(device)}")
    keep_freed_memory()
    figures, measures = {}, make_measures(device)
    for name in chosen:
        figures[name] = measures[name]()
        show(name, figures[name])
    notes = list(dict.fromkeys(NOTES[name] for name in chosen))
    print(*notes, sep="\n")
    if options.out:
        origin = provenance(device=device.type, notes=notes)
        write_json(options.out, {**figures, "provenance": origin})
        draw(figures, options.out)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Measure speed beside that of other libraries, as ratios and in images,"
        " galaxies or stamps a second.",
        examples=(
            "galddpm benchmark",
            "galddpm benchmark loader",
            "galddpm benchmark all --device cuda --out speed.json",
        ),
    )
    parts = f"one of {', '.join(PARTS)}, or all of these; or recipe, an hour; {DEFAULT}"
    choices = [*PARTS, "all", *ALONE]
    parser.add_argument(
        "part", nargs="?", choices=choices, default="all", metavar="PART", help=parts
    )
    device = "default: cuda where it is there, else cpu"
    parser.add_argument("--device", choices=["cpu", "cuda"], help=device)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write the figures")
    add_overwrite(parser)
    return parser.parse_args(arguments)


def refuse_missing_libraries(parts: Sequence[str], device: str) -> None:
    """Raise UserError where a part needs a library that is not there, before any is measured."""
    for part, where, library, extra in NEEDS:
        needed = part in parts and where in (None, device)
        if needed and find_spec(library) is None:
            raise not_installed(library, extra)


def make_measures(device: "torch.device") -> dict[str, Callable[[], dict[str, Any]]]:
    """What measures each part."""
    from galddpm.benchmarks import growth, loading, measuring, quality, recipe, sampling, training

    return {
        "loader": lambda: loading.run(device),
        "train": lambda: training.run(device),
        "quality": lambda: quality.run(device),
        "sample": lambda: sampling.run(device),
        "measure": lambda: measuring.run(device, cores()),
        "growth": lambda: growth.run(device),
        "recipe": lambda: recipe.run(device),
    }


def show(part: str, figures: Mapping[str, Any]) -> None:
    for key, value in figures.items():
        if isinstance(value, int | float):
            print(f"{f'{part}.{key}':56s} {value:12.4g}", flush=True)


def draw(figures: Mapping[str, Any], out: Path) -> None:
    """The growth curves beside the JSON."""
    if "growth" in figures:
        from galddpm.benchmarks import growth

        path = out.with_name(f"{out.stem}-growth.png")
        growth.figure(figures["growth"]).savefig(path, dpi=150)
        print(path)
