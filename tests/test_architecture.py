"""The rooms import one way: scripts -> commands -> tasks, inference, build -> rooms."""

import ast
from pathlib import Path

import pytest

from helpers.paths import ROOT

SOURCE = ROOT / "src" / "galddpm"
EVERYONES = {
    "_version",
    "arrays",
    "devices",
    "errors",
    "files",
    "in_parts",
    "interrupts",
    "locks",
    "pooling",
    "processes",
    "provenance",
    "workers",
}
ROOMS = {"data", "diffusion", "networks", "training", "evaluation"}
MAY_IMPORT = {  # besides those and themselves
    **{name: set() for name in EVERYONES | ROOMS | {"runs", "config"}},
    "evaluation": {"data"},
    "mock": {"data", "evaluation"},  # its predictions are as the judge sees them
    "build": {"config", *ROOMS},
    "inference": {"build", "config", "runs", *ROOMS},
    "tasks": {"build", "config", "inference", "runs", *ROOMS},
    "commands": {"build", "config", "inference", "mock", "runs", "tasks", "benchmarks", *ROOMS},
    "benchmarks": {"build", "config", "mock", "tasks", *ROOMS},
    "__init__": {"data", "inference"},
    "__main__": {"commands"},
}
EVALUATION = ("measurement", "catalog", "statistics", "photoz", "report", "validation", "pipeline")
FILES = sorted(SOURCE.rglob("*.py"))


def imports(path: Path) -> set[tuple[str, ...]]:
    """The modules of galddpm that a file imports, each as (evaluation, report, ...)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "galddpm":
            parts = tuple(node.module.split(".")[1:])
            found |= {parts} if parts else {(name.name,) for name in node.names}
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found |= {tuple(name[1:]) for name in names if name[0] == "galddpm" and name[1:]}
    return found


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(SOURCE).with_suffix("").parts


def by_name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", FILES, ids=by_name)
def test_imports_point_one_way(path):
    here = parts(path)[0]
    assert {part[0] for part in imports(path)} <= MAY_IMPORT[here] | {here, *EVERYONES}


@pytest.mark.parametrize("path", sorted((SOURCE / "evaluation").rglob("*.py")), ids=by_name)
def test_the_rooms_of_the_judge_build_on_one_another(path):
    _, here, *_ = parts(path)
    if here == "__init__":
        return
    inside = {part[1] for part in imports(path) if part[0] == "evaluation"}
    assert inside <= set(EVALUATION[: EVALUATION.index(here) + 1])


def test_every_part_is_in_the_picture():
    assert {parts(path)[0] for path in FILES} == MAY_IMPORT.keys()
    rooms = {parts(path)[1] for path in (SOURCE / "evaluation").rglob("*.py")}
    assert rooms - {"__init__"} <= set(EVALUATION)


def test_nothing_is_ever_unpickled():
    for path in FILES:
        text = path.read_text()
        assert "torch.load" not in text
        assert "import pickle" not in text
        assert "allow_pickle=True" not in text
