"""Run folders: where they are, and what is in them."""

import json
from pathlib import Path
from typing import Any

import yaml

from galddpm.errors import UserError

MODEL = "model.safetensors"


def newest_run(root: str | Path = "runs", task: str = "diffusion") -> Path:
    """The run of the given task whose model was written last. Raises UserError without one."""
    models = sorted(Path(root).glob(f"*/{MODEL}"), key=lambda model: -model.stat().st_mtime_ns)
    for model in models:
        if _task(model.parent) == task:
            return model.parent
    raise UserError(f"{root}: no finished {task} run, expected a folder that holds {MODEL}")


def newest_samples(run: str | Path) -> Path:
    """The sample file of a run that was written last. Raises UserError without one."""
    samples = sorted(Path(run).glob("samples/*.hdf5"), key=lambda path: path.stat().st_mtime_ns)
    if not samples:
        raise UserError(f"{run}: no samples, expected a file that galddpm sample wrote")
    return samples[-1]


def images_seen(run: str | Path) -> int:
    """How many images a run has trained on, by the last whole line of its log; 0 without one."""
    try:
        lines = (Path(run) / "log.jsonl").read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        return int(json.loads(whole[-1])["images_seen"])
    except (OSError, ValueError, LookupError, TypeError):
        return 0


def read_config(run: str | Path) -> dict[str, Any]:
    """The resolved config of a run as a plain dict. Raises UserError where it cannot be read."""
    path = Path(run) / "config.yaml"
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, expected the config of a run") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found no sections, expected the config of a run")
    return content


def _task(run: Path) -> str | None:
    """The task of a run; None for a folder that is no run, whatever lies in it."""
    try:
        return str(read_config(run).get("task", "diffusion"))
    except UserError:
        return None
