"""The picture of `galddpm data picture`: galaxies of several files, one above the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from galddpm.evaluation.report.stamps import DPI, nearest, spread, stamps_in_rows


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
    titles = [file.title or path.stem for file, path in zip(files, paths, strict=True)]
    names = titles if len(set(titles)) == len(titles) else [path.stem for path in paths]
    figure = stamps_in_rows(stamps, redshift, BANDS[: files[0].shape[1]], names)
    figure.savefig(out, dpi=DPI, format="png")
    return len(wanted)
