"""safetensors files with a lying header, other tensors, or metadata that cannot be."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs.case import Case, word

PARTS = ["config", "scaling", "redshifts"]  # of the metadata


def model_files(rng: random.Random) -> Case:
    """safetensors files with a lying header, other tensors, or metadata that cannot be."""
    good = Path("good.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    known = json.loads(header["__metadata__"]["galddpm"])
    weights = sorted(name for name in header if name.startswith("ema."))
    name = rng.choice(weights)
    ways: dict[str, Callable[[], object]] = {
        "cut off": lambda: None,
        "a length that lies": lambda: None,
        "a tensor that is missing": lambda: header.pop(name),
        "a name that is another": lambda: header.update({f"{name}{word(rng)}": header.pop(name)}),
        "a kind that is another": lambda: header[name].update(dtype=other_kind(header[name])),
        "a shape that is another": lambda: header[name].update(shape=[1, *header[name]["shape"]]),
        "a shape beyond the file": lambda: header[name].update(shape=[2**rng.randint(20, 60)]),
        "offsets beyond the file": lambda: header[name].update(data_offsets=[0, 2**40]),
        "metadata without a part": lambda: known.pop(rng.choice(PARTS)),
        "a part of another kind": lambda: known.update(
            {rng.choice(PARTS): rng.choice([[], 3, "x", None, {}])}
        ),
        "a scaling that cannot be": lambda: known["scaling"].update(
            {rng.choice(sorted(known["scaling"])): rng.choice(["x", None, {}])}
        ),
        "redshifts that cannot be": lambda: known.update(
            redshifts=rng.choice([["a"], [None], "xy", [], [2, 1]])
        ),
        "a network too large": lambda: known["config"]["network"].update(
            channels=[2**14] * rng.randint(1, 6), bottleneck=2**14, blocks=rng.randint(1, 64)
        ),
        "a network too deep": lambda: known["config"]["network"].update(
            channels=[8] * rng.randint(8, 4000)
        ),
        "many tensors": lambda: header.update(
            {f"ema.x{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(99)}
        ),
    }  # fmt: skip
    wrong = rng.choice(sorted(ways))
    ways[wrong]()
    header["__metadata__"]["galddpm"] = json.dumps(known)
    text = json.dumps(header).encode()
    lie = rng.choice([2**62, 3, len(text) + len(body) + 9])
    size = lie if wrong == "a length that lies" else len(text)
    whole = struct.pack("<Q", size) + text + body
    if wrong == "cut off":
        whole = whole[: rng.randrange(len(whole) - len(body) // 2)]
    Path("bad.safetensors").write_bytes(whole)
    command = ["sample", "--run", "bad.safetensors", "--redshifts", "0.5", "--out", "new.hdf5"]
    return Case("model", f"{wrong}: {name}, {len(whole)} bytes", command)


def other_kind(tensor: dict[str, Any]) -> str:
    """One with values of the same size, or of another."""
    return random.Random(str(tensor)).choice(["I32", "U32", "I64", "BOOL", "F8_E4M3", "x"])
