"""What a resumed run may change, and what makes it another run."""

import pytest

from galddpm.config.difference import FREE, first_difference
from galddpm.config.load import parse_config

SECTIONS = {
    "data": {"training": "a", "validation": "b", "testing": "c"},
    "training": {"images": 1000},
}
CHANGED = {
    "training.images": 2000,
    "training.checkpoint_every": 7,
    "training.log_every": 7,
    "training.preview_every": None,
    "training.wandb": "galaxies",
    "training.parts": 2,
    "data.cache": "none",
    "sampling.batch_size": 7,
}


def config(**changes):
    content = {name: dict(section) for name, section in SECTIONS.items()}
    for key, value in changes.items():
        section, name = key.split(".")
        content.setdefault(section, {})[name] = value
    return parse_config(content, "here")


def test_every_free_key_is_tried():
    assert CHANGED.keys() == FREE.keys()


@pytest.mark.parametrize("key", CHANGED)
def test_a_free_key_makes_no_other_run(key):
    assert config(**{key: CHANGED[key]}) != config()
    assert first_difference(config(), config(**{key: CHANGED[key]})) is None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("training.batch_size", 64, "training.batch_size is 128, not 64"),
        ("data.symmetries", True, "data.symmetries is False, not True"),
        ("sampling.eta", 0.5, "sampling.eta is 0.0, not 0.5"),
    ],
)
def test_any_other_key_is_named(key, value, words):
    assert first_difference(config(), config(**{key: value} | CHANGED)) == words


def test_a_section_that_was_not_there_is_named():
    light = {"process.prediction": "light", "sampling.ending": "light"}
    teacher = {"distillation.teacher": "runs/a"}
    found = first_difference(config(**light), config(**light, **teacher))
    assert found.startswith("distillation is None, not {'teacher': 'runs/a'")


@pytest.mark.parametrize(
    ("held", "wanted"), [({}, {"m": (1, 2)}), ({"m": (1, 2)}, {"m": (1, 2), "n": (0, 1)})]
)
def test_columns_that_come_or_go_are_named(held, wanted):
    """What columns a network is told is a table, whose keys differ from run to run."""
    one, other = (config(**{"conditions.columns": columns}) for columns in (held, wanted))
    for first, second in ((one, other), (other, one)):
        assert first_difference(first, second).startswith("conditions.columns is {")
    moved = config(**{"conditions.columns": {"m": (1, 3)}})
    before = config(**{"conditions.columns": {"m": (1, 2)}})
    assert first_difference(before, moved).startswith("conditions.columns.m is ")
