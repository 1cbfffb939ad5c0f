"""Galaxy images from a redshift: diffusion on GalaxiesML, judged as an astronomer would.

>>> flux = galddpm.load("runs/quickstart").sample([0.1, 0.5, 1.2], seed=3)  # (3, 5, 64, 64) counts

Importing the package loads NumPy alone; `load` brings in torch when it is called.
"""

from typing import TYPE_CHECKING

from galddpm._version import __version__
from galddpm.data.colour import rgb
from galddpm.data.galsim_images import to_galsim
from galddpm.data.magnitudes import magnitudes

if TYPE_CHECKING:
    from pathlib import Path

    from galddpm.inference.generator import Generator

__all__ = ["__version__", "load", "magnitudes", "rgb", "to_galsim"]


def load(run: "str | Path", weights: str = "ema", device: str | None = None) -> "Generator":
    """The trained generator of a run folder, a model file, "mock", which comes with galddpm, or
    hf://owner/name; see `galddpm.inference.generator.Generator`.

    device: "cpu", "cuda", "cuda:1", ...; None: CUDA where it is there.
    """
    from galddpm.inference.generator import Generator

    return Generator.load(run, weights=weights, device=device)
