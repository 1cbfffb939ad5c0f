"""The eight symmetries of the square."""

import torch

from galddpm.data.symmetries import SYMMETRIES, all_turns, turned


def test_the_eight_are_all_different_and_hold_the_same_pixels():
    turns = all_turns(torch.arange(9.0).reshape(1, 1, 3, 3))
    assert len({tuple(turn.flatten().tolist()) for turn in turns}) == SYMMETRIES
    assert all(turn.sort().values.sum() == 36 for turn in turns)
    corners = {tuple(turn[0, 0, [0, 0, 2, 2], [0, 2, 2, 0]].tolist()) for turn in turns}
    assert corners == {
        (0, 2, 8, 6), (2, 8, 6, 0), (8, 6, 0, 2), (6, 0, 2, 8),
        (2, 0, 6, 8), (0, 6, 8, 2), (6, 8, 2, 0), (8, 2, 0, 6),
    }  # fmt: skip


def test_each_image_is_turned_as_it_is_told():
    image = torch.arange(18.0).reshape(1, 2, 3, 3).expand(SYMMETRIES, -1, -1, -1)
    found = turned(image, torch.arange(SYMMETRIES))
    for one, expected in zip(found, all_turns(image[0]), strict=True):
        torch.testing.assert_close(one, expected)
