"""`galddpm sample --redshifts SPEC`: galaxies from a trained model into a sample file."""

import hashlib
import json
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from galddpm import runs
from galddpm.arrays import Array, Floats, Ints
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.redshift_spec import CATALOG, SPEC, catalog_columns, read_spec
from galddpm.commands.shell import (
    LARGEST_COUNT,
    Parser,
    add_device,
    add_overwrite,
    add_seed,
    count,
    progress,
    say,
    tell,
)
from galddpm.config.schema import Config, SamplingSettings
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.galaxiesml import CITATION
from galddpm.data.hdf5 import SUFFIXES, require_hdf5_name
from galddpm.data.survey import ZERO_POINT
from galddpm.errors import NonFiniteError, UserError
from galddpm.files import refuse_own_input
from galddpm.inference.conditions import as_conditions
from galddpm.inference.hub import is_on_hub
from galddpm.inference.redshifts import check_redshifts
from galddpm.provenance import provenance

if TYPE_CHECKING:
    from galddpm.inference.generator import Generator

SHIPPED = "mock"  # the model that comes with galddpm
SHARES = {"instrument": 1.0, "none": 0.0}  # of the instrument's noise, by name
NOISES = {share: name for name, share in SHARES.items()}
SAMPLERS = get_args(SamplingSettings.model_fields["sampler"].annotation)


def main(arguments: Sequence[str] | None = None, prog: str = "sample.py") -> None:
    options = parse(arguments, prog)
    if options.out:
        require_hdf5_name(Path(options.out))
    spec = options.catalog or ",".join(options.redshifts)  # 0.1 0.5 is 0.1,0.5
    redshift, object_id = read_spec(spec)
    copies = options.per_redshift
    _refuse_too_many(len(redshift) * copies)
    object_id = unique_ids(object_id, copies)
    redshift = np.repeat(redshift, copies)
    run = chosen_run(options.run)

    # torch is loaded after the arguments were checked
    from galddpm.inference.generator import Generator
    from galddpm.inference.model_file import model_fingerprint, model_path

    model = model_path(run)

    keep_freed_memory()
    generator = Generator.load(model, options.weights, options.device)
    generator.require_light(options.noise)
    for warning in check_redshifts(redshift, generator.redshifts, options.extrapolate):
        tell(f"warning: {warning}")
    asked = read_conditions(spec, generator, copies) if options.catalog else {}
    conditions = as_conditions(asked, generator.askable, len(redshift), generator.name)
    options.sampler, options.steps = generator.solver_for(asked, options.sampler, options.steps)
    settings = generator.config.sampling
    batch_size = options.batch_size or settings.batch_size
    chosen = (options.sampler, options.steps)
    recorded = describe(generator, redshift, object_id, options, model_fingerprint(model))
    recorded |= {f"asked_{name}": _hash(values) for name, values in asked.items()}
    recorded |= {} if options.noise else {"sky": "taken off"}
    tell(_took(generator, recorded, run))
    elsewhere = model.parent == runs.SHIPPED or is_on_hub(run)
    folder = Path() if elsewhere else model.parent
    out = Path(options.out) if options.out else _default_out(folder, recorded)
    refuse_own_input(out, model, spec)
    with ChunkedOutput(out, recorded, len(redshift), batch_size, options.overwrite) as parts:
        if parts.finished:
            say(f"{out}: finished, nothing to do")
            return
        draw(generator, parts, redshift, object_id, chosen, asked, conditions)
        parts.join(_attributes(generator, recorded, str(run)))
    say(f"{out}: {len(redshift):,} galaxies")


def chosen_run(given: str | None) -> str | Path:
    """The run that was given, else the newest or, where nothing was trained yet, the model that
    comes with galddpm. Raises UserError for one that is not there."""
    if given:
        if not is_on_hub(given):
            runs.refuse_unknown(given)
        return given
    try:
        return runs.newest_run(say=tell)
    except UserError:
        tell(f"no finished run here: the model {SHIPPED}, which knows mock galaxies alone")
        return Path(SHIPPED)


def describe(
    generator: "Generator", redshift: Floats, object_id: Ints, options: Namespace, model: str
) -> dict[str, Any]:
    """What determines the galaxies, as JSON values; model: fingerprint of its file."""
    from galddpm import build

    chosen = (options.sampler, options.steps)
    _, levels = build.make_sampler(generator.config, generator.scaling, *chosen)
    return {
        "model": model,
        "redshifts": _hash(redshift, object_id),
        "sampler": options.sampler or default_sampler(generator.config),
        "steps": len(levels) - 1,
        "levels": hashlib.sha256(repr(levels).encode()).hexdigest(),
        "seed": options.seed,
        "weights": options.weights,
        "noise": NOISES.get(options.noise, options.noise),
    }


def _hash(*arrays: Array) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def read_conditions(path: str, generator: "Generator", copies: int) -> dict[str, Floats]:
    """What a catalog asks for beside redshift, (copies x N,) each by name, of what can be asked.

    A file of galaxies was measured, not written down to ask: where nothing was found in an image,
    nothing is asked. Raises UserError where it has none of the columns.
    """
    known = generator.askable
    if not known:
        raise UserError(f"--catalog: {generator.name} knows redshift alone; --redshifts {path}")
    found = catalog_columns(path, list(known))
    if not found:
        columns = ", ".join(known)
        raise UserError(f"{path}: no column of what can be asked of {generator.name}: {columns}")
    if path.endswith(SUFFIXES):
        found = {name: _within(name, values, *known[name]) for name, values in found.items()}
    return {name: np.repeat(values, copies) for name, values in found.items()}


def _within(name: str, values: Floats, low: float, high: float) -> Floats:
    """The values, NaN where they are no measurements, and says how many."""
    outside = (values < low) | (values > high)
    if outside.any():
        share = f"{np.count_nonzero(outside):,} of {len(values):,}"
        tell(f"{name}: {share} are not within {low:g} to {high:g}, and ask for nothing")
    return np.where(outside, np.nan, values)


def default_sampler(config: Config) -> str:
    """What galaxies are sampled by unless asked otherwise."""
    return "student" if config.distillation else config.sampling.sampler


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Draw galaxies at given redshifts from a trained model, into an HDF5 file:"
        " image (N, bands, rows, columns) in counts at zero point 27, specz_redshift, object_id,"
        " seed and noise_id (N,). The same command goes on where it stopped.",
        examples=(
            "galddpm sample --redshifts 0.1,0.5,1.2 --per-redshift 4",
            "galddpm sample --redshifts 0.1:3.0:30 --run runs/quickstart --out samples.hdf5",
            "galddpm sample --redshifts test.hdf5 --sampler heun --steps 10 --seed 3",
            "galddpm sample --redshifts 0.1,0.5,1.2 --noise none --out light.hdf5",
            "galddpm sample --catalog catalog.csv --run runs/mine --out asked.hdf5",
        ),
    )
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--redshifts", nargs="+", metavar="SPEC", help=SPEC)
    asked.add_argument("--catalog", metavar="FILE", help=CATALOG)
    parser.add_argument(
        "--extrapolate", action="store_true", help="allow redshifts far outside those trained on"
    )
    run = "run folder, model file, hf://owner/name, or mock, which comes along; default: newest of"
    run += " runs/ or, without one, mock"
    parser.add_argument("--run", "--run-dir", dest="run", metavar="RUN", help=run)
    out = "default: in the run's folder samples/, of mock in samples/ here"
    parser.add_argument("--out", metavar="FILE.hdf5", help=out)
    parser.add_argument(
        "--per-redshift", type=count, default=1, metavar="K", help="galaxies at each; default: 1"
    )
    default = "default: the run's config; where a catalog asks for magnitudes or sizes"
    parser.add_argument("--sampler", choices=SAMPLERS, help=f"{default}, dpmpp_2m")
    parser.add_argument(
        "--steps", type=count, metavar="N", help=f"levels of noise; {default}, at least 24"
    )
    add_seed(parser)
    parser.add_argument(
        "--batch-size", type=count, metavar="B", help="galaxies kept at a time; default: the run's"
    )
    parser.add_argument(
        "--weights",
        choices=["ema", "raw"],
        default="ema",
        help="averaged over the training, or those of its last step; default: ema",
    )
    noise = "instrument, none for light alone, or a share, such as 0.5 for four times the exposure;"
    noise += " of models that draw light; default: instrument"
    parser.add_argument("--noise", type=noise_share, default=1.0, metavar="SHARE", help=noise)
    add_overwrite(parser)
    add_device(parser)
    return parser.parse_args(arguments)


def noise_share(text: str) -> float:
    """The type of `--noise`."""
    try:
        return SHARES[text] if text in SHARES else float(text)
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}, expected instrument, none or a number") from None


def unique_ids(object_id: Ints, copies: int) -> Ints:
    """Ids of a sample (copies x N,): the sources' own (N,) where each of them is drawn once, else
    row numbers, so that no two galaxies share one."""
    if copies == 1 and len(np.unique(object_id)) == len(object_id):
        return object_id
    return np.arange(copies * len(object_id), dtype=np.int64)


def draw(
    generator: "Generator",
    parts: ChunkedOutput,
    redshift: Floats,
    object_id: Ints,
    sampler: tuple[str | None, int | None],
    asked: Mapping[str, Floats],
    conditions: Floats | None,
) -> None:
    """Make the chunks that are missing; sampler: name and steps, or None for each; asked: what else
    beside redshift, and the same as the model takes it."""
    settings, data = parts.arguments, generator.config.data
    parts.require_space(4 * len(data.bands) * data.image_size**2)
    chunks = parts.missing()
    left = sum(len(rows) for rows in chunks)
    with progress(total=left, desc="sampling", unit="galaxy") as bar:
        for rows in chunks:
            chosen = slice(rows.start, rows.stop)
            noise = SHARES.get(settings["noise"], settings["noise"])
            wanted = None if conditions is None else conditions[chosen]
            image = generator.draw(
                redshift[chosen], settings["seed"], rows, *sampler, noise, bar.update, wanted
            )
            image = image if noise else generator.light_alone(image)
            if not np.isfinite(image).all():
                raise NonFiniteError(
                    f"{parts.path}: the model gives non-finite pixels with {settings['steps']}"
                    f" {settings['sampler']} steps; more steps, or a model trained longer, may help"
                )
            columns = {
                "image": image,
                "specz_redshift": redshift[chosen],
                "object_id": object_id[chosen],
                "seed": np.full(len(rows), settings["seed"], dtype=np.int64),
                "noise_id": np.array(rows, dtype=np.int64),
                **{f"asked_{name}": values[chosen] for name, values in asked.items()},
            }
            parts.save(rows, columns)


def _refuse_too_many(galaxies: int) -> None:
    if galaxies > LARGEST_COUNT:
        raise UserError(
            f"--redshifts: found {galaxies:,} galaxies, expected at most {LARGEST_COUNT:,}"
        )


def _default_out(run: Path, recorded: dict[str, Any]) -> Path:
    """Named after what it holds, so that the same command finds its own output again."""
    name = hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()[:8]
    return run / "samples" / f"{recorded['sampler']}-{recorded['steps']}-{name}.hdf5"


def _took(generator: "Generator", recorded: dict[str, Any], run: str | Path) -> str:
    """What galaxies are drawn with, in words."""
    from galddpm.devices import device_title

    by = f"{recorded['sampler']} in {recorded['steps']} steps"
    return f"run {run}, {by}, {device_title(generator.device)}, seed {recorded['seed']}"


def _attributes(generator: "Generator", recorded: dict[str, Any], run: str) -> dict[str, Any]:
    from galddpm.devices import device_title

    made = {"device": device_title(generator.device), **recorded}
    trained = generator.config.training.images
    return {
        "title": "generated",
        "provenance": json.dumps(provenance(run=run, images_trained=trained, **made)),
        "bands": ",".join(generator.config.data.bands),
        "zero_point": ZERO_POINT,
        "citation": f"Trained on {known}" if (known := generator.trained_on) else CITATION,
    }
