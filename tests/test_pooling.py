"""Means over the pixels around each pixel."""

import torch

from galddpm.pooling import mean_over


def test_means_at_the_edge_are_of_what_is_inside():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert mean_over(x, 3)[0, 0, 0, 0] == (0 + 1 + 4 + 5) / 4
    assert mean_over(x, 3)[0, 0, 1, 1] == x[0, 0, :3, :3].mean()
    assert mean_over(x, 1) is x
