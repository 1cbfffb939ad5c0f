"""The rooms import one way: scripts -> commands -> build -> rooms."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "galddpm"
ROOMS = {"data", "diffusion", "networks", "training", "evaluation"}
EVERYONES = {"errors", "files", "workers"}
MAY_IMPORT = {  # besides those and themselves
    "data": set(),
    "diffusion": set(),
    "networks": set(),
    "training": set(),
    "evaluation": {"data"},
    "runs": set(),
    "config": set(),
    "errors": set(),
    "files": set(),
    "workers": set(),
    "memory": set(),
    "build": {"config", "data", "diffusion", "networks", "training", "evaluation"},
    "model_file": {"config", "data", "runs", "training"},
    "generator": {"build", "config", "data", "diffusion", "model_file"},
    "distillation": {"build", "config", "data", "diffusion", "generator", "model_file"},
    "estimator": {"build", "data", "evaluation", "model_file"},
    "benchmarks": {"build", "config", "data", "diffusion", "evaluation", "networks"},
    "__init__": {"generator"},
}


def imports(path: Path) -> set[str]:
    """The parts of galddpm that a file names in its import statements."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("galddpm"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {name.name for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {n.name.split(".")[1] for n in node.names if n.name.startswith("galddpm.")}
    return found - {"__version__"}


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_imports_point_one_way(path):
    here = room(path)
    if here == "commands":
        assert "scripts" not in imports(path)
        return
    assert imports(path) <= MAY_IMPORT[here] | {here, *EVERYONES}


def test_every_part_is_in_the_picture():
    parts = {room(path) for path in SOURCE.rglob("*.py")}
    assert parts == MAY_IMPORT.keys() | {"commands"}
    assert parts >= ROOMS


def test_nothing_is_ever_unpickled():
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        assert "torch.load" not in text
        assert "import pickle" not in text
        assert "allow_pickle=True" not in text
