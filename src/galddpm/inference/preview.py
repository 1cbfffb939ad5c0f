"""Pictures of what a model makes while it trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from galddpm.arrays import Floats
from galddpm.config.schema import Config
from galddpm.data.colour import rgb
from galddpm.data.scaling import Scaling
from galddpm.inference.generator import Generator

COUNT = 8  # galaxies in a preview


@dataclass(frozen=True)
class Previewer:
    """Draws galaxies of the averaged weights, always of the same noise and redshifts."""

    config: Config
    scaling: Scaling
    redshifts: list[float]  # quantiles of those trained on
    run: Path

    def __call__(self, model: nn.Module, images_seen: int) -> None:
        redshift = np.linspace(self.redshifts[0], self.redshifts[-1], COUNT)
        generator = Generator(self.config, self.scaling, model, self.redshifts)
        image = generator.draw(redshift, 0, range(COUNT))
        path = self.run / "previews" / f"{images_seen:012d}.png"
        path.parent.mkdir(exist_ok=True)
        draw_galaxies(image, redshift, self.config.data.bands, path)

    def exhausted(self, images_seen: int) -> bool:
        """Never: pictures end no run."""
        return False

    def chosen(self, model: nn.Module) -> nn.Module:
        """The model as it is in the end."""
        return model

    def summary(self) -> dict[str, Any]:
        """Nothing: the pictures are there to be looked at."""
        return {}


def draw_galaxies(image: Floats, redshift: Floats, bands: list[str], path: Path) -> None:
    """A row of galaxies (n, C, H, W) [count] in colour, with their redshifts, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.35 * len(image), 1.7), layout="constrained")
    axes = figure.subplots(1, len(image), squeeze=False)[0]
    for axis, stamp, z in zip(axes, image, redshift, strict=True):
        axis.imshow(rgb(stamp, bands=bands), origin="lower", interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"z = {z:.2f}", fontsize=9)
    figure.savefig(path, dpi=120)
