"""Whatever a config holds, it is refused in one line, or it is one and survives being written."""

from string import printable

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from galddpm.config.load import dump_config, load_config, parse_config
from galddpm.errors import UserError

MINIMAL = {
    "data": {"training": "a", "validation": "b", "testing": "c"},
    "training": {"images": 1000},
}
KEYS = [
    (section, key)
    for section, keys in parse_config(MINIMAL, "here").model_dump().items()
    if isinstance(keys, dict)
    for key in keys
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(printable, max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
)
alike = settings(derandomize=True, deadline=None, database=None, max_examples=60)


@pytest.fixture(scope="module")
def minimal(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "minimal.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    return path


def refused_or_kept(make):
    """Whether a config is refused as the user's mistake, or is the same once written and read."""
    try:
        config = make()
    except UserError:
        return True
    return parse_config(yaml.safe_load(dump_config(config)), "again") == config


@alike
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=3))
def test_any_values_of_known_keys(changes):
    content = {section: dict(keys) for section, keys in MINIMAL.items()}
    for (section, key), value in changes.items():
        content.setdefault(section, {})[key] = value
    assert refused_or_kept(lambda: parse_config(content, "here"))


@alike
@given(values)
def test_any_content(content):
    assert refused_or_kept(lambda: parse_config(content, "here"))


@alike
@given(key=st.sampled_from(KEYS), text=st.text(max_size=12) | scalars.map(str))
def test_any_setting_on_the_command_line(minimal, key, text):
    assert refused_or_kept(lambda: load_config(minimal, [f"{'.'.join(key)}={text}"]))
