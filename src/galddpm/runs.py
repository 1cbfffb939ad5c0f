"""Run folders: where they are, what is in them, and what their results came from."""

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import yaml

from galddpm.errors import UserError
from galddpm.files import write_text

MODEL = "model.safetensors"
LIBRARIES = ("galddpm", "torch", "numpy", "h5py", "photutils", "statmorph", "astropy")


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
        raise UserError(f"{run}: no samples, expected a file that scripts/sample.py wrote")
    return samples[-1]


def read_config(run: str | Path) -> dict:
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


def provenance(**more) -> dict:
    """Versions of what computes a result, the commit where known, and what the caller adds."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "commit": _commit(), **more}


def write_json(path: str | Path, content: Mapping) -> None:
    """Write JSON whole or not at all; NaN and infinity are refused, as JSON has none."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> dict:
    """Content of a JSON file that a run wrote; empty where there is none. Raises UserError."""
    try:
        content = json.loads(Path(path).read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}, expected a JSON object")
    return content


def _task(run: Path) -> str | None:
    """The task of a run; None for a folder that is no run, whatever lies in it."""
    try:
        return read_config(run).get("task", "diffusion")
    except UserError:
        return None


def _commit() -> str | None:
    """The commit of the source tree; None for an installed package without one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
