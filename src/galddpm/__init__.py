"""Galaxy images from a redshift: diffusion on GalaxiesML, judged as an astronomer would.

Importing the package loads nothing heavy; `load` brings in torch when it is called.
"""

from galddpm._version import __version__

__all__ = ["__version__", "load"]


def load(run, weights="ema"):
    """The trained generator of a run folder; see `galddpm.inference.generator.Generator`."""
    from galddpm.inference.generator import Generator

    return Generator.load(run, weights=weights)
