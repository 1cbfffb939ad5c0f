"""Options, and redshifts, that are none."""

import random
from collections.abc import Callable

from bad_inputs.case import Case, word

NO_NUMBER = ["x", "", "1,5", "0x", "--", "1e", "None", "\u00bd", "1 2", "true"]
NO_COUNT = [*NO_NUMBER, "0", "-1", "1.5", "nan", "inf", "-inf", "9" * 30]
GOOD = ["sample", "--redshifts", "0.5", "--run", "good.safetensors", "--out", "new.hdf5"]
COUNTS = ["--per-redshift", "--steps", "--batch-size"]
NAMES = ["--sampler", "--weights", "--noise", "--device"]
TRAIN = ["train", "--config", "good.yaml"]
JUDGE = ["evaluate", "--real", "good.hdf5", "--generated"]


def command_lines(rng: random.Random) -> Case:
    """Options with values of another kind, without one, unknown or left out."""
    ways: list[Callable[[], list[str]]] = [
        lambda: [*GOOD, rng.choice(COUNTS), rng.choice(NO_COUNT)],
        lambda: [*GOOD, "--seed", rng.choice([*NO_NUMBER, "-1", "1.5", "9" * 30])],
        lambda: [*GOOD, rng.choice(NAMES), word(rng)],
        lambda: [*GOOD, f"--{word(rng)}"],
        lambda: [*GOOD, word(rng)],
        lambda: [*GOOD[:-1], rng.choice(["good.yaml", "good.hdf5", ".", word(rng)])],
        lambda: [word(rng), *GOOD[1:]],
        lambda: ["evaluate", rng.choice(["--limit", "--jobs"]), rng.choice(NO_COUNT)],
        lambda: [*JUDGE, word(rng)],
        lambda: [*JUDGE, "good.hdf5", "--band", word(rng)],
        lambda: ["train", "--config", word(rng)],
        lambda: [*TRAIN, "--set", f"{word(rng)}.{word(rng)}=1"],
        lambda: [*TRAIN, "--set", f"training.images={word(rng)}"],
        lambda: [*TRAIN, "--set", word(rng)],
        lambda: [*TRAIN, "--run", "good.hdf5"],
        lambda: [*TRAIN, "--init-from", word(rng)],
        lambda: ["data", word(rng)],
        lambda: ["data", "mock", "--out", "mock", "--training", rng.choice(NO_COUNT)],
        lambda: ["data", "check", rng.choice(["good.yaml", ".", "", word(rng)])],
        lambda: ["export", word(rng), "new.safetensors"],
        lambda: ["photoz", rng.choice(["good.yaml", ".", "", word(rng)])],
        lambda: ["photoz", "good.hdf5", "--limit", rng.choice(NO_COUNT)],
        lambda: ["evolve", "--out", word(rng)],
        lambda: [
            "evolve",
            "--out",
            "new.gif",
            rng.choice(["--count", "--frames"]),
            rng.choice(NO_COUNT),
        ],
        lambda: [
            "evolve",
            "--out",
            "new.gif",
            "--from",
            rng.choice([*NO_NUMBER, "nan", "-1", "9"]),
        ],
    ]
    arguments = rng.choice(ways)()
    return Case("command line", " ".join(map(repr, arguments)), arguments)


def redshifts(rng: random.Random) -> Case:
    """Lists and ranges that are none, or of redshifts that no galaxy has."""
    wrong = [
        lambda: ",".join(rng.choice(["0.5", *NO_NUMBER, "nan", "-0.1", "inf"]) for _ in range(3)),
        lambda: f"{rng.choice(NO_NUMBER)}:{rng.random():.3f}:3",
        lambda: f"0.1:{rng.choice(['nan', '-1', 'inf', *NO_NUMBER])}:{rng.randint(2, 9)}",
        lambda: f"0.1:1:{rng.choice(NO_COUNT)}",
        lambda: ":".join(f"{rng.random():.2f}" for _ in range(rng.choice([4, 5, 2]))),
        lambda: f"{rng.uniform(10, 1e6):.4g}",
        lambda: f"-{rng.random():.4f}",
        lambda: "".join(rng.choice("0123456789.:,-+enai ") for _ in range(rng.randint(1, 9))) + "?",
        lambda: f"{word(rng)}.{rng.choice(['csv', 'fits', 'hdf5', 'ecsv'])}",
        lambda: f"good.hdf5:{word(rng)}",
    ]
    spec = rng.choice(wrong)()
    if spec == "0.5,0.5,0.5":
        spec += ","
    return Case("redshifts", repr(spec), ["sample", "--redshifts", spec, *GOOD[3:]])
