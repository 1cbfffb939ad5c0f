"""Run folders: where they are, and what is in them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from galddpm.errors import UserError
from galddpm.files import read_json

MODEL = "model.safetensors"
CONFIG = "config.yaml"
SHIPPED = Path(__file__).parent / "models"  # that come with galddpm
PROVENANCE = "provenance.json"


def newest_run(
    root: str | Path = "runs",
    task: str = "diffusion",
    say: Callable[[str], object] = lambda text: None,
) -> Path:
    """The finished run of the given task whose model was written last.

    say: is told of each newer run that is passed over because it is not finished. Raises UserError
    without a finished run.
    """
    found = [run for run in all_runs(root) if task_of(run) == task]
    for run in sorted(found, key=_written, reverse=True):
        if not _unfinished(run):
            return run
        say(f"{run}: passed over, it is not finished")
    raise UserError(
        f"{root}: no finished {task} run, expected a folder that holds {MODEL}; galddpm train"
        " makes one"
    )


def is_finished(run: Path, images: int) -> bool:
    """Whether a run folder holds the model of a training on so many images, or on fewer where it
    was stopped early. Raises UserError where its provenance cannot be read."""
    origin = read_json(run / PROVENANCE)
    trained = origin.get("images_seen", 0) >= images or origin.get("stopped_early", False)
    return bool(trained) and (run / MODEL).exists()


def shipped_models() -> dict[str, Path]:
    """The model files that come with galddpm, by the names that stand for them."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.safetensors"))}


def called(model: str | Path) -> str:
    """What a user calls a run or a model file: by its name one that comes with galddpm."""
    return Path(model).stem if Path(model).parent == SHIPPED else str(model)


def refuse_unknown(run: str | Path) -> None:
    """Raise UserError, which says what runs there are, for what is none, nor a model file or the
    name of one that comes with galddpm."""
    if Path(run).exists() or str(run) in shipped_models():
        return
    known = [str(path) for path in all_runs("runs") if (path / MODEL).exists()]
    there = ", ".join([*known, *shipped_models()])
    raise UserError(f"{run}: no such run or model file; there are {there}")


def newest_samples(run: str | Path) -> Path:
    """The sample file of a run that was written last. Raises UserError without one."""
    samples = sorted(Path(run).glob("samples/*.hdf5"), key=lambda path: path.stat().st_mtime_ns)
    if not samples:
        raise UserError(f"{run}: no samples, expected a file that galddpm sample wrote")
    return samples[-1]


def all_runs(root: str | Path) -> list[Path]:
    """The run folders under a folder, the one that was begun last at the end."""
    configs = Path(root).glob(f"*/{CONFIG}")
    return [path.parent for path in sorted(configs, key=lambda path: path.stat().st_mtime_ns)]


def log_records(run: str | Path) -> list[dict[str, Any]]:
    """The whole lines of a run's log; none where it cannot be read."""
    try:
        lines = (Path(run) / "log.jsonl").read_text().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
    except (OSError, ValueError):
        return []
    return [line for line in records if isinstance(line, dict) and "images_seen" in line]


def last_record(run: str | Path) -> dict[str, Any]:
    """The last whole line of a run's log; empty without one."""
    records = log_records(run)
    return records[-1] if records else {}


def images_seen(run: str | Path) -> int:
    """How many images a run has trained on, by its log and its checkpoints; 0 without either."""
    logged = last_record(run).get("images_seen", 0)
    saved = Path(run).glob("checkpoints/[0-9]*.safetensors")  # named after the images
    held = [int(path.stem) for path in saved if path.stem.isdecimal()]
    return max([logged if isinstance(logged, int) else 0, *held])


def read_config(run: str | Path) -> dict[str, Any]:
    """The resolved config of a run as a plain dict. Raises UserError where it cannot be read."""
    path = Path(run) / CONFIG
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, expected the config of a run") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found no sections, expected the config of a run")
    return content


def _unfinished(run: Path) -> bool:
    """Whether a run did not come to its end, as far as is known: a model may come without a
    history, and one with a broken history is not trusted."""
    if not (run / PROVENANCE).exists():
        return not (run / MODEL).exists()
    training = read_config(run).get("training") or {}
    try:
        return not is_finished(run, training.get("images", 0))
    except UserError:
        return True


def _written(run: Path) -> int:
    """When a run wrote its model or, where it has none yet, began [ns]."""
    model = run / MODEL
    return (model if model.exists() else run / CONFIG).stat().st_mtime_ns


def task_of(run: Path) -> str | None:
    """The task of a run; None for a folder that is no run, whatever lies in it."""
    try:
        return str(read_config(run).get("task", "diffusion"))
    except UserError:
        return None
