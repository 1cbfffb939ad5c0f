"""What is said of a training while it runs."""

from types import SimpleNamespace

import pytest
from tqdm import tqdm

from galddpm.commands import watching
from galddpm.commands.watching import (
    Watch,
    duration,
    needs_in_words,
    places_in_words,
    progress_in_words,
    size,
)


class Stand:
    """In the place of a trainer that has gone half of its way."""

    plan = SimpleNamespace(images=40_000, batch_size=4)
    images_seen, device = 20_000, SimpleNamespace(type="cpu")

    def disk_needed(self):
        return 800_000_000


def record(images_seen):
    return {"images_seen": images_seen, "loss": 0.43219, "images_per_second": 2.5}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (36_000, "10 h"),
        (111_600, "31 h"),
    ],
)
def test_a_time_is_in_a_unit_that_suits_it(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(4_100_000_000, "4.1 GB"), (860_000_000, "0.9 GB"), (99_000_000, "99 MB"), (0, "0 MB")],
)
def test_bytes_are_in_a_unit_that_suits_them(count, words):
    assert size(count) == words


def test_what_the_rest_takes(tmp_path, monkeypatch):
    """5,000 steps of 22 s; the cache of pixels lies in the run folder too."""
    monkeypatch.setattr("galddpm.devices.host_memory", lambda: 4_100_000_000)
    expected = "about 31 h on this device, 4.1 GB of memory, 0.8 GB of disk in the run folder"
    assert needs_in_words(Stand(), 22.32, tmp_path) == expected
    (tmp_path / "cache").mkdir()
    with open(tmp_path / "cache" / "pixels.npy", "wb") as file:
        file.truncate(300_000_000)
    assert "1.1 GB of disk" in needs_in_words(Stand(), 22.32, tmp_path)
    monkeypatch.setattr("galddpm.devices.gpu_memory", lambda device: 20_300_000_000)
    on_gpu = "4.1 GB of memory, 20.3 GB of the GPU's, "
    assert on_gpu in needs_in_words(Stand(), 22.32, tmp_path)


def test_how_far_a_training_is():
    expected = "12,800 of 40,000 images, loss 0.4322, 2 images/s, 3.0 h left"
    assert progress_in_words(12_800, 40_000, 2.5, "loss 0.4322, ") == expected
    assert progress_in_words(100, 400, 0.25, "") == "100 of 400 images, 15 images/min, 20 min left"


def test_only_places_that_there_are_are_named(tmp_path):
    log = f"numbers in {tmp_path / 'log.jsonl'}"
    assert places_in_words(tmp_path, pictures=False, curves=False) == log
    both = places_in_words(tmp_path, pictures=True, curves=True)
    assert both.startswith(f"{log}, pictures in {tmp_path / 'previews'}, curves by tensorboard")


def test_the_log_of_a_queue_gets_a_line_a_minute(tmp_path, capsys):
    """Whether or not the log has said anything by then."""
    now, trainer = [0.0], Stand()
    watch = Watch(trainer, tmp_path, clock=lambda: now[0])
    for seconds in (59, 61, 100, 122):
        now[0], trainer.images_seen = seconds, 20_000 + 10 * seconds
        watch.advance(4)
        watch.report(record(trainer.images_seen))
    said = [line for line in capsys.readouterr().err.splitlines() if "images" in line]
    assert said == [
        "20,590 of 40,000 images, loss 0.4322, 10 images/s, 32 min left",
        "21,220 of 40,000 images, loss 0.4322, 10 images/s, 31 min left",
    ]


def test_a_terminal_gets_a_bar_and_no_lines(tmp_path, capsys, monkeypatch):
    shown = {"disable": False, "mininterval": 0}
    monkeypatch.setattr(watching, "progress", lambda **more: tqdm(**more | shown))
    watch = Watch(Stand(), tmp_path)
    with watch.bar:
        watch.advance(4)
        watch.report(record(20_004))
    said = capsys.readouterr().err
    assert "loss 0.4322" in said
    assert "images/s" not in said


def test_the_needs_are_said_once(tmp_path, capsys):
    watch = Watch(Stand(), tmp_path)
    for _ in range(250):
        watch.advance(4)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("about ")
