"""The face of the package."""

import subprocess
import sys

HEAVY = ("torch", "matplotlib", "scipy", "astropy", "h5py", "pydantic")


def test_importing_the_package_loads_nothing_heavy():
    program = f"import sys, galddpm; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
