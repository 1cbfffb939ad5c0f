"""`galddpm photoz FILE`: redshifts of given images, by the model that makes galaxies."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from galddpm import processes
from galddpm.arrays import Floats
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.evaluate import add_redshift_cnn, choose_redshift_cnn
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
)
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.hdf5 import require_hdf5_name
from galddpm.errors import UserError
from galddpm.files import refuse_own_input
from galddpm.provenance import provenance

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    from galddpm.inference.generator import Generator
    from galddpm.inference.photoz import Estimator

CHUNK = 8  # galaxies that a killed command loses at most
TITLE = "probabilities of redshifts"
SHARES = np.array([0.16, 0.5, 0.84])  # quantiles that are written
WRITTEN = ("z_16", "z_50", "z_84")


def main(arguments: Sequence[str] | None = None, prog: str = "photoz.py") -> None:
    options = parse(arguments, prog)
    galaxies = GalaxyFile(options.file)
    out = options.out or options.file.with_name(f"{options.file.stem}-photoz.hdf5")
    require_hdf5_name(out)
    run = chosen_run(options.run)

    from galddpm.inference.generator import Generator
    from galddpm.inference.model_file import model_fingerprint, model_path
    from galddpm.inference.photoz import Estimator
    from galddpm.inference.posterior import method, redshift_grid

    keep_freed_memory()
    model = model_path(run)
    cnn = choose_redshift_cnn(options.redshift_cnn, None, galaxies)
    generator = Generator.load(model, device=options.device)
    judge = Estimator.load(cnn, options.device) if cnn else None
    if generator.shape != galaxies.shape[1:]:
        raise UserError(
            f"{galaxies.path}: image: found galaxies of {galaxies.shape[1:]}, {run} knows those of"
            f" {generator.shape}"
        )
    refuse_own_input(out, options.file, model)
    total = min(len(galaxies), options.limit or len(galaxies))
    recorded = {
        "model": model_fingerprint(model),
        "galaxies": galaxies.fingerprint(),
        "limit": total,
        "seed": options.seed,
        "method": method(),
    }
    tell(f"run {run}, {total:,} galaxies of {galaxies.path}, seed {options.seed}")
    with ChunkedOutput(out, recorded, total, CHUNK, options.overwrite) as parts:
        if not parts.finished:
            estimate(generator, galaxies, parts, options.seed)
            made = provenance(run=str(run), file=str(galaxies.path), **recorded)
            shared = {"grid": redshift_grid(generator)}
            parts.join({"title": TITLE, "provenance": json.dumps(made)}, shared)
    say(f"{out}: {total:,} galaxies")
    if processes.is_first():
        print(comparison(out, galaxies, judge))


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Probability densities p(z | image) of given galaxies, from the likelihood of"
        " each image at each redshift under a trained model, times the density of redshifts that it"
        " was trained on; held against the file's redshifts and the judge's redshift CNN. A galaxy"
        " takes 480 evaluations, 16 seconds on a slow CPU core. The same command goes on where it"
        " stopped. Writes an HDF5 file: grid (M,), density (N, M), the quantiles z_16, z_50 and"
        " z_84, specz_redshift and object_id (N,).",
        examples=(
            "galddpm photoz data/mock/5x64x64_testing_with_morphology.hdf5 --limit 100",
            "galddpm photoz galaxies.hdf5 --run runs/quickstart --out photoz.hdf5",
        ),
    )
    add = parser.add_argument
    add("file", type=Path, help="HDF5 file of the GalaxiesML schema")
    add("--run", "--run-dir", dest="run", metavar="RUN", help="default: as of galddpm sample")
    add("--limit", type=count, metavar="N", help="galaxies, from the first row on; default: all")
    add_redshift_cnn(parser)
    add("--out", type=Path, metavar="FILE.hdf5", help="default: FILE-photoz.hdf5 beside FILE")
    add_seed(parser)
    add_overwrite(parser)
    add_device(parser)
    return parser.parse_args(arguments)


def estimate(generator: "Generator", galaxies: GalaxyFile, parts: ChunkedOutput, seed: int) -> None:
    """Make the chunks that are missing."""
    from galddpm.evaluation.photoz.probabilities import quantiles

    chunks = parts.missing()
    with progress(total=sum(map(len, chunks)), desc="estimating", unit="galaxy") as bar:
        for rows in chunks:
            chosen = slice(rows.start, rows.stop)
            images = galaxies.images(chosen)
            grid, density = generator.redshift_posterior(images, seed, rows, bar.update)
            columns = {
                "density": density.astype(np.float32),
                "specz_redshift": galaxies.redshift[chosen],
                "object_id": galaxies.object_id[chosen],
                **dict(zip(WRITTEN, quantiles(density, grid, SHARES).T, strict=True)),
            }
            parts.save(rows, columns)


def comparison(out: Path, galaxies: GalaxyFile, judge: "Estimator | None") -> str:
    """How good the densities of a file are beside the redshift CNN's, as a table in words."""
    from galddpm.evaluation.photoz.probabilities import probability_metrics

    with h5py.File(out) as file:
        grid, true, density = (file[name][:] for name in ("grid", "specz_redshift", "density"))
    found = {"p(z | image)": density}
    if judge:
        found["redshift CNN"] = densities_of(judge, galaxies, len(true), grid)
    rows = {name: probability_metrics(density, grid, true) for name, density in found.items()}
    names = list(next(iter(rows.values())))
    lines = [" ".join([f"{'':16}", *(f"{name:>16}" for name in rows)])]
    for name in names:
        lines.append(" ".join([f"{name:16}", *(f"{row[name]:16.3f}" for row in rows.values())]))
    return "\n".join(lines)


def densities_of(judge: "Estimator", galaxies: GalaxyFile, count: int, grid: Floats) -> Floats:
    """A redshift CNN's normal densities (count, M)."""
    from scipy.stats import norm

    from galddpm.evaluation.catalog.measure_file import estimate_redshifts
    from galddpm.evaluation.photoz.probabilities import normalised

    seen = estimate_redshifts(galaxies, count, judge)
    z, error = (seen[name][:, None] for name in ("z_phot", "z_phot_error"))
    return normalised(norm.pdf(grid, z, error), grid)
