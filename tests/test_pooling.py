"""Means over the pixels around each pixel."""

import torch

from galddpm.pooling import mean_over


def test_means_at_the_edge_are_of_what_is_inside():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert mean_over(x, 3)[0, 0, 0, 0] == (0 + 1 + 4 + 5) / 4
    assert mean_over(x, 3)[0, 0, 1, 1] == x[0, 0, :3, :3].mean()
    assert mean_over(x, 1) is x


def test_means_are_those_of_one_sum_over_the_square():
    x = torch.randn(2, 3, 20, 17, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.avg_pool2d(x, 7, 1, 3, count_include_pad=False)
    torch.testing.assert_close(mean_over(x, 7), expected)
