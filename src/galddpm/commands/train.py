"""`galddpm train --config FILE`: train a model into a run folder."""

import os
import signal
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from galddpm import processes, runs
from galddpm.commands.allocator import keep_freed_memory
from galddpm.commands.shell import (
    Parser,
    add_device,
    out_of_memory,
    progress,
    say,
    tell,
    too_little_memory,
)
from galddpm.commands.watching import Watch, places_in_words
from galddpm.config.difference import first_difference
from galddpm.config.load import dump_config, load_config, packaged_configs, parse_config
from galddpm.config.schema import AnyConfig
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import RunError, UserError
from galddpm.files import read_json, write_json, write_text
from galddpm.interrupts import ANSWERS, Terminated, raise_if_requested
from galddpm.locks import locked_folder
from galddpm.provenance import provenance

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    from galddpm.tasks.task import Inspection
    from galddpm.training.loop import Trainer


SPLITS = ("training", "validation", "testing")  # all opened: a wrong path shows now, not next day
ENOUGH = 1000  # why a training ends early, besides signals, whose numbers are smaller


def main(arguments: Sequence[str] | None = None, prog: str = "train.py") -> None:
    options = parse(arguments, prog)
    started = [f"training.init_from={options.init_from}"] if options.init_from else []
    config = load_config(options.config, [*options.set, *started])
    processes.share_size(config.training.batch_size)
    run = Path(options.run or Path("runs") / Path(options.config).stem)
    if claim(run, config, options.resume) == "finished":
        say(f"{run}: finished, nothing to do; a larger training.images trains on")
        return
    with locked_folder(run) if processes.is_first() else nullcontext():
        claim(run, config, options.resume)  # again: another process may have been there
        train(config, run, options.device)


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Train the model that a config describes, into a run folder. The same command"
        " goes on where an interrupted one stopped; SIGUSR1 has a running one save, and go on.",
        examples=(
            "galddpm train --config quickstart",
            "galddpm train --config my.yaml --run runs/mine --set training.images=1e6",
            "galddpm train --config quickstart --set training.images=64_000",
            "galddpm train --config quickstart --init-from runs/mine --run runs/further",
        ),
    )
    names = ", ".join(packaged_configs())
    parser.add_argument(
        "--config", required=True, metavar="FILE", help=f"YAML file, or one of the names {names}"
    )
    parser.add_argument(
        "--run", "--run-dir", dest="run", metavar="DIR", help="default: runs/NAME of the config"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a.b=VALUE",
        help="change a config value, as often as you like; run length and intervals are counted in"
        " images",
    )
    parser.add_argument(
        "--init-from",
        metavar="RUN",
        help="run folder, model file, or mock, whose averaged weights to start with; the same as"
        " --set training.init_from=RUN",
    )
    parser.add_argument(
        "--resume",
        choices=["auto", "never"],
        default="auto",
        help="auto: go on where the run stopped; never: refuse a folder that holds a run"
        "; default: auto",
    )
    add_device(parser)
    return parser.parse_args(arguments)


def claim(run: Path, config: AnyConfig, resume: str) -> str:
    """Whether the run folder is "new", "unfinished" or "finished". Raises UserError where it holds
    a run of another config, or any run with resume = "never"."""
    if not os.path.exists(run / "config.yaml"):
        return "new"
    if resume == "never":
        raise UserError(f"{run}: already holds a run; --resume auto goes on with it")
    held = parse_config(runs.read_config(run), run / "config.yaml")
    difference = first_difference(held, config)
    if difference:
        raise UserError(f"{run}: holds a run of another config, {difference}; choose --run-dir")
    return "finished" if runs.is_finished(run, config.training.images) else "unfinished"


def train(config: AnyConfig, run: Path, device_name: str | None = None) -> None:
    """Train to the end of the plan; raises KeyboardInterrupt or Terminated when stopped."""
    from galddpm import build
    from galddpm.data.redshift_density import redshift_quantiles
    from galddpm.devices import deterministic, device_title, select_device
    from galddpm.inference.model_file import ModelFile, save_model
    from galddpm.networks.embeddings import NEW_CONDITIONS
    from galddpm.tasks.select import select_task

    keep_freed_memory()
    device = select_device(device_name)
    task = select_task(config, device)
    galaxies, *_ = (build.make_galaxy_file(config, split) for split in SPLITS)
    took = f"run {run}, {len(galaxies):,} galaxies of {galaxies.path}"
    tell(f"{took}, {device_title(device)}, seed {config.seed}")
    scaling, redshifts = task.make_scaling(galaxies), redshift_quantiles(galaxies.redshift)
    depends_on = {**task.provenance, **_start(config)}
    where = {"device": device_title(device), "processes": processes.count()}
    origin = {**_origin(galaxies), **where, **depends_on}
    _refuse_changes(run, origin, depends_on)
    model = task.make_model(scaling, device)
    if config.training.init_from:
        start = ModelFile.read(config.training.init_from, config.task)
        start.fill(model, may_lack=NEW_CONDITIONS).train()
    with processes.first_then_others():  # who find what it keeps in the run folder
        batches = task.make_batches(galaxies, scaling, device, run, _preparing)
    if config.training.compile and device.type == "cuda":
        tell("torch compiles the network in the first step, which takes a minute or two")
    every = task.inspect_every
    trainer = build.make_trainer(config, model, task.losses, batches, device, run, every)
    if trainer.resume():
        tell(f"goes on after {trainer.images_seen:,} images")
    if processes.is_first():
        write_text(run / "config.yaml", dump_config(config))
        write_json(run / runs.PROVENANCE, origin)
    inspection = task.make_inspection(scaling, redshifts, device, run)
    with deterministic(config.training.deterministic), memory_explained():
        stopped_by = follow_plan(trainer, inspection, run, config)
    if processes.is_first():
        chosen, best = inspection.chosen(trainer.ema.model), inspection.summary()
        known = redshifts, chosen, model, galaxies.description
        save_model(run / runs.MODEL, config, scaling, *known)
        origin["images_seen"] = trainer.images_seen
        if best:
            origin |= {"stopped_early": inspection.exhausted(trainer.images_seen), "best": best}
        write_json(run / runs.PROVENANCE, origin)
    processes.wait()
    if stopped_by:
        raise stopped_by
    say(f"{run}: trained on {trainer.images_seen:,} images; {run / runs.MODEL} is ready")


def follow_plan(
    trainer: "Trainer", inspection: "Inspection", run: Path, config: AnyConfig
) -> BaseException | None:
    """Train watched and with a log; what to raise where a signal ended it, else None."""
    ended_by = 0
    raise_if_requested()  # from here on signals wait for the end of a step
    with Interruption() as interruption, watched(trainer, run, config) as (report, advance):

        def stopped() -> bool:
            nonlocal ended_by
            enough = processes.is_first() and inspection.exhausted(trainer.images_seen)
            ended_by = processes.greatest(interruption.signal or ENOUGH * enough)
            return ended_by > 0

        finished = trainer.run(report, advance, inspection, stopped)
    if finished or ended_by == ENOUGH:
        return None
    return KeyboardInterrupt() if ended_by == signal.SIGINT else Terminated()


@contextmanager
def memory_explained() -> Iterator[None]:
    """Says what helps where there is too little memory to train in."""
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        less = "--set training.parts=8, or more, trains on in less"
        raise RunError(f"{too_little_memory(error)}; {less}") from None


@contextmanager
def watched(
    trainer: "Trainer", run: Path, config: AnyConfig
) -> Iterator[tuple[Callable[[dict[str, Any]], None], Callable[[int], None]]]:
    """(report, advance) of `Trainer.run`, which the first process's log and progress are told."""
    if not processes.is_first():
        yield lambda record: None, lambda images: None
        return
    from galddpm.training.board import tensorboard, weights_and_biases
    from galddpm.training.log import Log

    seen, project = trainer.images_seen, config.training.wandb
    pictures = config.task == "diffusion" and config.training.preview_every is not None
    curves = tensorboard(run / "tensorboard", seen)
    tell(places_in_words(run, pictures, curves is not None))
    with ExitStack() as opened:
        boards = [curves] if curves else []
        if project:
            shown = weights_and_biases(run, project, config.model_dump())
            boards.append(opened.enter_context(shown))
        log, watch = Log(run / "log.jsonl", seen, boards), Watch(trainer, run)

        def report(record: dict[str, Any]) -> None:
            log.write(record)
            watch.report(record)

        with watch.bar:
            yield report, watch.advance


class Interruption:
    """Turns the signals that stop a command into a request that the loop reads every step."""

    def __init__(self) -> None:
        self.signal = 0  # none

    def __enter__(self) -> "Interruption":
        self._before = {
            number: signal.signal(number, self._request)
            for number in ANSWERS
            if signal.getsignal(number) != signal.SIG_IGN  # as nohup has it
        }
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.signal = number


def _origin(galaxies: GalaxyFile) -> dict[str, Any]:
    """The provenance, with the galaxies that are trained on."""
    data = {"training": str(galaxies.path), "fingerprint": galaxies.fingerprint()}
    return provenance(data=data, galaxies=len(galaxies), dropped=galaxies.dropped)


def _start(config: AnyConfig) -> dict[str, str]:
    """The fingerprint of the model that training starts with, where there is one."""
    from galddpm.inference.model_file import model_fingerprint, model_path

    path = config.training.init_from
    return {"init_from": model_fingerprint(model_path(path))} if path else {}


def _refuse_changes(run: Path, origin: dict[str, Any], depends_on: Iterable[str]) -> None:
    """Raise UserError where a run began with other data, or with another of what it depends on."""
    held = read_json(run / runs.PROVENANCE)
    if held.get("data", origin["data"])["fingerprint"] != origin["data"]["fingerprint"]:
        raise UserError(
            f"{origin['data']['training']}: data.training is not the data that {run} was trained on"
            " so far; choose --run-dir"
        )
    for name in depends_on:
        if held and held.get(name) != origin[name]:
            raise UserError(f"{run}: its {name} has changed since; choose --run-dir")


def _preparing(parts: Iterable[Any], desc: str = "reading", unit: str = "block") -> "tqdm[Any]":
    return progress(parts, desc=desc, unit=unit)
