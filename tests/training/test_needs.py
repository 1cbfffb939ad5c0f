"""The pace of a training is that of its steps once it has settled."""

import torch

from galddpm.training.needs import MEASURED, SETTLED, Pace


def test_the_first_steps_do_not_count():
    """Twenty of a minute each, in which kernels are compiled, then steps of half a second."""
    now = [0.0]
    pace = Pace(torch.device("cpu"), clock=lambda: now[0])
    found = []
    for step in range(1, 3 * MEASURED):
        now[0] += 60.0 if step <= SETTLED else 0.5
        found.append(pace.step())
    assert found.index(0.5) == MEASURED - 1
    assert [value for value in found if value is not None] == [0.5]
