"""The processors that a model can be computed on: which there are, and what they hold."""

import math
import os
import resource
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from galddpm.errors import UserError


def device_names() -> list[str]:
    """What this machine can compute on: "cpu" and, where they are, "cuda", "cuda:0", ..., "mps"."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def best_device() -> torch.device:
    """The CUDA device where there is one, else the CPU. An Apple GPU, on which nobody has held the
    numbers against those of a CPU, is taken only when it is asked for."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def select_device(name: str | torch.device | None) -> torch.device:
    """The device of a name, such as "cpu" or "cuda:1"; the best one for None.

    Raises UserError where it is not there.
    """
    if name is None:
        return best_device()
    names = device_names()
    if str(name) not in names:
        raise UserError(f"device: found {name}, this machine has {', '.join(names)}")
    return torch.device(name)


def widest_float(device: torch.device) -> torch.dtype:
    """The most exact kind of number that a device has; an Apple GPU lacks float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def device_title(device: torch.device) -> str:
    """A device in words: cpu, or cuda:0 (NVIDIA H100)."""
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_name(device)})"


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Within the block a GPU adds up in one order, where that is wanted: the same input gives the
    same bits, which some operations reach only by slower ways. A CPU does so anyway."""
    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is loaded
    torch.use_deterministic_algorithms(wanted or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def full_fp32() -> Iterator[None]:
    """Convolutions in fp32 as such: by default CUDA rounds their inputs to the 10 bits of TF32, by
    which a galaxy would differ from device to device."""
    conv = torch.backends.cudnn.conv  # type: ignore[attr-defined] # not in its types
    before = conv.fp32_precision
    conv.fp32_precision = "ieee"
    try:
        yield
    finally:
        conv.fp32_precision = before


def compile_where_possible(network: nn.Module) -> None:
    """Have torch compile a network for a GPU at its first use. Without a C compiler, which it needs
    for that, the network is computed as it is, with a warning."""
    named = os.environ.get("CC")
    if any(shutil.which(name) for name in ((named,) if named else ("cc", "gcc", "clang"))):
        network.compile()
        return
    warnings.warn(
        f"no C compiler ({named or 'cc, gcc or clang'}) is found, which torch.compile needs; the"
        " network is computed without it, more slowly",
        stacklevel=2,
    )


def synchronize(device: torch.device) -> None:
    """Wait until all is computed that the device was told to compute."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def free_memory(device: torch.device) -> float:
    """Of a GPU that others may use too [byte]; of what does not say, infinite."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


def host_memory() -> int:
    """The most memory that this process has held so far [byte]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # elsewhere it counts in KiB


def gpu_memory(device: torch.device) -> int:
    """The most memory of a GPU that this process has held so far [byte]; 0 for a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return torch.mps.driver_allocated_memory() if device.type == "mps" else 0
