"""HDF5 files that lack, bend or hide what the schema asks for."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bad_inputs.case import SIDE, Case

COMMANDS = [
    ["data", "check", "bad.hdf5"],
    ["train", "--config", "good.yaml", "--set", "data.training=bad.hdf5", "--run", "new"],
    ["evaluate", "--real", "bad.hdf5", "--generated", "good.hdf5", "--out", "new"],
]
MEASURED = ("a pixel that is not finite",)  # which costs a galaxy its row in a report, and no more


def galaxy_files(rng: random.Random) -> Case:
    """HDF5 files that lack, bend or hide what the schema asks for."""
    path = Path("bad.hdf5")
    path.unlink(missing_ok=True)
    name = rng.choice(sorted(SPOILT))
    SPOILT[name](path, rng)
    judged = name not in MEASURED
    command = rng.choice(COMMANDS[: len(COMMANDS) if judged else -1])
    return Case("HDF5", f"{name}, {path.stat().st_size} bytes, {command[0]}", command)


def columns(rng: random.Random) -> dict[str, Any]:
    with h5py.File("good.hdf5") as file:
        return {name: file[name][:] for name in file}


def written(change: Callable[[dict[str, Any], random.Random], None]) -> Callable[..., None]:
    def write(path: Path, rng: random.Random) -> None:
        held = columns(rng)
        change(held, rng)
        with h5py.File(path, "w") as file:
            for name, value in held.items():
                file[name] = value

    return write


def _image_kind(held: dict[str, Any], rng: random.Random) -> None:
    kind = rng.choice(["S4", "c16", "bool"])
    held["image"] = held["image"].astype(kind)


def _image_shape(held: dict[str, Any], rng: random.Random) -> None:
    cut = rng.choice([np.s_[:, 0], np.s_[:0], np.s_[:-1], np.s_[..., None], 0])
    held["image"] = held["image"][cut]


def _redshift(held: dict[str, Any], rng: random.Random) -> None:
    value = rng.choice([math.nan, -0.5, math.inf, -math.inf, 1e9])
    held["specz_redshift"][rng.randrange(len(held["image"]))] = value


def _not_finite(held: dict[str, Any], rng: random.Random) -> None:
    place = rng.randrange(len(held["image"])), rng.randrange(5), *(rng.sample(range(SIDE), 2))
    held["image"][place] = rng.choice([math.nan, math.inf, -math.inf])


def _length(held: dict[str, Any], rng: random.Random) -> None:
    held["specz_redshift"] = held["specz_redshift"][: rng.randrange(len(held["image"]))]


def _linked(path: Path, rng: random.Random) -> None:
    with h5py.File(path, "w") as file:
        link = rng.choice([h5py.ExternalLink("good.hdf5", "/image"), h5py.SoftLink("/other")])
        file["image"] = link
        file["other"] = columns(rng)["image"]
        file["specz_redshift"] = columns(rng)["specz_redshift"]


def _virtual(path: Path, rng: random.Random) -> None:
    shape = columns(rng)["image"].shape
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource("good.hdf5", "image", shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("image", layout)
        file["specz_redshift"] = columns(rng)["specz_redshift"]


def _oversized(path: Path, rng: random.Random) -> None:
    rows = rng.choice([10**6, 10**8, 10**11])
    with h5py.File(path, "w") as file:
        shape, chunks = (rows, 5, SIDE, SIDE), (1, 5, SIDE, SIDE)
        file.create_dataset("image", shape, np.float32, chunks=chunks)
        file.create_dataset("specz_redshift", (rows,), np.float64, chunks=(1000,))


def _group(path: Path, rng: random.Random) -> None:
    with h5py.File(path, "w") as file:
        file.create_group(rng.choice(["image", "specz_redshift"]))
        for name, value in columns(rng).items():
            if name not in file:
                file[name] = value


def _cut_off(path: Path, rng: random.Random) -> None:
    good = Path("good.hdf5").read_bytes()
    path.write_bytes(good[: rng.randrange(len(good) // 2)])


def _no_hdf5(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.choice([b"", b"SIMPLE  =   T", rng.randbytes(rng.randint(1, 4000))]))


SPOILT: dict[str, Callable[[Path, random.Random], None]] = {
    "no image": written(lambda held, rng: held.pop("image") is None),
    "no redshift": written(lambda held, rng: held.pop("specz_redshift") is None),
    "another kind of image": written(_image_kind),
    "another shape of image": written(_image_shape),
    "an impossible redshift": written(_redshift),
    "a pixel that is not finite": written(_not_finite),
    "too few redshifts": written(_length),
    "links": _linked,
    "virtual": _virtual,
    "declared far larger": _oversized,
    "a group for a data set": _group,
    "cut off": _cut_off,
    "no HDF5": _no_hdf5,
}
