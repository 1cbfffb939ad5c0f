"""Vectors of a whole file, a block at a time."""

import numpy as np
import torch

from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.statistics import images
from galddpm.evaluation.statistics.memorisation import vectors
from helpers.galaxies import write_simple


def test_blocks_of_a_file_are_its_galaxies_in_order(tmp_path, monkeypatch):
    galaxies = GalaxyFile(write_simple(tmp_path / "training.hdf5", 11, size=16))
    noise = np.linspace(0.1, 0.5, 5)
    monkeypatch.setattr(images, "BLOCK", 4)
    found = images.training_vectors(galaxies, noise)
    assert found.shape == (11, 5, 4, 4)
    torch.testing.assert_close(found, vectors(galaxies.images(slice(None)), noise))
