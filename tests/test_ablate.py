"""Tables of variants: read strictly, run once, resumed, and summed up."""

import json
from pathlib import Path

import pytest
import yaml

from galaxies import write_simple
from galddpm.commands import ablate
from galddpm.config import load_config
from galddpm.errors import UserError
from galddpm.evaluation.comparison import COLUMNS, markdown

TABLES = sorted((Path(__file__).parent.parent / "configs" / "tables").glob("*.yaml"))
SMALL = ["network.channels=[8]", "network.bottleneck=8", "network.attention=[]"]
SMALL += ["training.images=32", "training.batch_size=8", "training.log_every=8"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_row_of_the_projects_tables_is_a_config(path):
    table = ablate.read_table(path)
    base = path.parent.parent / Path(table.config).name
    for row in table.rows:
        assert load_config(base, [*table.set, *row.set]).task == "diffusion"


@pytest.fixture
def table(tmp_path):
    """Two rows that share their training and one that fails, on 40 galaxies."""
    files = {
        split: str(write_simple(tmp_path / f"{split}.hdf5", 40))
        for split in ("training", "validation", "testing")
    }
    small = [f"data.{split}={path}" for split, path in files.items()] + SMALL
    content = {
        "config": str(TABLES[0].parent.parent / "quickstart.yaml"),
        "seeds": [0],
        "statmorph": 1,
        "set": small,
        "rows": [
            {"name": "five", "sample": ["--steps", "5"]},
            {"name": "two", "sample": ["--steps", "2"]},
            {"name": "far", "set": ["training.learning_rate=1e30", "training.clip=1e30"]},
        ],
    }
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.slow
def test_rows_share_training_and_failures_are_results(table, tmp_path, capsys):
    out = tmp_path / "out"
    ablate.main([str(table), "--out", str(out)])
    found = json.loads((out / "table.json").read_text())["rows"]
    assert found["five"][0]["sample_seconds"] > 0
    assert 0 <= found["two"][0]["detected"] <= 1
    assert found["two"][0].keys() >= COLUMNS.keys()
    assert "finite" in found["far"][0]["failed"]
    assert len(list((out / "runs").iterdir())) == 2
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.hdf5")}
    ablate.main([str(table), "--out", str(out), "--rows", "two"])
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.hdf5")}
    assert "| two |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rowz": []}, "rowz"),
        ({"rows": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"rows": [{"name": "a", "set": ["process.nonsense=1"]}]}, "nonsense"),
        ({"seeds": []}, "seeds"),
    ],
)
def test_mistakes_in_a_table_are_refused(table, tmp_path, change, message):
    table.write_text(yaml.safe_dump(yaml.safe_load(table.read_text()) | change))
    with pytest.raises(UserError, match=message):
        ablate.main([str(table), "--out", str(tmp_path / "out")])


def test_an_unknown_row_is_refused(table):
    with pytest.raises(UserError, match="no row is named 'nine'"):
        ablate.main([str(table), "--rows", "nine"])


def test_the_table_shows_means_over_seeds_and_their_spread():
    seeds = [{"ks_flux": 0.1, "floor": 0.04}, {"ks_flux": 0.3}]
    text = markdown({"plain": seeds, "broken": [{"failed": "it ran away"}]})
    flux = list(COLUMNS).index("ks_flux") + 2
    plain, broken = (
        next(row for row in text.splitlines() if name in row) for name in ("plain", "broken")
    )
    assert plain.split("|")[flux].strip() == "0.200 ± 0.141"
    assert "it ran away" in broken
    assert plain.split("|")[list(COLUMNS).index("floor") + 2].strip() == "0.040"
    few = markdown({"plain": seeds}, ["ks_flux"])
    assert few.splitlines()[0].split("|")[2].strip() == COLUMNS["ks_flux"]
