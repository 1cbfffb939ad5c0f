"""A small model that draws light, and a small redshift CNN, trained for tests."""

from galddpm.commands import train
from helpers.galaxies import write_simple

SMALL = """
data: {training: galaxies.hdf5, validation: galaxies.hdf5, testing: galaxies.hdf5, image_size: 16}
process: {prediction: light, zero_terminal_snr: true, level_distribution: log_normal}
network: {channels: [8], bottleneck: 8, blocks: 1, attention: [], heads: 2, embedding: 16}
training: {images: 64, batch_size: 8, precision: fp32, log_every: 32, preview_every: null}
sampling: {ending: light, sampler: dpmpp_2m, steps: 4, spacing: karras, batch_size: 4}
"""
SMALL_CNN = """
task: redshift
data: {training: galaxies.hdf5, validation: galaxies.hdf5, testing: galaxies.hdf5, image_size: 16}
network: {channels: [8, 8], features: 8}
training: {images: 64, batch_size: 8, log_every: 32, precision: fp32}
early_stopping: {check_every: 64}
"""


def train_small(folder, run, *more):
    """Train in the folder, in which the caller stands; it keeps galaxies.hdf5 and small.yaml."""
    write_simple(folder / "galaxies.hdf5", 40, size=16)
    (folder / "small.yaml").write_text(SMALL)
    train.main(["--config", "small.yaml", "--run-dir", run, *more])
