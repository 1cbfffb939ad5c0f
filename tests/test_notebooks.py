"""The notebooks run from top to bottom, in small."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
SMALLER = {
    "quickstart": ("SMALL = False", "SMALL = True"),
    "mock": ("COUNT = 4000", "COUNT = 40"),
    "light": ("COUNT = 48", "COUNT = 12"),
    "posterior": ("COUNT = 6", "COUNT = 1"),
    "simulation": ("STEPS = 50, 24, None", "STEPS = 2, 2, 3"),
    "evolution": ("STEPS = 24, 600, None", "STEPS = 1, 8, 4"),
    "galaxiesml": ("STEPS = 600, 1600, 48, None", "STEPS = 40, 16, 3, 4"),
    "judge": ("STAMPS, JOBS = 300, 2", "STAMPS, JOBS = 2, 1"),
}
PICTURES = {
    "quickstart": 3,
    "mock": 3,
    "recipe": 3,
    "light": 2,
    "posterior": 2,
    "simulation": 3,
    "evolution": 2,
    "galaxiesml": 1,
    "judge": 1,
    "performance": 1,
}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of the notebook machinery
@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    if name in SMALLER:
        cell = next(cell for cell in notebook.cells if SMALLER[name][0] in cell.source)
        cell.source = cell.source.replace(*SMALLER[name])
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": NOTEBOOKS}}).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == PICTURES[name]


def test_every_notebook_is_tried():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == PICTURES.keys()
