"""Training the judge's redshift CNN, until it no longer gets better on held-out galaxies."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from galddpm import build
from galddpm.config.schema import RedshiftConfig
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling
from galddpm.data.stream import BatchStream, GalaxyBatch
from galddpm.evaluation.photoz.cnn import RedshiftCNN, predict, redshift_losses
from galddpm.evaluation.photoz.metrics import hsc_loss, scaled_error
from galddpm.training.early_stopping import EarlyStopping


class PhotoZ:
    """The task of a redshift config."""

    def __init__(self, config: RedshiftConfig):
        self.config = config
        self.inspect_every: int | None = config.early_stopping.check_every
        self.provenance: Mapping[str, str] = {}

    def make_scaling(self, galaxies: GalaxyFile) -> Scaling:
        return build.make_scaling(self.config, galaxies)

    def make_model(self, scaling: Scaling, device: torch.device) -> RedshiftCNN:
        return build.make_redshift_cnn(self.config, device)

    def make_batches(
        self,
        galaxies: GalaxyFile,
        scaling: Scaling,
        device: torch.device,
        run: Path,
        progress: Callable[..., Any],
    ) -> BatchStream:
        return build.make_stream(self.config, galaxies, scaling, device, run, progress)

    def losses(
        self, model: RedshiftCNN, batch: GalaxyBatch, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        huber = done < self.config.loss.huber_share
        losses = redshift_losses(model(batch.pixels), batch.redshift, huber)
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
