"""Whatever is wrong ends in one line, with every file as it was."""

import pytest

from bad_inputs.trial import try_all


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # which commands show as lines, and are not under test
def test_150_wrong_inputs():
    tried, faults = try_all(150, seed=0)
    assert faults == []
    assert tried.total() == 150
    assert len(tried) == 6
