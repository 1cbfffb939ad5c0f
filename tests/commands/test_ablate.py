"""Tables of variants: read strictly, run once, resumed, and summed up."""

import json

import pytest
import torch
import yaml

from galddpm.commands import ablate
from galddpm.config.load import load_config
from galddpm.errors import UserError
from galddpm.evaluation.report.model_table import COLUMNS, markdown
from galddpm.locks import locked_folder
from helpers.galaxies import write_simple
from helpers.paths import ROOT

TABLES = sorted((ROOT / "configs" / "tables").glob("*.yaml"))
SMALL = ["network.channels=[8]", "network.bottleneck=8", "network.attention=[]"]
SMALL += ["training.images=32", "training.batch_size=8", "training.log_every=8"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_row_of_the_projects_tables_is_a_config(path):
    table = ablate.read_table(path)
    for row in table.rows:
        assert load_config(table.config, [*table.set, *row.set]).task == "diffusion"


@pytest.fixture
def table(tmp_path):
    """Two rows that share their training and one that fails, on 40 galaxies."""
    files = {
        split: str(write_simple(tmp_path / f"{split}.hdf5", 40))
        for split in ("training", "validation", "testing")
    }
    small = [f"data.{split}={path}" for split, path in files.items()] + SMALL
    content = {
        "config": str(TABLES[0].parent.parent / "small.yaml"),
        "seeds": [0],
        "statmorph": 1,
        "set": small,
        "rows": [
            {"name": "five", "sample": ["--steps", "5"]},
            {"name": "two", "sample": ["--steps", "2"], "twin": "five"},
            {"name": "far", "set": ["training.learning_rate=1e30", "training.clip=1e30"]},
        ],
    }
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.slow
def test_rows_share_training_and_failures_are_results(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("galddpm.evaluation.report.gallery.draw_figures", lambda *report: {})
    monkeypatch.setattr(ablate, "cores", lambda: 1)  # a process more costs more than it brings
    out = tmp_path / "out"
    ablate.main([str(table), "--out", str(out)])
    found = json.loads((out / "table.json").read_text())["rows"]
    assert found["five"][0]["sample_seconds"] > 0
    assert 0 <= found["two"][0]["detected"] <= 1
    assert found["two"][0].keys() >= COLUMNS.keys()
    assert 0 <= found["two"][0]["alike"] <= 1
    assert found["five"][0]["alike"] is None
    assert "finite" in found["far"][0]["failed"]
    assert len(list((out / "runs").iterdir())) == 2
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.hdf5")}
    ablate.main([str(table), "--out", str(out), "--rows", "two"])
    assert set(json.loads((out / "table.json").read_text())["rows"]["far"][0]) == {"failed"}
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.hdf5")}
    assert "| two |" in (out / "table.md").read_text()
    said = capsys.readouterr().out
    assert "share detected" in said
    assert "| " not in said


def planned(path, out):
    table = ablate.read_table(path)
    return {row.name: ablate.plan(table, row, 0, out) for row in table.rows}


def changed(path, **change):
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))


def folders(job):
    return job.run, job.result, job.measured


def test_what_determines_a_result_names_its_folder(table, tmp_path):
    """Else changed settings or data would show old numbers."""
    out, content = tmp_path / "out", yaml.safe_load(table.read_text())
    before = planned(table, out)["five"]
    assert folders(planned(table, out)["five"]) == folders(before)
    changed(table, statmorph=2)
    judged = planned(table, out)["five"]
    assert (judged.run, judged.result == before.result) == (before.run, False)
    changed(table, statmorph=1, set=[*content["set"], "training.warm_up=8"])
    assert planned(table, out)["five"].run != before.run
    assert planned(table, out)["five"].result != before.result
    rows = [content["rows"][0] | {"sample": ["--steps", "6"]}, *content["rows"][1:]]
    changed(table, set=content["set"], rows=rows)
    sampled = planned(table, out)["five"]
    assert (sampled.run, sampled.result == before.result) == (before.run, False)
    changed(table, rows=content["rows"])
    assert folders(planned(table, out)["five"]) == folders(before)
    write_simple(tmp_path / "testing.hdf5", 40, seed=5)
    ablate.fingerprint.cache_clear()
    tested = planned(table, out)["five"]
    assert tested.run == before.run
    assert {tested.result, tested.measured}.isdisjoint({before.result, before.measured})
    write_simple(tmp_path / "training.hdf5", 40, seed=6)
    ablate.fingerprint.cache_clear()
    assert planned(table, out)["five"].run != before.run


def test_no_two_rows_share_a_folder(table, tmp_path):
    names = ["a b", "a-b", "a/b"]
    changed(table, rows=[{"name": name} for name in names])
    jobs = planned(table, tmp_path / "out").values()
    assert len({job.result for job in jobs}) == 3
    assert len({job.run for job in jobs}) == 1  # trained alike


def test_a_second_table_in_the_same_folder_is_refused(table, tmp_path):
    out = tmp_path / "out"
    with locked_folder(out), pytest.raises(UserError, match="out: in use by another process"):
        ablate.main([str(table), "--out", str(out)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rowz": []}, "rowz"),
        ({"rows": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"rows": [{"name": "a", "twin": "b"}, {"name": "b"}]}, "a: twin: no row before it is 'b'"),
        ({"rows": [{"name": "a", "set": ["process.nonsense=1"]}]}, "nonsense"),
        ({"seeds": []}, "seeds"),
        ({"redshift_cnn": "mock"}, "mock"),
        ({"config": "redshift_cnn", "rows": [{"name": "a"}], "set": []}, "task redshift, expected"),
    ],
)
def test_mistakes_in_a_table_are_refused(table, tmp_path, change, message):
    table.write_text(yaml.safe_dump(yaml.safe_load(table.read_text()) | change))
    with pytest.raises(UserError, match=message):
        ablate.main([str(table), "--out", str(tmp_path / "out")])


def test_an_unknown_sampler_of_any_row_is_refused_before_the_first_trains(table, tmp_path, capsys):
    changed(table, rows=[{"name": "a"}, {"name": "b", "sample": ["--sampler", "dpmpp2m"]}])
    with pytest.raises(SystemExit) as ended:
        ablate.main([str(table), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "usage: row b: sample" in said
    assert "invalid choice: 'dpmpp2m'" in said
    assert not (tmp_path / "out").exists()


def test_a_device_that_is_not_there_is_refused(table):
    with pytest.raises(UserError, match="device: found cuda:99"):
        ablate.main([str(table), "--device", "cuda:99"])


def test_every_step_of_a_row_gets_the_device(table, tmp_path, monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(ablate.train, "main", lambda given: asked.update(train=given))
    monkeypatch.setattr(ablate.sample, "main", lambda given: asked.update(sample=given))
    monkeypatch.setattr(ablate, "judge", lambda *given: asked.update(judge=given) or {})
    monkeypatch.setattr("galddpm.evaluation.report.model_table.figures", lambda report: report)
    monkeypatch.setattr(ablate, "train_seconds", lambda run: 1.0)
    out = tmp_path / "out"
    ablate.main([str(table), "--device", "cpu", "--rows", "five", "--out", str(out)])
    assert [asked[step][-2:] for step in ("train", "sample")] == [["--device", "cpu"]] * 2
    assert asked["judge"][-1] == torch.device("cpu")
    took = capsys.readouterr().err.splitlines()[0]
    assert took.endswith(f"small.yaml, rows five, seeds 0, cpu, into {out}")


def test_a_row_brings_those_that_it_is_held_to():
    names = [("a", None), ("b", "a"), ("c", None), ("d", "b")]
    rows = [ablate.Row(name=name, set=[], sample=[], twin=twin) for name, twin in names]
    assert [row.name for row in ablate.choose(rows, ["d"])] == ["a", "b", "d"]
    assert ablate.choose(rows, None) == rows


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
