"""The pace of a training is that of its steps once it has settled."""

import pytest
import torch

from galddpm.training.needs import MEASURED, SETTLED, Pace


def test_the_first_steps_do_not_count():
    """Twenty in which kernels are compiled, then faster ones."""
    now = [0.0]
    pace = Pace(torch.device("cpu"), clock=lambda: now[0])
    found = []
    for step in range(1, 3 * MEASURED):
        now[0] += 1.4 if step <= SETTLED else 0.1
        found.append(pace.step())
    (place,) = (k for k, value in enumerate(found) if value is not None)
    assert place == MEASURED - 1
    assert found[place] == pytest.approx(0.1)


def test_slow_steps_are_told_within_a_minute_or_two():
    now = [0.0]
    pace = Pace(torch.device("cpu"), clock=lambda: now[0])
    found = []
    for _ in range(30):
        now[0] += 12.0
        found.append(pace.step())
    assert [(12 * (k + 1), value) for k, value in enumerate(found) if value] == [(72, 12.0)]
