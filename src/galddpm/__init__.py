"""Galaxy images from a redshift: diffusion on GalaxiesML, judged as an astronomer would.

Importing the package loads nothing heavy; `load` brings in torch when it is called.
"""

from typing import TYPE_CHECKING

from galddpm._version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from galddpm.inference.generator import Generator

__all__ = ["__version__", "load"]


def load(run: "str | Path", weights: str = "ema", device: str | None = None) -> "Generator":
    """The trained generator of a run folder; see `galddpm.inference.generator.Generator`.

    device: "cpu", "cuda", "cuda:1", ...; None: CUDA where it is there.
    """
    from galddpm.inference.generator import Generator

    return Generator.load(run, weights=weights, device=device)
