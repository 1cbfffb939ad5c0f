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
    """The commit of the source tree; None where the package is installed without one, perhaps
    within somebody else's repository."""
    here = Path(__file__)
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        return _git(here.parent, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
