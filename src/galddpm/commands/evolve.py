"""`galddpm evolve`: the same noise at one redshift after the other, as a galaxy that changes."""

from argparse import Namespace
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from galddpm.arrays import Floats, Ints
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.sample import chosen_run
from galddpm.commands.shell import (
    Parser,
    add_device,
    add_overwrite,
    add_seed,
    count,
    progress,
    say,
    tell,
    whole,
)
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.survey import ZERO_POINT
from galddpm.errors import UserError
from galddpm.files import refuse_existing, refuse_own_input, written_whole
from galddpm.inference.redshifts import check_redshifts
from galddpm.locks import locked

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    from galddpm.inference.generator import Generator

SUFFIXES = (".gif", ".mp4", ".png", ".html", ".hdf5", ".h5")


def main(arguments: Sequence[str] | None = None, prog: str = "evolve.py") -> None:
    options = parse(arguments, prog)
    out = Path(options.out)
    refuse(options, out)
    run = chosen_run(options.run)

    from galddpm.inference.generator import Generator

    keep_freed_memory()
    generator = Generator.load(run, device=options.device)
    generator.require_light(options.noise == "instrument")
    redshift = steps_in_time(options.start, options.end, options.frames)
    for warning in check_redshifts(redshift, generator.redshifts, extrapolate=False):
        tell(f"warning: {warning}")
    tell(f"run {run}, redshift {redshift[0]:g} to {redshift[-1]:g}, seed {options.seed}")
    with locked(out):
        images = (given_galaxies if options.of else evolution)(generator, redshift, options)
        write(images, redshift, options.seed, generator.config.data.bands, out)
    say(f"{out}: {options.count} galaxies at {len(redshift)} redshifts")


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Draw galaxies of the same noise at one redshift after the other: what the"
        " model says that a change of redshift alone does. Steps are even in ln(1 + z). The noise"
        " is random, or that of given galaxies (--of).",
        examples=(
            "galddpm evolve --from 0.1 --to 3 --out evolution.gif",
            "galddpm evolve --count 5 --frames 12 --out evolution.png",
            "galddpm evolve --count 3 --out evolution.html",
            "galddpm evolve --noise none --out evolution.hdf5",
            "galddpm evolve --of galaxies.hdf5 --row 7 --frames 10 --out seventh.png",
        ),
    )
    add = parser.add_argument
    add("--from", dest="start", type=float, default=0.1, metavar="Z", help="default: 0.1")
    add("--to", dest="end", type=float, default=3.0, metavar="Z", help="default: 3")
    add("--frames", type=count, default=60, metavar="N", help="redshifts; default: 60")
    add("--count", type=count, default=1, metavar="K", help="galaxies; default: 1")
    add("--of", type=Path, metavar="FILE", help="HDF5 file of galaxies, whose noise is found")
    add("--row", type=whole, default=0, metavar="R", help="the first of its galaxies; default: 0")
    kinds = "a film .gif or .mp4, a sheet .png, a page with a slider .html, or galaxies .hdf5"
    add("--out", required=True, metavar="FILE", help=kinds)
    add("--run", "--run-dir", dest="run", metavar="RUN", help="default: as of galddpm sample")
    noise = "none: light alone, of models that draw light; default: instrument"
    add("--noise", choices=["instrument", "none"], default="instrument", help=noise)
    add_seed(parser)
    add_overwrite(parser)
    add_device(parser)
    return parser.parse_args(arguments)


def refuse(options: Namespace, out: Path) -> None:
    """Raise UserError for what cannot be, before anything is loaded."""
    if not 0 <= options.start < options.end < np.inf:
        raise UserError(
            f"--from {options.start:g} --to {options.end:g}: expected a redshift from 0, and a"
            " larger one"
        )
    if options.frames < 2:
        raise UserError("--frames: found 1, expected at least 2")
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{out}: found the suffix {out.suffix!r}, expected one of {', '.join(SUFFIXES)}"
        )
    if out.suffix.lower() == ".mp4" and find_spec("av") is None:
        raise UserError(f"{out}: needs the package av: pip install 'galddpm[film]'; or name a .gif")
    if options.of:
        refuse_own_input(out, options.of)
    refuse_existing(out, options.overwrite)


def steps_in_time(start: float, end: float, frames: int) -> Floats:
    """Redshifts (frames,), even in ln(1 + z), in which the light travels at an even pace nearly."""
    redshift: Floats = np.expm1(np.linspace(np.log1p(start), np.log1p(end), frames))
    return redshift


def evolution(generator: "Generator", redshift: Floats, options: Namespace) -> Floats:
    """(galaxies, frames, C, H, W) [count]: galaxy k has the noise k of the seed in every frame."""
    z = np.tile(redshift, options.count)
    noise_id: Ints = np.repeat(np.arange(options.count), len(redshift))
    noise = options.noise == "instrument"
    with progress(total=len(z), desc="sampling", unit="frame") as bar:
        images = generator.draw(z, options.seed, noise_id, noise=noise, advance=bar.update)
    seen = images if noise else generator.light_alone(images)
    return seen.reshape(options.count, len(redshift), *images.shape[1:])


def given_galaxies(generator: "Generator", redshift: Floats, options: Namespace) -> Floats:
    """The same of the galaxies of a file. Raises UserError for rows that it does not have."""
    galaxies = GalaxyFile(options.of)
    rows = slice(options.row, options.row + options.count)
    if rows.stop > len(galaxies):
        raise UserError(
            f"{options.of}: found {len(galaxies):,} galaxies, expected {rows.stop:,} or more for"
            f" --row {options.row} --count {options.count}"
        )
    noise = options.noise == "instrument"
    with progress(total=options.count * len(redshift), desc="sampling", unit="frame") as bar:
        return generator.evolve(
            galaxies.images(rows),
            galaxies.redshift[rows],
            redshift,
            options.seed,
            noise,
            bar.update,
        )


def write(images: Floats, redshift: Floats, seed: int, bands: Sequence[str], out: Path) -> None:
    """Write what the suffix of `out` says; whole or not at all."""
    if out.suffix.lower() in (".hdf5", ".h5"):
        write_galaxies(out, columns(images, redshift, seed), attributes(bands))
        return
    from galddpm.commands.film import film, page, sheet, video

    with written_whole(out) as temporary:
        {".gif": film, ".mp4": video, ".png": sheet, ".html": page}[out.suffix.lower()](
            images, redshift, bands, temporary
        )


def columns(images: Floats, redshift: Floats, seed: int) -> dict[str, Floats | Ints]:
    """A row a frame, galaxy after galaxy, redshift ascending in each."""
    galaxies, frames = images.shape[:2]
    rows = galaxies * frames
    return {
        "image": images.reshape(rows, *images.shape[2:]),
        "specz_redshift": np.tile(redshift, galaxies),
        "object_id": np.arange(rows, dtype=np.int64),
        "seed": np.full(rows, seed, dtype=np.int64),
        "noise_id": np.repeat(np.arange(galaxies, dtype=np.int64), frames),
    }


def attributes(bands: Sequence[str]) -> dict[str, object]:
    return {"title": "generated", "bands": ",".join(bands), "zero_point": ZERO_POINT}
