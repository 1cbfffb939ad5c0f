"""The picture of `galddpm data picture`: galaxies of several files, one above the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galddpm.data.galaxiesml import GalaxyFile, shared_bands
from galddpm.errors import UserError
from galddpm.evaluation.report.stamps import DPI, nearest, spread, stamps_in_rows
from galddpm.files import written_whole

LONGEST = 26  # letters of a name above a stamp


def draw_picture(paths: Sequence[Path], count: int, out: Path) -> int:
    """Write a PNG of `count` galaxies of the first file, or of all that it has, above those of the
    others that are nearest in redshift; how many these are of each. Raises UserError for stamps of
    different shapes and for a name that is not a PNG's."""
    if out.suffix != ".png":
        raise UserError(f"{out}: found the suffix {out.suffix!r}, expected .png")
    files = [GalaxyFile(path) for path in paths]
    for file in files[1:]:
        if file.shape[1:] != files[0].shape[1:]:
            raise UserError(
                f"{file.path}: image: found stamps of {file.shape[1:]}, in {paths[0]} of"
                f" {files[0].shape[1:]}; they do not go into one picture"
            )
    first = files[0].redshift
    wanted = first[spread(first, count)]
    rows = [nearest(file.redshift, wanted) for file in files]
    redshift = np.stack([file.redshift[k] for file, k in zip(files, rows, strict=True)])
    stamps = [file.images(k) for file, k in zip(files, rows, strict=True)]
    figure = stamps_in_rows(stamps, redshift, shared_bands(files), names_of(files))
    with written_whole(out) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")
    return len(wanted)


def names_of(files: Sequence[GalaxyFile]) -> list[str]:
    """What each file says it holds where no other says the same, else its own name, in short."""
    titles = [file.title for file in files]
    names = [
        file.title if file.title and titles.count(file.title) == 1 else Path(file.path).stem
        for file in files
    ]
    started = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    ended = [name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}" for name in names]
    return started if len(set(started)) == len(set(names)) else ended  # what tells them apart
