"""`galddpm survey`: the catalog of a survey, which `sample` can draw."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from galddpm.commands import survey
from galddpm.commands.redshift_spec import read_spec
from galddpm.errors import UserError
from galddpm.locks import locked


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Table({"z": [0.0, 1.0, 2.0], "n": [0.0, 2000.0, 0.0]}).write("nz.csv")


@pytest.mark.parametrize("name", ["survey.csv", "survey.ecsv", "new/survey.fits"])
def test_a_catalog_that_sample_reads(name, capsys):
    survey.main(["nz.csv", "--area", "0.5", "--seed", "3", "--out", name])
    redshift, object_id = read_spec(name)
    assert len(redshift) == pytest.approx(1000, abs=100)
    assert 0 <= redshift.min() < redshift.max() <= 2
    assert redshift.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(object_id, np.arange(len(redshift)))
    table = Table.read(name)
    assert abs(np.mean(table["ra"]) - 150) < 0.1
    assert abs(np.mean(table["dec"]) - 2.2) < 0.1
    assert f"galddpm sample --redshifts {name}" in capsys.readouterr().out


def test_what_another_process_is_writing_is_refused():
    with locked("a.csv"), pytest.raises(UserError, match="in use by another process"):
        survey.main(["nz.csv", "--area", "0.1", "--out", "a.csv"])


def test_a_seed_is_a_survey():
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        survey.main(["nz.csv", "--area", "0.1", "--seed", str(seed), "--out", name])
    first, again, other = (Path(f"{name}.csv").read_text() for name in "abc")
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "survey.txt"], "--out: found survey.txt"),
        (["--out", "nz.csv"], "is also the input"),
        (["--out", "there.csv"], "there.csv: exists; --overwrite"),
        (["--area", "1e-9"], "found no galaxy"),
        (["--area", "-1"], "--area: found -1"),
    ],
)
def test_what_is_refused(arguments, message):
    Table({"a": [1]}).write("there.csv")
    before = [Path(name).read_text() for name in ("there.csv", "nz.csv")]
    with pytest.raises(UserError, match=message):
        survey.main(["nz.csv", "--area", "0.1", *arguments])
    assert [Path(name).read_text() for name in ("there.csv", "nz.csv")] == before
