"""`galddpm runs`: every run in a line, whatever state it is in."""

import json
import os
import time

import numpy as np
import pytest
from PIL import Image

from galddpm.commands import runs
from galddpm.commands.run_page import curves
from galddpm.errors import UserError


def made(root, name, images=100, record=None, origin=None, config="", began=0):
    run = root / name
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(f"training: {{images: {images}}}\n{config}")
    os.utime(run / "config.yaml", (began, began))
    if record:
        (run / "log.jsonl").write_text(json.dumps(record) + "\n" + '{"images_seen": 9')  # killed
    if origin:
        (run / "provenance.json").write_text(json.dumps(origin))
    return run


def lines(capsys, *arguments):
    runs.main([*map(str, arguments)])
    return [line.split("  ") for line in capsys.readouterr().out.splitlines()]


def told(capsys, root):
    """The cells of each line by the name of the run."""
    _, *found = ([cell.strip() for cell in line if cell.strip()] for line in lines(capsys, root))
    return {cells[0]: cells[1:] for cells in found}


def test_what_is_known_of_a_run_is_told(tmp_path, capsys):
    origin = {"images_seen": 100, "data": {"training": "there/galaxies.hdf5"}}
    run = made(tmp_path, "done", record={"images_seen": 100, "loss": 0.25}, origin=origin)
    (run / "model.safetensors").touch()
    for name, accuracy in (("old", 0.9), ("new", 0.72)):
        report = run / "samples" / name / "report.json"
        report.parent.mkdir(parents=True)
        report.write_text(json.dumps({"images": {"pixels": {"accuracy": accuracy}}}))
        os.utime(report, (accuracy, 10 - accuracy))
    expected = ["diffusion", "100 of 100", "finished", "0.2500", "galaxies.hdf5"]
    assert told(capsys, tmp_path)["done"] == [*expected, "72 %"]


def test_a_run_on_its_way_says_when_it_was_heard_of_and_what_it_lacks(tmp_path, capsys):
    run = made(tmp_path, "on", record={"images_seen": 40, "loss": 1.0, "images_per_second": 2.0})
    ago = time.time() - 600
    os.utime(run / "log.jsonl", (ago, ago))
    made(tmp_path, "begun", config="task: redshift\n")
    found = told(capsys, tmp_path)
    assert found["on"][1:3] == ["40 of 100", "last heard of 10 min ago, lacks 30 s"]
    assert found["begun"] == ["redshift", "0 of 100", "begun", "-", "-", "-"]


def test_what_is_no_run_is_passed_over_and_the_newest_comes_last(tmp_path, capsys):
    made(tmp_path, "newer", began=2000)
    made(tmp_path, "older", began=1000)
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.yaml").write_text("- a list")
    assert list(told(capsys, tmp_path)) == ["older", "newer"]


def test_a_damaged_run_hides_no_other(tmp_path, capsys):
    made(tmp_path, "well", began=1)
    run = made(tmp_path, "cut", began=2)
    (run / "provenance.json").write_text('{"images_seen": 9')
    made(tmp_path, "text", images="1e6", began=3)
    unlogged = made(tmp_path, "unlogged", began=4)
    (unlogged / "checkpoints").mkdir()
    (unlogged / "checkpoints" / "000000000050.safetensors").touch()
    found = told(capsys, tmp_path)
    assert list(found) == ["well", "cut", "text", "unlogged"]
    assert "damaged: " in found["cut"][2]
    assert "not readable as JSON" in found["cut"][2]
    assert "damaged: " in found["text"][2]
    assert "damaged: " in found["unlogged"][2]


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="no run, expected folders that galddpm train made"):
        runs.main([str(tmp_path)])


def test_a_run_has_a_page(tmp_path, capsys):
    origin = {"images_seen": 100, "device": "<cpu>"}
    run = made(tmp_path, "paged", origin=origin, config="task: diffusion\nseed: 7\n")
    lines = [
        {
            "images_seen": seen,
            "loss": 1 / seen,
            "images_per_second": 5.0,
            "loss_by_t": [None, 0.1, 0.2, 0.3],
            "loss_by_redshift": [0.1, 0.2, 0.3, 0.4],
        }
        for seen in (50, 100)
    ]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "previews").mkdir()
    Image.new("RGB", (4, 4)).save(run / "previews" / "000000000050.png")
    report = run / "samples" / "first" / "report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    runs.main([str(run)])
    assert capsys.readouterr().out == f"{run / 'run.html'}\n"
    page = (run / "run.html").read_text()
    assert page.count("data:image/png;base64,iVBOR") == 2  # losses, a preview
    assert "after 50 images" in page
    assert "href='samples/first/report.html'" in page
    assert "<td>100 of 100</td>" in page
    assert "&lt;cpu&gt;" in page
    assert "seed: 7" in page


def test_curves_are_what_was_logged():
    losses = [0.5, 0.25]
    records = [
        {"images_seen": 10 * k, "loss": loss, "loss_by_t": [loss, 1.0, None, 3.0]}
        for k, loss in enumerate(losses, 1)
    ]
    whole, by_t, by_redshift, speed = curves(records).axes
    np.testing.assert_array_equal(whole.lines[0].get_xydata(), [[10, 0.5], [20, 0.25]])
    assert [line.get_label() for line in by_t.lines] == ["lowest", "second", "highest"]
    assert not by_redshift.lines
    assert not speed.lines


def test_the_page_of_a_run_without_a_log(tmp_path, capsys):
    run = made(tmp_path, "bare")
    runs.main([str(run)])
    assert "Losses" not in (run / "run.html").read_text()
