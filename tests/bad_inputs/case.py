"""What is right, in the folder in which cases are tried, and what a case is."""

import contextlib
import io
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from galddpm.commands import train
from galddpm.data.galaxiesml import write_galaxies

COUNT, SIDE = 24, 16  # good galaxies, and pixels on a side of them
CONFIG: dict[str, Any] = {
    "data": {
        **dict.fromkeys(("training", "validation", "testing"), "good.hdf5"),
        "image_size": SIDE,
    },
    "process": {"prediction": "light", "zero_terminal_snr": True},
    "network": {"channels": [8], "bottleneck": 8, "blocks": 1, "attention": [], "heads": 2},
    "training": {"images": 16, "batch_size": 8, "preview_every": None},
    "sampling": {"ending": "light", "steps": 2, "sampler": "dpmpp_2m"},
}


@dataclass(frozen=True)
class Case:
    """A command line that cannot be right, and what is wrong with it."""

    kind: str
    wrong: str
    arguments: list[str]


def word(rng: random.Random) -> str:
    """Letters that name nothing."""
    return "q" + "".join(rng.choice("abcdefghijklmnop_.") for _ in range(rng.randint(1, 9)))


def make_good() -> None:
    """good.hdf5, good.yaml and good.safetensors, here."""
    rng = np.random.default_rng(0)
    image = rng.normal(0, 0.1, (COUNT, 5, SIDE, SIDE)).astype(np.float32)
    image[:, :, 6:10, 6:10] += 3
    redshift, object_id = np.linspace(0.1, 2, COUNT), np.arange(COUNT)
    galaxies = {"image": image, "specz_redshift": redshift, "object_id": object_id}
    write_galaxies(Path("good.hdf5"), galaxies)
    Path("good.yaml").write_text(yaml.safe_dump(CONFIG))
    with contextlib.redirect_stdout(io.StringIO()):
        train.main(["--config", "good.yaml", "--run", "good"])
    shutil.copy("good/model.safetensors", "good.safetensors")
    shutil.rmtree("good")
