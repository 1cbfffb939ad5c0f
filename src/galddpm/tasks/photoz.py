"""Training the judge's redshift CNN, until it no longer gets better on held-out galaxies."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from galddpm import build
from galddpm.config.schema import RedshiftConfig
from galddpm.data.scaling import Scaling
from galddpm.data.stream import GalaxyBatch
from galddpm.evaluation.photoz.cnn import RedshiftCNN, predict, redshift_losses
from galddpm.evaluation.photoz.metrics import hsc_loss, scaled_error
from galddpm.in_parts import in_parts
from galddpm.tasks.task import Task
from galddpm.training.early_stopping import EarlyStopping


class PhotoZ(Task):
    """The task of a redshift config."""

    config: RedshiftConfig

    def __init__(self, config: RedshiftConfig):
        self.config = config
        self.inspect_every = config.early_stopping.check_every

    def make_model(self, scaling: Scaling, device: torch.device) -> RedshiftCNN:
        return build.make_redshift_cnn(self.config, device)

    def losses(
        self, model: RedshiftCNN, batch: GalaxyBatch, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        huber = done < self.config.loss.huber_share
        output = in_parts(model, self.config.training.parts, batch.pixels)
        losses = redshift_losses(output, batch.redshift, huber)
        return losses, {"redshift": batch.redshift}

    def make_inspection(
        self, scaling: Scaling, redshifts: list[float], device: torch.device, run: Path
    ) -> EarlyStopping:
        """Watches the HSC loss of the first galaxies of the validation file."""
        settings = self.config.early_stopping
        galaxies = build.make_galaxy_file(self.config, "validation")
        rows = torch.arange(min(len(galaxies), settings.galaxies))
        blocks = rows.split(self.config.training.batch_size)

        def score(model: nn.Module) -> float:
            assert isinstance(model, RedshiftCNN)
            losses = []
            for block in blocks:
                rows = slice(int(block[0]), int(block[-1]) + 1)
                pixels = torch.from_numpy(scaling.encode(galaxies.images(rows))).to(device)
                estimated = predict(model, pixels)[0].cpu().numpy()
                dz = scaled_error(estimated=estimated, true=galaxies.redshift[rows])
                losses.append(hsc_loss(dz))
            return float(np.concatenate(losses).mean())

        patience = settings.patience * settings.check_every
        return EarlyStopping(score, patience, run / "checkpoints" / "best.safetensors")
