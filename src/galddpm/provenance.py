"""What a result came from: versions, commit, and what the caller adds."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("galddpm", "torch", "numpy", "h5py", "photutils", "statmorph", "astropy")


def provenance(**more: Any) -> dict[str, Any]:
    """Versions of what computes a result, the commit where known, and what the caller adds."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "commit": _commit(), **more}


def _commit() -> str | None:
    """The commit of the source tree; None for an installed package without one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
