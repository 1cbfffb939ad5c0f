"""YAML in, a typed config or one clear message out.

Unknown keys, wrong types and impossible values are refused with the file, the key and a suggestion
before anything heavy starts.
"""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from galddpm.config.schema import TASKS, AnyConfig, Section
from galddpm.errors import UserError

PACKAGED = Path(__file__).parents[1] / "configs"  # which come with galddpm
TABLES = PACKAGED / "tables"  # those of ablations


def load_config(path: str | Path, settings: Sequence[str] = ()) -> AnyConfig:
    """Read a YAML file, or a config that comes with galddpm by its name, and apply `a.b=value`
    settings. Raises UserError on any mistake."""
    return parse_config(_apply(_read(find_config(path)), settings), path)


def find_config(name: str | Path, folder: Path = PACKAGED) -> Path:
    """The file of a path or, where there is none, the one that comes with galddpm by this name.

    Raises UserError where there is neither.
    """
    path, packaged = Path(name), packaged_configs(folder)
    if str(name) in packaged and not path.is_file():
        return packaged[str(name)]
    if path.is_dir() or not path.exists():
        found = "is a folder" if path.is_dir() else "no such file"
        raise UserError(
            f"{name}: {found}, expected a YAML file or one of the names {', '.join(packaged)}"
        )
    return path


def packaged_configs(folder: Path = PACKAGED) -> dict[str, Path]:
    """The files of a folder that comes with galddpm, by the names that stand for them."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stem)}


def parse_config(content: dict[str, Any], source: str | Path) -> AnyConfig:
    """Validate a plain dict; `source` names it in messages. Raises UserError."""
    if not isinstance(content, dict):
        raise UserError(f"{source}: found {type(content).__name__}, expected sections of a config")
    task = content.get("task", "diffusion")
    if not isinstance(task, str) or task not in TASKS:
        raise UserError(f"{source}: task: found {task!r}, expected one of {', '.join(TASKS)}")
    try:
        return TASKS[task].model_validate(content)
    except ValidationError as error:
        found = error.errors()
        mistyped = (problem for problem in found if problem["type"] == "extra_forbidden")
        first = next(mistyped, found[0])  # a mistyped key explains the missing one
        raise UserError(f"{source}: {_explain(first, TASKS[task])}") from None


def dump_config(config: AnyConfig) -> str:
    """The resolved config as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads 1e-4 as text; here it is a number, as everyone means it."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise UserError(f"{path}: found {found}, expected sections such as data and training")
    return content


def _apply(content: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UserError(f"--set {setting}: expected section.key=value")
        *sections, name = key.split(".")
        place = content
        for section in sections:
            if place.get(section) is None:  # not there, or null in a resolved config
                place[section] = {}
            place = place[section]
            if not isinstance(place, dict):
                raise UserError(f"--set {setting}: {section} is no section")
        try:
            place[name] = yaml.load(value, Loader=_Loader)
        except (yaml.YAMLError, RecursionError):
            raise UserError(f"--set {setting}: the value is not readable as YAML") from None
    return content


def _explain(problem: ErrorDetails, model: type[Section]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: no such key{_suggest(problem['loc'], model)}"
    if problem["type"] == "missing":
        return f"{key}: missing, expected a value"
    if problem["type"] == "value_error":  # our own checks name what they found
        return (f"{key}: " if key else "") + str(problem["ctx"]["error"])
    expected = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{key}: found {problem['input']!r}, {expected.replace('input should', 'it should')}"


def _suggest(location: tuple[Any, ...], model: type[Section]) -> str:
    for part in location[:-1]:
        annotation: Any = model.model_fields[str(part)].annotation
        model = next(iter(get_args(annotation)), annotation)  # of an optional section, the section
    near = difflib.get_close_matches(str(location[-1]), model.model_fields, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; expected one of {', '.join(model.model_fields)}"
