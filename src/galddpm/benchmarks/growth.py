"""How time and memory grow with the number of galaxies, the batch and the image."""

import re
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from galddpm import build
from galddpm.benchmarks.loading import BATCH, noise_file
from galddpm.benchmarks.timing import take_turns
from galddpm.benchmarks.training import read_recipe, training_step
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.stream import BatchStream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GALAXIES = (1_000, 5_000, 25_000, 50_000, 100_000, 200_000)
DATA_SIDE = 16  # pixels: what is read at the start does not depend on the rest of the file
BATCHES = (4, 8, 16, 32, 64)
SIDES = (32, 64, 127, 256)
MIB = 2**20
# panel: (what grows, quantities that are plotted against it)
PANELS = {
    "data": ("galaxies", ("start_seconds", "batch_seconds", "memory")),
    "batch": ("batch_size", ("step_seconds", "memory")),
    "size": ("side", ("step_seconds", "memory")),
}


def run(device: torch.device) -> dict[str, Any]:
    """Points of each panel, and the exponents p of fits proportional to x^p to their upper ends."""
    points = {"data": data_points(), "batch": batch_points(device), "size": size_points(device)}
    figures: dict[str, Any] = {}
    for panel, (x, quantities) in PANELS.items():
        for quantity in quantities:
            figures[f"{panel}_{quantity}_exponent"] = exponent(points[panel], x, quantity)
    return figures | points


def exponent(points: Sequence[dict[str, Any]], x: str, quantity: str) -> float:
    """Slope in logarithms through the last three points, where fixed costs weigh least."""
    last = points[-3:]
    along, values = np.log([[point[x], point[quantity]] for point in last]).T
    return float(np.polyfit(along, values, 1)[0])


def data_points() -> list[dict[str, Any]]:
    """Starting a run and reading batches from disk."""
    points = []
    for count in GALAXIES:
        with noise_file(count, side=DATA_SIDE) as galaxies:
            points.append({"galaxies": count} | in_a_process(read, galaxies.path))
    return points


def read(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    galaxies = GalaxyFile(path)
    galaxies.fingerprint()
    data = {"training": str(path), "image_size": DATA_SIDE, "cache": "none"}
    config = read_recipe("paper")
    config = config.model_copy(update={"data": config.data.model_copy(update=data)})
    scaling = build.make_scaling(config, galaxies)
    stream = BatchStream(galaxies, scaling, BATCH, cache="none")
    stream(0)
    started = time.perf_counter() - start
    seconds = []
    for index in range(1, 21):
        start = time.perf_counter()
        stream(index)
        seconds.append(time.perf_counter() - start)
    return {"start_seconds": started, "batch_seconds": statistics.median(seconds)}


def batch_points(device: torch.device) -> list[dict[str, Any]]:
    return [{"batch_size": batch} | in_a_process(step, device, batch, 64) for batch in BATCHES]


def size_points(device: torch.device) -> list[dict[str, Any]]:
    return [{"side": side} | in_a_process(step, device, 4, side) for side in SIDES]


def step(device: torch.device, batch: int, side: int) -> dict[str, float]:
    """A training step of the network of small.yaml, with attention at its lowest resolution."""
    config = read_recipe("small", [f"training.batch_size={batch}"])
    lowest = -(-side // 16)  # pixels, after folding and three halvings
    sections = {
        "data": config.data.model_copy(update={"image_size": side}),
        "network": config.network.model_copy(update={"attention": [lowest]}),
    }
    one = training_step(config.model_copy(update=sections), device, "auto")
    return {"step_seconds": take_turns({"step": one}, device)["step"]}


def in_a_process(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """The result of work(*arguments) in a process of its own, with its largest memory [MiB]."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_with_memory, (work, *arguments))


def _with_memory(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    found = work(*arguments)
    if torch.cuda.is_initialized():  # the work was done there
        return found | {"memory": torch.cuda.max_memory_allocated() / MIB}
    return found | {"memory": largest_resident()}


def largest_resident() -> float:
    """The most memory that this process has held [MiB].

    Linux hands the figure of `getrusage` from a process to those it starts, so there the kernel is
    asked for the one of this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        assert found is not None  # on Linux
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB  # bytes on macOS


def figure(points: dict[str, Any]) -> "Figure":
    """Each panel's quantities, over their first value, against what grows.

    Memory holds the libraries' own, and of a file the pages that were read, which the system takes
    back when it needs them.
    """
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, (panel, (x, quantities)) in zip(
        drawing.subplots(1, len(PANELS)), PANELS.items(), strict=True
    ):
        along = np.array([point[x] for point in points[panel]], dtype=float)
        for quantity in quantities:
            values = np.array([point[quantity] for point in points[panel]])
            name = quantity.replace("_seconds", " [s]").replace("memory", "memory [MiB]")
            label = f"{name}: {values[0]:.3g} to {values[-1]:.4g}"
            axes.loglog(along, values / values[0], "o-", ms=3, label=label)
        power = 2 if panel == "size" else 1
        guide = "as the pixels" if panel == "size" else f"as the {x.replace('_', ' ')}"
        axes.loglog(along, (along / along[0]) ** power, "k:", lw=1, label=guide)
        axes.set(xlabel=x.replace("_", " "), ylabel="over the first point")
        axes.set_xticks(
            along, [f"{value:,.0f}".replace(",000", "k") for value in along], fontsize=7
        )
        axes.minorticks_off()
        axes.legend(fontsize=7, frameon=False)
    return drawing
