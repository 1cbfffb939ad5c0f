"""Checkpoints: tensors and JSON in one safetensors file, written whole or not at all.

Nothing is ever pickled, so a file from elsewhere can do no more than hold wrong numbers.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from galddpm.errors import RunError, UserError
from galddpm.files import written_whole

KEPT = 2  # checkpoints of a run: the newest and the one before
WEIGHTS = ("ema", "raw")
METADATA = "galddpm"  # the name under which a file holds them
FLOATS = {"F16", "BF16", "F32", "F64"}  # as safetensors names them
KIND = {torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"}


def save_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]
) -> None:
    """Write tensors and JSON-able metadata; the file appears whole, after it is on the disk.

    All metadata are one text, because the format keeps several in no order: equal contents make
    equal files.
    """
    text = {METADATA: json.dumps(metadata)}
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        with written_whole(path) as temporary:
            save_file(contiguous, temporary, text)
    except SafetensorError as error:  # how it reports a full disk
        raise RunError(f"{path}: cannot be written ({error})") from None


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, metadata) of a file. Raises UserError where it is no safetensors file."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _metadata(file)  # noqa: SIM118


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata of a file, of which nothing else is read. Raises UserError as `load_tensors`."""
    with _opened(path) as file:
        return _metadata(file)


def load_into(model: nn.Module, path: str | Path, prefix: str, may_lack: str = "") -> None:
    """Put the weights of a file that stand under a prefix into a model.

    may_lack: part of the names of weights that stay as they are where the file has them not.
    Raises UserError as `load_tensors`, and where names, shapes or kinds of number are not those of
    the model, before a byte of a weight is read.
    """
    with _opened(path) as file:
        names = _require_alike(file, model, path, prefix, may_lack)
        tensors = {name: file.get_tensor(f"{prefix}.{name}") for name in names}
    model.load_state_dict(tensors, strict=not may_lack)


def require_alike(model: nn.Module, path: str | Path, prefix: str) -> None:
    """Raise UserError where the weights of a file under a prefix are not those of a model."""
    with _opened(path) as file:
        _require_alike(file, model, path, prefix)


def _require_alike(
    file: Any, model: nn.Module, path: str | Path, prefix: str, may_lack: str = ""
) -> list[str]:
    """The names of the weights, without the prefix, that file and model have."""
    start = f"{prefix}."
    held = {name[len(start) :] for name in file.keys() if name.startswith(start)}  # noqa: SIM118
    expected = model.state_dict()
    if not held:
        raise UserError(f"{path}: weights: found {prefix}, an exported model holds ema alone")
    lacking = {name for name in expected.keys() - held if may_lack and may_lack in name}
    odd = sorted((held ^ expected.keys()) - lacking)
    if odd:
        which = "one that the config has not" if odd[0] in held else "none"
        raise UserError(f"{path}: the weights do not fit the config, of {start}{odd[0]} {which}")
    names = [name for name in expected if name not in lacking]
    for name in names:
        tensor, there = expected[name], file.get_slice(start + name)
        found = f"{there.get_dtype()} {there.get_shape()}"
        kinds = FLOATS if tensor.is_floating_point() else {KIND.get(tensor.dtype, "")}
        if there.get_shape() != list(tensor.shape) or there.get_dtype() not in kinds:
            wanted = f"{' or '.join(sorted(kinds))} {list(tensor.shape)}"
            raise UserError(
                f"{path}: the weights do not fit the config, {start}{name}: found {found}, expected"
                f" {wanted}"
            )
    return names


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file, expected a model in safetensors format")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, json.JSONDecodeError, RecursionError) as error:
        raise UserError(
            f"{path}: not a whole safetensors file ({error}); pickled models are never opened"
        ) from None


def _metadata(file: Any) -> dict[str, Any]:
    metadata = json.loads((file.metadata() or {}).get(METADATA, "{}"))
    return metadata if isinstance(metadata, dict) else {}


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under a prefix, with it removed."""
    start = prefix + "."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors, named by parameter number."""
    return {
        f"{index}.{name}": value
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def restore_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Undo `optimiser_tensors`; groups keep the settings they were built with.

    A moment takes the memory layout of its parameter, because fused optimisers walk both in the
    order of memory.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Put weights into a model. Raises UserError where names or shapes do not fit."""
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(f"{path}: the weights do not fit the config ({error})") from None


class Checkpoints:
    """The training state of a run, in files named by the images seen."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def save(self, tensors: Mapping[str, Tensor], counters: Mapping[str, Any]) -> None:
        """Write the state after counters["images_seen"] images; keep the KEPT newest files."""
        name = f"{counters['images_seen']:012d}.safetensors"
        save_tensors(self.folder / name, tensors, {"counters": dict(counters)})
        for old in self._files()[:-KEPT]:
            old.unlink()

    def newest(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """(tensors, counters) of the newest readable checkpoint, None where there is none.

        Raises UserError where there are checkpoints and none can be read.
        """
        files = self._files()
        for path in reversed(files):
            try:
                tensors, metadata = load_tensors(path)
                if "counters" not in metadata:
                    raise UserError(f"{path}: no checkpoint of a training, it counts no images")
            except UserError:
                if path == files[0]:
                    raise
                continue  # a damaged file: the one before is whole
            return tensors, metadata["counters"]
        return None

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.safetensors"))  # others lie here too
