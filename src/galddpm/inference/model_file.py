"""`model.safetensors`: the weights of a run, and all that is needed to use them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from galddpm.config.load import parse_config
from galddpm.config.schema import AnyConfig, Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling
from galddpm.diffusion.light import VERSION
from galddpm.errors import UserError
from galddpm.inference.hub import fetched, is_on_hub
from galddpm.runs import MODEL, called, images_seen, read_config, refuse_unknown, shipped_models
from galddpm.training.checkpoint import (
    WEIGHTS,
    load_into,
    load_tensors,
    prefixed,
    read_metadata,
    require_alike,
    save_tensors,
)

Module = TypeVar("Module", bound=nn.Module)


def model_path(run: str | Path) -> Path:
    """The model file of a run folder, the file itself or, where there is neither, the one that
    comes with galddpm by this name; hf://owner/name is fetched from the hub. Raises UserError for a
    run that has no model yet, and says how far it is."""
    if is_on_hub(run):
        return fetched(str(run))
    path = Path(run)
    if not path.is_dir():
        refuse_unknown(run)
        return path if path.exists() else shipped_models()[str(run)]
    if (path / "config.yaml").exists() and not (path / MODEL).exists():
        images = parse_config(read_config(path), path / "config.yaml").training.images
        raise UserError(
            f"{path}: has no model yet, it has trained on {images_seen(path):,} of {images:,}"
            " images; expected a finished run"
        )
    if not (path / MODEL).exists():  # a folder of that name may hold something else
        return shipped_models().get(str(run), path / MODEL)
    return path / MODEL


def shipped_for(task: str, galaxies: GalaxyFile) -> Path | None:
    """The model of a task that comes with galddpm and was trained on stamps of this shape from
    files that describe themselves as this one does; None where there is none."""
    for path in shipped_models().values():
        model = ModelFile.read(path)
        found = (galaxies.description, galaxies.shape[1:])
        if (model.config.task, model.trained_on, model.stamp) == (task, *found):
            return path
    return None


def model_fingerprint(path: Path) -> str:
    """A hash of all that a model file holds. Raises UserError where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    except OSError:
        raise UserError(f"{path}: no such file, expected a trained model") from None


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds, once checked."""

    path: Path
    config: AnyConfig
    scaling: Scaling
    redshifts: list[float]  # quantiles of those trained on, from the smallest to the largest
    trained_on: str  # what the training file said of itself, "" for nothing

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of a galaxy that it knows."""
        data = self.config.data
        return len(data.bands), data.image_size, data.image_size

    @classmethod
    def read(cls, run: str | Path, task: str | None = None) -> "ModelFile":
        """The model of `model_path`, of a task: "diffusion", "redshift" or, for None, any.

        Raises UserError where there is no model, the file is not one of ours, or of another task.
        """
        path = model_path(run)
        metadata = read_metadata(path)
        missing = {"config", "scaling", "redshifts"} - metadata.keys()
        if missing:
            raise UserError(f"{path}: no galddpm model, its metadata lack {', '.join(missing)}")
        config = parse_config(metadata["config"], path)
        if task and config.task != task:
            raise UserError(f"{called(path)}: found a {config.task} model, expected a {task} model")
        try:
            scaling = Scaling.from_dict(metadata["scaling"])
            if len(scaling.mean) != len(config.data.bands):
                raise ValueError(f"{len(scaling.mean)} bands for {len(config.data.bands)}")
        except (TypeError, KeyError, ValueError) as error:
            raise UserError(f"{path}: scaling: of another version of galddpm ({error})") from None
        if _draws_light(config) and metadata.get("light") != VERSION:
            raise UserError(
                f"{called(path)}: of another version of galddpm, for which light was something"
                " else; train it anew"
            )
        redshifts = metadata["redshifts"]
        if not _rise(redshifts):
            raise UserError(f"{path}: redshifts: found {redshifts!r:.60}, expected rising numbers")
        trained_on = str(metadata.get("trained_on", ""))  # older models lack it
        return cls(path, config, scaling, redshifts, trained_on)

    def made(
        self, make: Callable[[torch.device], Module], device: torch.device, weights: str = "ema"
    ) -> Module:
        """What `make` makes on the device, of the file's config, with the file's weights.

        Whether these are of that config is seen before memory is taken for them. Raises UserError.
        """
        nowhere = torch.device("meta")
        with nowhere:
            require_alike(make(nowhere), self.path, _known(weights))
        return self.fill(make(device), weights)

    def fill(self, model: Module, weights: str = "ema", may_lack: str = "") -> Module:
        """The model with the averaged ("ema") or last ("raw") weights. Raises UserError.

        may_lack: part of the names of weights that stay as they are where the file has them not.
        """
        load_into(model, self.path, _known(weights), may_lack)
        return model.eval()

    def export(self, out: Path) -> None:
        """Write the averaged weights alone, in half precision: a quarter of the bytes."""
        tensors, _ = load_tensors(self.path)
        halves = {k: in_half(t) for k, t in tensors.items() if k.startswith("ema.")}
        known = self.config, self.scaling, self.redshifts, self.trained_on
        save_tensors(out, halves, _metadata(*known))


def _rise(numbers: Any) -> bool:
    """Whether there are numbers, none below the one before it, and all finite."""
    if not isinstance(numbers, list) or not all(type(x) in (int, float) for x in numbers):
        return False
    return len(numbers) > 0 and sorted(numbers) == numbers and bool(np.isfinite(numbers).all())


def _known(weights: str) -> str:
    if weights not in WEIGHTS:
        raise UserError(f"weights: found {weights!r}, expected one of {', '.join(WEIGHTS)}")
    return weights


def in_half(tensor: Tensor) -> Tensor:
    """The tensor in half precision, or as it is where a value is too large for that."""
    half = tensor.half()
    return half if torch.isfinite(half).all() else tensor


def save_model(
    path: Path,
    config: AnyConfig,
    scaling: Scaling,
    redshifts: list[float],
    ema: nn.Module,
    raw: nn.Module,
    trained_on: str = "",
) -> None:
    """Write both weights, and in the metadata all that using them needs."""
    weights = {**prefixed("ema", ema.state_dict()), **prefixed("raw", raw.state_dict())}
    save_tensors(path, weights, _metadata(config, scaling, redshifts, trained_on))


def _metadata(
    config: AnyConfig, scaling: Scaling, redshifts: list[float], trained_on: str
) -> dict[str, Any]:
    known = {
        "config": config.model_dump(),
        "scaling": scaling.to_dict(),
        "redshifts": redshifts,
        "trained_on": trained_on,
    }
    return known | ({"light": VERSION} if _draws_light(config) else {})


def _draws_light(config: AnyConfig) -> bool:
    return isinstance(config, Config) and config.process.prediction == "light"
