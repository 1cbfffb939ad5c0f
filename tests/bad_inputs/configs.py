"""Configs with a key or a value that cannot be, or text that is no config."""

import json
import random
from pathlib import Path
from typing import Any

import yaml

from bad_inputs.case import CONFIG, Case, word
from galddpm.config.load import load_config

NO_VALUE = [[], {}, [[]], {"a": 1}, "x", "nan", None, [None], "!!", -1, -1e300, float("nan")]
NEEDED = [("data", "training"), ("data", "validation"), ("data", "testing"), ("training", "images")]


def configs(rng: random.Random) -> Case:
    """A good config with a key or a value that cannot be, or text that is no config."""
    if rng.random() < 0.25:
        wrong, text = bad_text(rng)
    else:
        wrong, content = bad_content(rng)
        text = yaml.safe_dump(content).encode()
    Path("bad.yaml").write_bytes(text)
    return Case("config", wrong, ["train", "--config", "bad.yaml", "--run", "new"])


def bad_text(rng: random.Random) -> tuple[str, bytes]:
    good = yaml.safe_dump(CONFIG)
    place = rng.randrange(len(good))
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{k + 1}: &a{k + 1} [{','.join([f'*a{k}'] * 9)}]\n" for k in range(9)
    )
    texts = {
        "a tag": good.replace("16", "!!python/object/apply:os.system ['touch touched']", 1),
        "a tab": f"{good[:place]}\n\t: x\n{good[place:]}",
        "control characters": f"{good[:place]}\0\x01{good[place:]}",
        "cut off": good[: min(place, len(good) // 2)] + "\n  - [",
        "a bomb of aliases": bomb,
        "a list": "- 1\n- 2\n",
        "a word": word(rng),
        "nothing": "",
        "a key twice": good + "training: {}\n",
        "deep": "[" * rng.randint(500, 3000),
        "binary": "",
    }
    name = rng.choice(sorted(texts))
    held = rng.randbytes(rng.randint(1, 400)) + b"\xff\xfe\0" if name == "binary" else b""
    return f"text: {name} at {place}", held or texts[name].encode()


def bad_content(rng: random.Random) -> tuple[str, dict[str, Any]]:
    content = json.loads(json.dumps(load_config("good.yaml").model_dump()))
    section = rng.choice([name for name, value in content.items() if isinstance(value, dict)])
    held = content[section]
    way = rng.choice(["unknown", "missing", "kind", "section"])
    if way == "unknown":
        name = word(rng)
        held[name] = 1
    elif way == "missing":
        section, name = rng.choice(NEEDED)
        del content[section][name]
    elif way == "kind":
        name = rng.choice([key for key, value in held.items() if value is not None])
        value = rng.choice([bad for bad in NO_VALUE if not _may_be(bad, held[name], name)])
        held[name] = value
        name = f"{name}={value!r}"
    else:
        name = rng.choice([[], "x", 3, [1], True])
        content[section] = name
    return f"{section}: {way} {name}", content


def _may_be(bad: Any, good: Any, name: str) -> bool:
    """Whether a value of `NO_VALUE` might be right in place of another."""
    if isinstance(good, str):
        return isinstance(bad, str) and name in ("training", "validation", "testing", "init_from")
    if isinstance(good, list):
        return bad in ([], None)
    return bad is None
