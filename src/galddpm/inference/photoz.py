"""A trained redshift CNN: images in, redshifts out."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from galddpm import build
from galddpm.arrays import Array, Floats
from galddpm.config.schema import RedshiftConfig
from galddpm.data.scaling import Scaling
from galddpm.devices import select_device
from galddpm.errors import UserError
from galddpm.evaluation.photoz.cnn import RedshiftCNN, predict
from galddpm.inference.model_file import ModelFile, model_fingerprint


class Estimator:
    """Redshifts, their errors and features of galaxies with flux in counts at zero point 27."""

    def __init__(
        self, scaling: Scaling, model: RedshiftCNN, shape: tuple[int, int, int], fingerprint: str
    ):
        self.scaling, self.model, self.shape = scaling, model, shape
        self.fingerprint = fingerprint  # of the model file
        self.device = next(model.parameters()).device

    @classmethod
    def load(cls, run: str | Path, device: str | torch.device | None = None) -> "Estimator":
        """The estimator of a run folder or a model file.

        device: "cpu", "cuda", "cuda:1", ...; None: CUDA where it is there. Raises UserError where
        there is no model, or not that device.
        """
        file = ModelFile.read(run, "redshift")
        assert isinstance(file.config, RedshiftConfig)  # of a redshift model
        model = file.made(partial(build.make_redshift_cnn, file.config), select_device(device))
        side = file.config.data.image_size
        fingerprint = model_fingerprint(file.path)
        return cls(file.scaling, model, (len(file.config.data.bands), side, side), fingerprint)

    def __call__(self, flux: Floats) -> dict[str, Array]:
        """`z_phot`, `z_phot_error` (B,) and `features` (B, F) of images (B, C, H, W) [count].

        A galaxy with a pixel that is not finite gets NaN. Raises UserError for other shapes than
        those trained on.
        """
        if flux.shape[1:] != self.shape:
            raise UserError(
                f"the redshift CNN was trained on {self.shape} (bands, rows, columns), found"
                f" {flux.shape[1:]}"
            )
        good = np.asarray(np.isfinite(flux).all(axis=(1, 2, 3)))
        pixels = self.scaling.encode(np.where(good[:, None, None, None], flux, 0.0))
        found = predict(self.model, torch.from_numpy(pixels).to(self.device))
        columns = dict(zip(("z_phot", "z_phot_error", "features"), found, strict=True))
        values = {name: value.cpu().double().numpy() for name, value in columns.items()}
        for value in values.values():
            value[~good] = np.nan
        return values
