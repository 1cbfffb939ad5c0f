"""Galaxy images from a redshift: diffusion on GalaxiesML, judged as an astronomer would.

Importing the package loads nothing heavy; `load` brings in torch when it is called.
"""

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def load(run, weights="ema"):
    """The trained generator of a run folder; see `galddpm.generator.Generator`."""
    from galddpm.generator import Generator

    return Generator.load(run, weights=weights)
