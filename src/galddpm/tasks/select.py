"""The one place where the config's kind of run is looked up."""

import torch

from galddpm.config.schema import AnyConfig, RedshiftConfig
from galddpm.tasks.denoising import Denoising
from galddpm.tasks.distillation import Distillation
from galddpm.tasks.photoz import PhotoZ
from galddpm.tasks.task import Task


def select_task(config: AnyConfig, device: str | torch.device | None = None) -> Task:
    """The task of a config; device: of a teacher, as in `Generator.load`. Raises UserError for a
    mistake that shows without data."""
    if isinstance(config, RedshiftConfig):
        return PhotoZ(config)
    return Distillation(config, device) if config.distillation else Denoising(config)
