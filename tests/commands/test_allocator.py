"""Freed memory stays with the process."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from galddpm.commands.allocator import keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "keep":
    keep_freed_memory()
before = resident()
block = np.ones(2**27, dtype=np.uint8)
del block
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
@pytest.mark.parametrize(("mode", "kept"), [("keep", True), ("default", False)])
def test_a_freed_block_is_kept(mode, kept):
    program = [sys.executable, "-c", PROGRAM, mode]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 2**26) == kept
