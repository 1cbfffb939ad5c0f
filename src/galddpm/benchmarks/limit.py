"""What a step asks of the machine, and what the machine can do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from galddpm.benchmarks.timing import take_turns

MATRIX = {"cpu": 2048, "cuda": 8192}  # side of the square matrices that are multiplied
SHAPES = 6  # convolutions tried, those with the most operations
KINDS = {  # parts of operators' and CUDA kernels' names, in the order in which they are looked for
    "fused pointwise": ("triton",),
    "convolution": ("convolution", "conv2d", "fprop", "dgrad", "wgrad"),
    "attention": ("dot_product", "bmm", "softmax", "flash", "fmha"),
    "linear": ("addmm", "::mm", "gemm"),
    "optimiser and average": ("adam", "lerp", "norm_", "linalg", "foreach", "multi_tensor"),
    "normalisation": ("group_norm", "layer_norm"),
    "GELU": ("gelu",),
}


Shape = Sequence[int]


@dataclass(frozen=True)
class Work:
    """Operations, a multiplication and an addition being two, and bytes that operators read and
    write in fp32 when each stands alone."""

    operations: float
    bytes: float


class ByteCounter(TorchDispatchMode):
    """Counts the tensors that pass through operators, as inputs and as outputs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch's
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if torch.is_tensor(leaf)]
            self.bytes += sum(tensor.nbytes for tensor in tensors)
        return out


def work(prepare: Callable[[int], Callable[[], object]], batch: int) -> Work:
    """What the calls that prepare(batch) returns ask for, on the CPU, after the first.

    Extrapolated from batches of 1 and 2, because weights count once and images each time.
    """
    one, two = (_counted(prepare(size)) for size in (1, 2))
    return Work(
        one.operations + (batch - 1) * (two.operations - one.operations),
        one.bytes + (batch - 1) * (two.bytes - one.bytes),
    )


def _counted(run: Callable[[], object]) -> Work:
    aten = torch.ops.aten
    fused = {
        aten._scaled_dot_product_flash_attention_for_cpu: _attention_operations,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward_operations,
    }
    run()  # an optimiser makes its state in the first step
    operations, traffic = FlopCounterMode(display=False, custom_mapping=fused), ByteCounter()
    with operations, traffic:
        run()
    return Work(operations.get_total_flops(), traffic.bytes)


def _attention_operations(query: Shape, key: Shape, *rest: object, **more: object) -> int:
    """Two matrix products, of shapes (B, heads, N, d)."""
    batch, heads, tokens, width = query
    return 4 * batch * heads * tokens * key[2] * width


def _attention_backward_operations(
    grad: Shape, query: Shape, key: Shape, *rest: object, **more: object
) -> int:
    """Five matrix products, one of them the forward pass's, done again."""
    return _attention_operations(query, key) * 5 // 2


def ceilings(
    network: nn.Module, x: torch.Tensor, device: torch.device, dtype: torch.dtype
) -> dict[str, float]:
    """The highest rates [operations/s] of the 3 x 3 convolutions in use, forward alone and with
    the backward pass, over their shapes and both layouts, and of a matrix product.

    A convolution may exceed the matrix product: its library may have the better kernel for the
    processor, or an algorithm that saves multiplications (Winograd's).
    """
    rates = {"forward": [0.0], "training": [0.0]}
    for inputs, outputs, height, width in convolutions(network, x):
        for layout in (torch.contiguous_format, torch.channels_last):
            shape = (len(x), inputs, height, width)
            for kind, rate in _convolution(shape, outputs, layout, device, dtype).items():
                rates[kind].append(rate)
    side = MATRIX[device.type]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    seconds = take_turns({"product": lambda: a @ b}, device)["product"]
    return {
        "convolution_forward": max(rates["forward"]),
        "convolution_training": max(rates["training"]),
        "matrix_product": 2 * side**3 / seconds,
    }


def convolutions(network: nn.Module, x: torch.Tensor) -> list[tuple[int, int, int, int]]:
    """(inputs, outputs, H, W) of the network's 3 x 3 convolutions, the largest first."""
    found = set()

    def note(layer: nn.Conv2d, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        found.add((layer.in_channels, layer.out_channels, *output.shape[2:]))

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.inference_mode():
        network(x[:1], *x.new_zeros(2, 1))
    for hook in hooks:
        hook.remove()
    by_size = sorted(found, key=lambda shape: -(shape[0] * shape[1] * shape[2] * shape[3]))
    return by_size[:SHAPES]


def _convolution(
    shape: Shape,
    outputs: int,
    layout: torch.memory_format,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, float]:
    make: dict[str, Any] = {"device": device, "dtype": dtype}
    x = torch.randn(shape, **make).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(outputs, shape[1], 3, 3, **make).contiguous(memory_format=layout)
    weight.requires_grad_()
    gradient = torch.randn(shape[0], outputs, *shape[2:], **make).contiguous(memory_format=layout)

    def forward() -> torch.Tensor:
        return nn.functional.conv2d(x, weight, padding=1)

    def training() -> None:
        torch.autograd.grad(forward(), (x, weight), gradient)

    seconds = take_turns({"forward": forward, "training": training}, device, turns=5)
    operations = 2 * 9 * shape[0] * shape[1] * outputs * shape[2] * shape[3]
    return {
        "forward": operations / seconds["forward"],
        "training": 3 * operations / seconds["training"],
    }


def shares(run: Callable[[], object], device: torch.device) -> Iterator[tuple[str, float]]:
    """(kind of operator, its share of the time) of one call."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profile:
        run()
    places = torch.autograd.DeviceType  # type: ignore[attr-defined] # not in its __all__
    where = places.CUDA if device.type == "cuda" else places.CPU
    time = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    spent = dict.fromkeys([*KINDS, "other"], 0.0)
    for event in profile.key_averages():
        if event.device_type == where:  # a kernel's time also counts for what launched it
            spent[kind_of(event.key)] += getattr(event, time)
    total = sum(spent.values())
    yield from ((kind, seconds / total) for kind, seconds in spent.items())


def kind_of(operator: str) -> str:
    name = operator.lower()
    for kind, parts in KINDS.items():
        if any(part in name for part in parts):
            return kind
    return "other"
