"""`python scripts/train.py --config FILE`: train a model into a run folder."""

import os
import signal
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from galddpm import runs
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.shell import Parser, Terminated, progress
from galddpm.config.load import dump_config, load_config, parse_config
from galddpm.config.schema import AnyConfig
from galddpm.errors import UserError
from galddpm.files import locked_folder, read_json, write_json, write_text
from galddpm.provenance import provenance


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    config = load_config(options.config, options.set)
    run = Path(options.run_dir or Path("runs") / Path(options.config).stem)
    if claim(run, config, options.resume) == "finished":
        print(f"{run}: finished, nothing to do; a larger training.images trains on")
        return
    with locked_folder(run):
        claim(run, config, options.resume)  # again: another process may have been there
        train(config, run)


def parse(arguments: Sequence[str] | None) -> Namespace:
    parser = Parser(description="Train the model that a config describes.")
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.add_argument("--run-dir", metavar="DIR", help="default: runs/NAME of the config")
    parser.add_argument(
        "--set", action="append", default=[], metavar="a.b=VALUE", help="change a config value"
    )
    parser.add_argument(
        "--resume", choices=["auto", "never"], default="auto", help="go on where the run stopped"
    )
    return parser.parse_args(arguments)


def claim(run: Path, config: AnyConfig, resume: str) -> str:
    """Whether the run folder is "new", "unfinished" or "finished". Raises UserError where it holds
    a run of another config, or any run with resume = "never"."""
    if not os.path.exists(run / "config.yaml"):
        return "new"
    if resume == "never":
        raise UserError(f"{run}: already holds a run; --resume auto goes on with it")
    held = parse_config(runs.read_config(run), run / "config.yaml")
    difference = _first_difference(held.model_dump(), config.model_dump())
    if difference:
        raise UserError(f"{run}: holds a run of another config, {difference}; choose --run-dir")
    origin = read_json(run / "provenance.json")
    trained = origin.get("images_seen", 0) >= config.training.images
    done = (run / runs.MODEL).exists() and (trained or origin.get("stopped_early", False))
    return "finished" if done else "unfinished"


def train(config: AnyConfig, run: Path) -> None:
    """Train to the end of the plan; raises KeyboardInterrupt or Terminated when stopped."""
    from galddpm import build
    from galddpm.data.redshift_density import redshift_quantiles
    from galddpm.inference.model_file import save_model
    from galddpm.tasks.select import select_task
    from galddpm.training.board import board
    from galddpm.training.log import Log

    keep_freed_memory()
    task, device = select_task(config), build.best_device()
    galaxies = build.make_galaxy_file(config, "training")
    for split in ("validation", "testing"):  # a wrong path shows now, not after the night
        build.make_galaxy_file(config, split)
    scaling = task.make_scaling(galaxies)
    origin = provenance(
        data={"training": str(galaxies.path), "fingerprint": galaxies.fingerprint()},
        galaxies=len(galaxies),
        dropped=galaxies.dropped,
        **task.provenance,
    )
    _refuse_changes(run, origin, task.provenance)
    model = task.make_model(scaling, device)
    batches = task.make_batches(galaxies, scaling, device, run, _caching)
    every = task.inspect_every
    trainer = build.make_trainer(config, model, task.losses, batches, device, run, every)
    trainer.resume()
    write_text(run / "config.yaml", dump_config(config))
    write_json(run / "provenance.json", origin)
    seen = trainer.images_seen
    log = Log(run / "log.jsonl", seen, board(run / "tensorboard", seen))
    redshifts = redshift_quantiles(galaxies.redshift)
    inspection = task.make_inspection(scaling, redshifts, device, run)
    with Interruption() as interruption, _bar(config, seen) as bar:

        def advance(images: int, loss: float) -> None:
            bar.update(images)
            bar.set_postfix(loss=f"{loss:.4f}")

        def stopped() -> bool:
            return interruption.signal is not None or inspection.exhausted(trainer.images_seen)

        finished = trainer.run(log, advance, inspection, stopped)
    chosen = inspection.chosen(trainer.ema.model)
    save_model(run / runs.MODEL, config, scaling, redshifts, chosen, model)
    exhausted, best = inspection.exhausted(trainer.images_seen), inspection.summary()
    origin["images_seen"] = trainer.images_seen
    if best:
        origin |= {"stopped_early": exhausted, "best": best}
    write_json(run / "provenance.json", origin)
    if not (finished or exhausted):
        raise interruption.exception()
    print(f"{run}: trained on {trainer.images_seen:,} images; {run / runs.MODEL} is ready")


class Interruption:
    """Turns interrupt and termination signals into a request that the loop reads every step."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __enter__(self) -> "Interruption":
        self._before = {
            number: signal.signal(number, self._request)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def exception(self) -> BaseException:
        return KeyboardInterrupt() if self.signal == signal.SIGINT else Terminated()

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.signal = number


def _refuse_changes(run: Path, origin: dict[str, Any], depends_on: Iterable[str]) -> None:
    """Raise UserError where a run began with other data, or with another of what it depends on."""
    held = read_json(run / "provenance.json")
    if held.get("data", origin["data"])["fingerprint"] != origin["data"]["fingerprint"]:
        raise UserError(
            f"{origin['data']['training']}: data.training is not the data that {run} was trained on"
            " so far; choose --run-dir"
        )
    for name in depends_on:
        if held.get(name, origin[name]) != origin[name]:
            raise UserError(f"{run}: its {name} has changed since; choose --run-dir")


def _bar(config: AnyConfig, images_seen: int) -> "tqdm[Any]":
    return progress(
        total=config.training.images, initial=images_seen, desc="training", unit="image"
    )


def _caching(blocks: Iterable[Any]) -> "tqdm[Any]":
    return progress(blocks, desc="reading")


def _first_difference(held: dict[str, Any], wanted: dict[str, Any], key: str = "") -> str | None:
    """The first key in which two configs differ; a longer run is no difference."""
    for name, value in wanted.items():
        place = f"{key}.{name}" if key else name
        if isinstance(value, dict) and held[name] is not None:
            difference = _first_difference(held[name], value, place)
            if difference:
                return difference
        elif place != "training.images" and held[name] != value:
            return f"{place} is {held[name]!r}, not {value!r}"
    return None
