"""Mock files in exactly the GalaxiesML schema, with the truth beside them."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from galddpm.arrays import Array, Floats
from galddpm.data.chunked_output import ChunkedOutput
from galddpm.data.survey import BANDS, ELECTRONS_PER_COUNT, ZERO_POINT
from galddpm.errors import UserError, not_installed
from galddpm.mock.defects import draw_defects
from galddpm.mock.draw import Scene, draw_scene, light_without_noise
from galddpm.mock.measure import COLUMNS, measure_band
from galddpm.mock.noise import add_noise
from galddpm.mock.psf import SIDE, draw_psfs
from galddpm.workers import results, worker_pool

SPLITS = ("training", "validation", "testing")
TITLES = {  # what reports call the galaxies of a file
    "training": "mock training",
    "validation": "mock validation",
    "testing": "held-out mock",
}
STAMP = 127  # pixels drawn and measured
SIDES = (64, 127)  # pixels kept, as in the two forms of the published files
NEAR = (10.0, 25.0)  # [pix], i [mag]: sources that the truth counts as near, within 20 x 20 pixels
CHUNK = 16  # galaxies a process makes at a time; what an interrupt waits for
FIRST_ID = 36_400_000_000_000_001  # 17 digits, above 2^53, as HSC object ids are
SKY_CENTRE = (150.0, 2.2)  # [deg] of the field
COLUMN_BYTES = 2000  # of a galaxy in the file, beside its images
DESCRIPTION = "mock galaxies of galddpm, drawn with GalSim (Rowe et al. 2015, arXiv:1407.7676)"
VERSION = 5  # of the mock universe: raise it when the same seed gives other files


@dataclass(frozen=True)
class MockSettings:
    """What a mock file holds, beside its number of galaxies."""

    seed: int = 0
    pixels: int = 64  # side of the stamps kept, of `SIDES`
    defects: bool = True  # those of a survey; see defects.py
    light: bool = False  # images without noise and defects in the truth file


def make_mock(
    folder: Path,
    counts: Mapping[str, int],
    settings: MockSettings = MockSettings(),
    jobs: int = 1,
    overwrite: bool = False,
    progress: Callable[..., Any] | None = None,
) -> list[Path]:
    """Write `5x64x64_SPLIT_with_morphology.hdf5` and `5x64x64_SPLIT_truth.hdf5` for each split.

    Each galaxy depends on (seed, split, row) alone, so the number of processes changes nothing. A
    killed run is continued. Returns the catalog files. Raises UserError for an unknown split, a
    missing library, another size than `SIDES`, a count below 1, or files in the way.
    """
    _require_libraries()
    if settings.pixels not in SIDES:
        raise UserError(f"mock: found {settings.pixels} pixels, expected one of {SIDES}")
    unknown = set(counts) - set(SPLITS)
    if unknown:
        raise UserError(f"mock: found split {unknown.pop()!r}, expected some of {SPLITS}")
    for split, count in counts.items():
        if count < 1:
            raise UserError(f"mock: {split}: found {count} galaxies, expected at least 1")
    paths = []
    with worker_pool(jobs) as pool:
        for split, count in counts.items():
            prefix = Path(folder) / f"{len(BANDS)}x{settings.pixels}x{settings.pixels}_{split}"
            path = prefix.with_name(prefix.name + "_with_morphology.hdf5")
            truth = prefix.with_name(prefix.name + "_truth.hdf5")
            make = partial(make_rows, settings, split)
            arguments = {"mock": VERSION, "split": split, "count": count, **asdict(settings)}
            _make_split(path, truth, arguments, make, pool, overwrite, progress or _silent)
            paths.append(path)
    return paths


def _make_split(
    path: Path,
    truth: Path,
    arguments: dict[str, Any],
    make: Callable[[range], tuple[dict[str, Array], dict[str, Array]]],
    pool: Executor | None,
    overwrite: bool,
    progress: Callable[..., Any],
) -> None:
    count = arguments["count"]
    catalog = ChunkedOutput(path, arguments | {"truth": False}, count, CHUNK, overwrite)
    true = ChunkedOutput(truth, arguments | {"truth": True}, count, CHUNK, overwrite)
    with catalog, true:
        unfinished = [(k, parts) for k, parts in enumerate((catalog, true)) if not parts.finished]
        if unfinished:
            pixels = 4 * len(BANDS) * (arguments["pixels"] ** 2 + SIDE**2)
            unfinished[0][1].require_space(pixels + COLUMN_BYTES)
        missing = {rows for _, parts in unfinished for rows in parts.missing()}
        chunks = sorted(missing, key=lambda rows: rows.start)
        left, name = sum(map(len, chunks)), f"mock {arguments['split']}"
        with progress(total=left, desc=name, unit="galaxy") as bar:
            for rows, made in results(pool, make, chunks):
                for side, parts in unfinished:
                    parts.save(rows, made[side])
                bar.update(len(rows))
        for _, parts in unfinished:
            parts.join({"title": TITLES[arguments["split"]], "description": DESCRIPTION})


def make_rows(
    settings: MockSettings, split: str, rows: range
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Columns of the catalog and of the truth, for some rows of a split."""
    made = [_make_galaxy(settings, split, row) for row in rows]
    catalog, truth = (
        {name: np.array([columns[name] for columns in side]) for name in side[0]}
        for side in zip(*made, strict=True)
    )
    return catalog, truth


def _make_galaxy(
    settings: MockSettings, split: str, row: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng([settings.seed, SPLITS.index(split), row])
    scene, psfs = draw_scene(rng, STAMP), draw_psfs(rng)
    light = light_without_noise(scene, psfs, STAMP)
    stamp = add_noise(light, rng)
    spoilt = draw_defects(stamp, light, scene.around.stars, rng) if settings.defects else ""
    columns = {
        "image": _cut(stamp, settings.pixels),
        "psf": psfs.planes(),
        **_identity(rng, scene.central.redshift, settings.seed, split, row),
        **_measured(rng, stamp, scene.central.flux),
    }
    truth = {"object_id": columns["object_id"], **_truth(scene), "defects": spoilt.encode()}
    return columns, truth | ({"light": _cut(light, settings.pixels)} if settings.light else {})


def _cut(stamp: Floats, pixels: int) -> Floats:
    """The middle of a stamp (5, 127, 127): pixel `pixels // 2` is the centre."""
    start = STAMP // 2 - pixels // 2
    return np.ascontiguousarray(stamp[:, start : start + pixels, start : start + pixels])


def _measured(rng: np.random.Generator, stamp: Floats, light: Floats) -> dict[str, float]:
    """Morphology and magnitudes by band; light: (5,) of the galaxy alone [count]."""
    columns: dict[str, float] = {}
    for band, image, flux in zip(BANDS, stamp, light, strict=True):
        measured = measure_band(np.ascontiguousarray(image), ELECTRONS_PER_COUNT[band])
        columns |= {f"{band}_{name}": measured[name] for name in COLUMNS}
        error = 0.01 + 0.02 * np.sqrt(1 / max(flux, 1e-3))
        magnitude = ZERO_POINT - 2.5 * np.log10(max(flux, 1e-3)) + rng.normal(0, error)
        columns |= {f"{band}_cmodel_mag": magnitude, f"{band}_cmodel_magsigma": error}
    return columns | {"specz_mag_i": columns["i_cmodel_mag"]}


def _truth(scene: Scene) -> dict[str, Any]:
    galaxy, around = scene.central, scene.around
    return {
        "redshift": galaxy.redshift,
        "kind": galaxy.kind,  # 0 early, 1 spiral, 2 quasar in its host, 3 irregular
        "template": galaxy.template,
        "flux": galaxy.flux,
        "r_eff": galaxy.r_eff,
        "axis_ratio": galaxy.axis_ratio,
        "angle": galaxy.angle,
        "bulge_share": galaxy.bulge_share,
        "sersic_n": galaxy.sersic_n,
        "log_mass": galaxy.log_mass,
        "merger": galaxy.merger,
        "arms": galaxy.discs[0].arms if galaxy.discs else 0,
        "neighbours": len(around.galaxies) + len(around.faint),
        "near": around.near(*NEAR),
        "stars": len(around.stars),
    }


def _identity(
    rng: np.random.Generator, redshift: float, seed: int, split: str, row: int
) -> dict[str, Any]:
    """Names and places. Ids are dense, so that float64 cannot tell neighbours apart."""
    object_id = FIRST_ID + 10**8 * SPLITS.index(split) + 10**10 * (seed % 100) + row
    ra, dec = SKY_CENTRE + rng.uniform(-1, 1, 2)
    x, y = rng.uniform(0, 4000, 2)
    return {
        "object_id": np.int64(object_id),
        "specz_redshift": np.float32(redshift),
        "specz_redshift_err": np.float32(abs(rng.normal(0, 3e-4)) * (1 + redshift) + 1e-5),
        "specz_name": f"MOCK-{object_id}".encode(),
        "specz_flag_homogeneous": True,
        "coord": f"({ra:.6f}, {dec:.6f})".encode(),
        "ra": ra,
        "dec": dec,
        "specz_ra": ra + rng.normal(0, 3e-5),
        "specz_dec": dec + rng.normal(0, 3e-5),
        "skymap_id": np.int64(98_130_000 + row % 81),
        "x_coord": x,
        "y_coord": y,
        # two columns each, which merging the bands' tables left in the published files
        **{name: np.array([x, x]) for name in ("x_coord_x", "x_coord_y")},
        **{name: np.array([y, y]) for name in ("y_coord_x", "y_coord_y")},
    }


def _require_libraries() -> None:
    try:
        import galsim  # noqa: F401
        import sep  # noqa: F401
        import speclite  # noqa: F401
    except ImportError as error:
        raise not_installed(error.name or "a library", "mock") from None


class _silent:
    """A progress bar that shows nothing."""

    def __init__(self, **settings: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def update(self, count: int) -> None:
        pass
