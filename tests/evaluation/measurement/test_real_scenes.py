"""The judge on real Hyper Suprime-Cam scenes, cut into stamps around their cataloged sources."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import sep

from galddpm.commands import data, evaluate, sample, train
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.survey import BANDS
from galddpm.evaluation.catalog.measure_file import Measurement, measure
from galddpm.evaluation.measurement.deblending import CONTRAST
from galddpm.evaluation.measurement.detection import KERNEL, PIXELS, THRESHOLD, detect
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.psf_files import SharedPsfs
from galddpm.evaluation.measurement.sersic_columns import SERSIC
from galddpm.evaluation.measurement.stamp import measure_stamps
from galddpm.evaluation.measurement.statmorph_statistics import statmorph_sersic
from helpers.paths import ROOT

DATA = os.environ.get("GALDDPM_TEST_DATA")
SIZE = 64
SCENES = ("hsc_cosmos_35", "hsc_scene_11_sources")
SMALL_RECIPE = ROOT / "configs" / "small.yaml"
SAME_GALAXY = {"hsc_cosmos_35": (1, 4), "hsc_scene_11_sources": (1, 8)}  # rows
pytestmark = pytest.mark.skipif(DATA is None, reason="GALDDPM_TEST_DATA is not set")


def stamps(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Stamps (n, 5, 64, 64) around a scene's sources, and the scene's PSFs.

    Scenes are smaller than the stamps reach, so exact zeros stand outside of them, as in the padded
    files of the survey.
    """
    scene = np.load(Path(DATA) / f"{name}.npz")
    if "centers" in scene:
        centres = [(x, y) for y, x in scene["centers"]]
    else:
        centres = [(round(float(s["x"])), round(float(s["y"]))) for s in scene["catalog"]]
    padded = np.pad(scene["images"], ((0, 0), (SIZE, SIZE), (SIZE, SIZE)))
    half = SIZE // 2
    cut = [padded[:, y + half : y + half + SIZE, x + half : x + half + SIZE] for x, y in centres]
    return np.stack(cut), scene["psfs"] / scene["psfs"].sum(axis=(1, 2), keepdims=True)


@pytest.fixture(scope="module", params=SCENES)
def measured(request, tmp_path_factory):
    image, psfs = stamps(request.param)
    folder = tmp_path_factory.mktemp("scene")
    redshift = np.full(len(image), 0.5)  # not known, and not used in measuring
    write_galaxies(folder / "scene.hdf5", {"image": image, "specz_redshift": redshift}, None)
    psf = SharedPsfs("the scene's", dict(zip(BANDS, psfs.astype(np.float64), strict=True)))
    path, count = folder / "scene.hdf5", len(image)
    work = Measurement(path, BANDS, ("g", "i"), psf, count, statmorph=count)
    return request.param, measure(work, GalaxyFile(path), folder / "catalog.fits", {})


def test_every_cataloged_source_is_found(measured):
    _, catalog = measured
    assert set(catalog.bands["i"]["status"]) <= {"ok", "edge"}


def test_axes_are_those_of_galaxies_seen_by_the_survey(measured):
    _, catalog = measured
    table = catalog.bands["i"]
    assert ((table["semiminor_axis"] > 0.8) & (table["semimajor_axis"] < 11)).all()
    assert ((table["ellipticity"] >= 0) & (table["ellipticity"] < 0.6)).all()
    assert (table["half_light_radius"] > 1.5).all()
    # most sources are where the scene's catalog says; the others lie on a brighter neighbour
    near = np.hypot(table["x"] - 32, table["y"] - 32) < 2
    assert near.mean() > 0.5


def test_sources_are_those_of_sextractor(measured):
    """sep is SExtractor's code; it cleans and measures the sky in its own way, so nine in ten."""
    name, catalog = measured
    table = catalog.bands["i"]
    alike = []
    for row, stamp in enumerate(stamps(name)[0][:, BANDS.index("i")].astype(np.float64)):
        found = detect(stamp)
        sources, segments = sep.extract(
            stamp - found.sky, THRESHOLD, err=found.sky_sigma, mask=stamp == 0, minarea=PIXELS,
            filter_kernel=KERNEL, filter_type="conv", deblend_cont=CONTRAST, clean=False,
            segmentation_map=True,
        )  # fmt: skip
        if label := segments[SIZE // 2, SIZE // 2]:
            theirs = sources[label - 1]
            alike.append(np.hypot(theirs["x"] - table["x"][row], theirs["y"] - table["y"][row]) < 2)
    assert len(alike) >= 6
    assert np.mean(alike) > 0.8


def test_noise_is_that_of_the_scene(measured):
    _, catalog = measured
    for band, noise in (("g", 0.013), ("i", 0.021)):
        assert np.median(catalog.bands[band]["sky_sigma"]) == pytest.approx(noise, rel=0.25)


def test_fits_are_believable_or_flagged(measured):
    _, catalog = measured
    table = catalog.bands["i"]
    good = (table["flag_sersic"] & Flag.SERSIC_BAD) == 0
    assert good.sum() >= 4
    assert all(np.isfinite(table[name][good]).all() for name in SERSIC)
    assert (table["sersic_r_eff"][good] < 40).all()


def test_fits_agree_with_statmorph(measured):
    """On the same pixels with the same PSF, where both have a fit; half of the galaxies are cut by
    the scene's edge, which leaves the radius less sure than the shape."""
    name, catalog = measured
    table = catalog.bands["i"]
    image, psfs = stamps(name)
    band = BANDS.index("i")
    ratios = []
    for row, stamp in enumerate(image[:, band].astype(np.float64)):
        found = detect(stamp)
        masks = found.segment, found.others
        psf = psfs[band].astype(np.float64)
        theirs = statmorph_sersic(stamp - found.sky, *masks, found.sky_sigma, psf)
        if table["flag_sersic"][row] == 0 and np.isfinite(theirs["sersic_n"]):
            ratios.append([table[column][row] / theirs[column] for column in SERSIC])
    n, r_eff, ellipticity = np.median(ratios, axis=0)
    assert len(ratios) >= 3
    assert (n, r_eff) == pytest.approx((1, 1), abs=0.4)
    assert ellipticity == pytest.approx(1, abs=0.15)


def test_one_galaxy_in_two_stamps_has_the_same_numbers(measured):
    """Its stamp, and that of a faint neighbour where it is the source nearest to the centre."""
    name, catalog = measured
    own, neighbours = SAME_GALAXY[name]
    table = catalog.bands["i"]
    for column, tolerance in (("flux", 0.05), ("half_light_radius", 0.05), ("sersic_n", 0.3)):
        assert table[column][own] == pytest.approx(table[column][neighbours], rel=tolerance)
    assert table["ellipticity"][own] == pytest.approx(table["ellipticity"][neighbours], abs=0.08)


def test_large_galaxy_is_a_disc_that_fills_its_stamp():
    image, psfs = stamps("hsc_scene_11_sources")
    band = BANDS.index("i")
    stamp = image[:1, band].astype(np.float64)
    (row,) = measure_stamps(stamp, psfs[band].astype(np.float64), [False])
    assert row["status"] == "edge"
    assert row["sersic_n"] == pytest.approx(1, abs=0.3)
    assert row["isophotal_area"] > 2000


@pytest.mark.long
def test_the_three_commands_run_on_real_pixels(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no redshift CNN lies under runs/
    image = np.concatenate([stamps(name)[0] for name in SCENES])
    path, run = tmp_path / "real.hdf5", tmp_path / "run"
    redshift = np.linspace(0.1, 2.0, len(image))  # not known; any will do to run through
    write_galaxies(path, {"image": image, "specz_redshift": redshift}, None)
    data.main(["check", str(path)])
    settings = [f"data.{split}={path}" for split in data.SPLITS]
    settings += ["training.images=32", "training.batch_size=8", "training.log_every=16"]
    settings += ["training.checkpoint_every=16", "training.warm_up=0", "sampling.steps=3"]
    sets = [f"--set={setting}" for setting in settings]
    train.main(["--config", str(SMALL_RECIPE), "--run-dir", str(run), *sets])
    sample.main(["--run", str(run), "--redshifts", str(path), "--out", str(tmp_path / "s.hdf5")])
    generated = GalaxyFile(tmp_path / "s.hdf5")
    assert generated.images(slice(None)).std() < 100 * image.std()  # [count], as the real ones
    files = ["--real", str(path), "--generated", str(tmp_path / "s.hdf5")]
    evaluate.main([*files, "--out", str(tmp_path / "report"), "--statmorph", "2", "--jobs", "1"])
    counts = json.loads((tmp_path / "report" / "report.json").read_text())["counts"]
    assert counts["real"]["detected"] == len(image)
    assert counts["generated"]["total"] == len(image)
