"""`evaluate.py` from two files to a report: what is written, continued, refused and counted."""

import contextlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import Table

from galddpm.commands.evaluate import main
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.errors import UserError
from galddpm.evaluation import pipeline
from galddpm.evaluation.catalog.cluster import dask_pool
from galddpm.evaluation.catalog.measure_file import Measurement, measure
from galddpm.evaluation.catalog.side import Side
from galddpm.evaluation.catalog.table import recorded_arguments
from galddpm.evaluation.measurement.flags import Flag
from galddpm.evaluation.measurement.psf_files import survey_psfs
from galddpm.evaluation.pipeline import names_of
from galddpm.evaluation.report.gallery import remove_others
from galddpm.inference.model_file import model_path
from galddpm.locks import locked_folder
from galddpm.mock.catalog import DESCRIPTION
from galddpm.workers import worker_pool
from helpers.galaxies import simple_galaxies, write_simple

COUNT, FITTED = 114, 6
BROKEN = 3  # row of the generated file with a NaN
COLUMNS = {  # the least that a catalog holds
    "row",
    "object_id",
    "redshift",
    "status",
    "flag",
    "flag_sersic",
    "x",
    "y",
    "flux",
    "snr",
    "sky_sigma",
    "ellipticity",
    "semimajor_axis",
    "semiminor_axis",
    "isophotal_area",
    "half_light_radius",
    "sersic_n",
    "sersic_r_eff",
    "sersic_ellipticity",
    "gini",
    "m20",
    "concentration",
    "asymmetry",
    "z_phot",
}


@pytest.fixture(autouse=True)
def stand_elsewhere(tmp_path, monkeypatch):
    """Runs that lie where the tests are started from are nobody's business."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A real file, a generated one with the same redshifts, and their report."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_simple(folder / "real.hdf5", COUNT, seed=1)
    generated = simple_galaxies(COUNT, seed=1)
    generated["image"] = 0.8 * generated["image"] + simple_noise(generated["image"].shape)
    generated["image"][BROKEN, 2, 10, 10] = np.nan
    write_galaxies(folder / "generated.hdf5", generated, None)
    with contextlib.chdir(folder):
        main(arguments(folder))
    return folder


def simple_noise(shape) -> np.ndarray:
    return 0.05 * np.random.default_rng(5).standard_normal(shape).astype(np.float32)


def arguments(folder, *more, out="report", statmorph=FITTED) -> list[str]:
    given = {"real": "real.hdf5", "generated": "generated.hdf5", "out": out}
    paths = [part for name, file in given.items() for part in (f"--{name}", str(folder / file))]
    return [*paths, "--statmorph", str(statmorph), "--jobs", "1", *more]


def read_report(folder, out="report") -> dict:
    def refuse(text):
        raise AssertionError(f"{text} is not JSON")

    return json.loads((folder / out / "report.json").read_text(), parse_constant=refuse)


def read_table(folder, side, band="i", out="report") -> Table:
    path = folder / out / f"catalog_{side}.fits"
    return Table.read(path, hdu=band, mask_invalid=False)


@pytest.fixture
def no_figures(monkeypatch):
    """Figures take most of a small evaluation; those of `folder` are looked at."""
    monkeypatch.setattr("galddpm.evaluation.report.gallery.draw_figures", lambda *report: {})


def test_everything_is_written(folder):
    names = {path.name for path in (folder / "report").iterdir()}
    figures = {"stamps", "distances", "histograms", "histograms_light", "means_by_redshift"}
    figures |= {"colours_by_redshift", "carriers", "least_convincing", "most_convincing"}
    figures |= {"cosmic_time"}
    expected = {f"{name}.{kind}" for name in figures for kind in ("png", "pdf")}
    expected |= {
        "report.json",
        "report.html",
        "power.json",
        "catalog_real.fits",
        "catalog_generated.fits",
    }
    assert names == expected


def test_catalog_has_one_row_a_galaxy_with_units(folder):
    table = read_table(folder, "real")
    assert len(table) == COUNT
    assert set(table.colnames) >= COLUMNS
    units = {name: str(table[name].unit) for name in ("semimajor_axis", "isophotal_area", "flux")}
    assert units == {"semimajor_axis": "pix", "isophotal_area": "pix2", "flux": "ct"}
    np.testing.assert_array_equal(table["row"], np.arange(COUNT))
    ids = GalaxyFile(folder / "real.hdf5").object_id
    assert table["object_id"].dtype.kind == "i"
    np.testing.assert_array_equal(table["object_id"], ids)
    assert (np.abs(ids) > 2**53).all()


def test_values_are_nan_only_with_a_flag(folder):
    table = read_table(folder, "generated")
    selected = (table["flag"] & Flag.NOT_SELECTED) == 0
    assert selected.sum() == FITTED
    assert np.isnan(table["statmorph_gini"][~selected]).all()
    assert np.isfinite(table["statmorph_gini"][selected & (table["status"] == "ok")]).all()
    formed = (table["flag"] & Flag.STRUCTURE_FAILED) == 0
    assert np.isfinite(table["gini"][formed & (table["status"] == "ok")]).all()
    assert (table["flag"] & Flag.NO_REDSHIFT).all()
    assert np.isnan(table["z_phot"]).all()
    found = np.isin(table["status"].astype(str), ["ok", "edge"])
    assert found.sum() > 100
    for name in ("ellipticity", "sersic_n", "sersic_r_eff_error", "sky_correlation"):
        assert np.isfinite(table[name][found]).all()
    assert np.isnan(table["sersic_n"][~found]).all()
    assert (table["flag_sersic"][~found] > 0).all()


def test_broken_stamp_is_counted_not_refused(folder):
    table = read_table(folder, "generated")
    assert table["status"][BROKEN] == "bad_pixels"
    counts = read_report(folder)["counts"]
    assert counts["generated"]["bad_pixels"] == 1
    assert counts["real"]["bad_pixels"] == 0
    assert counts["generated"]["total"] == counts["real"]["total"] == COUNT


def test_report_says_what_was_done_to_the_images(folder):
    report = read_report(folder)
    assert report["matched"] is False
    assert 0.7 < report["metrics"]["flux"]["mean_ratio"] < 0.9
    assert report["metrics"]["sky_sigma"]["ks"] > report["metrics"]["sky_sigma"]["ks_floor_95"]
    assert report["metrics"]["gini"]["ks"] is not None  # ours, of every galaxy
    assert report["statmorph"]["generated"]["gini"]["n"] <= FITTED
    real, generated = (h5py.File(folder / f"{s}.hdf5")["image"][:] for s in ("real", "generated"))
    kept = np.isfinite(generated[:, 2]).all(axis=(1, 2))
    ratio = np.arcsinh(generated[kept, 2]).mean() / np.arcsinh(real[:, 2]).mean()
    assert report["brightness"]["i"]["asinh_ratio"] == pytest.approx(ratio, rel=1e-4)
    assert set(report["brightness"]) == {"g", "r", "i", "z", "y"}


def test_page_opens_offline(folder):
    text = (folder / "report" / "report.html").read_text()
    assert text.count("data:image/png;base64,") == 10
    assert "http" not in text


def test_finished_report_is_left_alone(folder, capsys):
    before = {path: path.stat().st_mtime_ns for path in (folder / "report").iterdir()}
    main(arguments(folder))
    assert "finished" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "report").iterdir()}


def test_other_arguments_are_refused_and_then_overwrite(folder, tmp_path, no_figures):
    shutil.copytree(folder / "report", tmp_path / "report")
    changed = arguments(folder, "--limit", "40", statmorph=0)
    changed[changed.index("--out") + 1] = str(tmp_path / "report")
    with pytest.raises(UserError, match="overwrite"):
        main(changed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "write_report", None)  # as if it was killed after the measuring
        with pytest.raises(TypeError):
            main([*changed, "--overwrite"])
    assert not (tmp_path / "report" / "report.json").exists()  # beside catalogs that it is not of
    main([*changed, "--overwrite"])
    report = read_report(tmp_path)
    assert report["counts"]["real"]["total"] == 40
    assert report["counts"]["real"]["statmorph_selected"] == 0
    assert report["metrics"]["flux"]["ks"] is None


def test_several_bands_and_other_redshifts(folder, tmp_path, no_figures):
    columns = simple_galaxies(COUNT, seed=2)
    columns["specz_redshift"] = np.repeat([0.4, 0.6, 0.8], COUNT // 3)
    write_galaxies(tmp_path / "fixed.hdf5", columns, None)
    files = ["--real", str(folder / "real.hdf5"), "--generated", str(tmp_path / "fixed.hdf5")]
    more = ["--reference", str(folder / "real.hdf5"), "--band", "r,i", "--statmorph", "0"]
    main([*files, *more, "--jobs", "1", "--limit", "60"])
    report = read_report(tmp_path, "fixed-report")  # beside the generated file
    assert report["matched"] is True
    assert (report["band"], list(report["by_band"])) == ("r", ["i"])
    assert (tmp_path / "fixed-report" / "catalog_reference.fits").exists()
    table = read_table(tmp_path, "real", out="fixed-report")
    assert np.nanmedian(table["sky_sigma"]) == pytest.approx(0.076, rel=0.05)


CHUNK = 16
FEW = 2 * CHUNK + 6  # galaxies; the last chunk is a short one


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("galddpm.evaluation.catalog.measure_file.CHUNK", CHUNK)


def measurement(path, count=FEW, statmorph=2) -> Measurement:
    bands = ("g", "r", "i", "z", "y")
    return Measurement(path, bands, ("i",), survey_psfs(bands), count, statmorph)


def test_interrupted_catalog_goes_on(folder, tmp_path, small_chunks):
    galaxies, work = GalaxyFile(folder / "real.hdf5"), measurement(folder / "real.hdf5")
    whole = tmp_path / "whole.fits"
    measure(work, galaxies, whole, {"a": 1})
    done = []

    def interrupt(count):
        done.append(count)
        if sum(done) >= 2 * CHUNK:
            raise KeyboardInterrupt

    cut = tmp_path / "cut.fits"
    with pytest.raises(KeyboardInterrupt):
        measure(work, galaxies, cut, {"a": 1}, advance=interrupt)
    assert not cut.exists()
    done.clear()
    measure(work, galaxies, cut, {"a": 1}, advance=done.append)
    assert done[0] == 2 * CHUNK  # found done
    assert sum(done) == FEW
    assert cut.read_bytes() == whole.read_bytes()
    assert not cut.with_name("cut.fits.part").exists()


def test_unfinished_catalog_of_other_arguments_is_refused(folder, tmp_path, small_chunks):
    galaxies, work = GalaxyFile(folder / "real.hdf5"), measurement(folder / "real.hdf5")

    def interrupt(count):
        if count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(work, galaxies, tmp_path / "c.fits", {"a": 1}, advance=interrupt)
    with pytest.raises(UserError, match="other arguments"):
        measure(work, galaxies, tmp_path / "c.fits", {"a": 2})


def test_several_processes_measure_the_same(folder, tmp_path, small_chunks):
    galaxies, work = GalaxyFile(folder / "real.hdf5"), measurement(folder / "real.hdf5")
    measure(work, galaxies, tmp_path / "one.fits", {"a": 1})
    with worker_pool(2) as pool:
        measure(work, galaxies, tmp_path / "two.fits", {"a": 1}, pool=pool)
    one, two = (Table.read(tmp_path / f"{name}.fits", hdu=1) for name in ("one", "two"))
    for name in one.colnames:
        np.testing.assert_array_equal(one[name], two[name])
    assert recorded_arguments(tmp_path / "two.fits") == {"a": 1}


def test_statmorph_subset_is_random_fixed_and_of_the_size_asked():
    one, two = (measurement("none", count=500, statmorph=50).selected for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.sum() == 50
    assert one[:250].sum() not in (0, 50)
    assert measurement("none", count=10, statmorph=50).selected.all()


def made_run(root, name, folder):
    """A run with samples, whose test file is the real one."""
    run = root / name
    (run / "samples").mkdir(parents=True)
    shutil.copy(folder / "generated.hdf5", run / "samples" / "new.hdf5")
    with h5py.File(run / "samples" / "new.hdf5", "a") as file:
        file.attrs["provenance"] = json.dumps({"run": str(run)})
    (run / "model.safetensors").touch()
    real = folder / "real.hdf5"
    (run / "config.yaml").write_text(f"task: diffusion\ndata: {{testing: {real}}}\n")
    return run


def test_newest_run_is_judged_without_arguments(folder, tmp_path, capsys, no_figures):
    made_run(tmp_path / "runs", "first", folder)
    report = Path("runs/first/samples/new-report/report.json")
    main(["--jobs", "1", "--limit", "20", "--statmorph", "0"])
    assert json.loads(report.read_text())["counts"]["generated"]["total"] == 20
    took = "run runs/first, generated runs/first/samples/new.hdf5"
    assert capsys.readouterr().err.startswith(
        f"{took}, real {folder / 'real.hdf5'}, no redshift CNN"
    )


@pytest.fixture
def judged(monkeypatch):
    """The real file, the generated one and the folder of each report, of which none is made."""
    calls = []

    def evaluate(real, generated, out, **more):
        calls.append((real.path, generated.path, Path(out)))

    monkeypatch.setattr("galddpm.evaluation.pipeline.evaluate", evaluate)
    return calls


def test_the_report_of_every_sample_file_has_a_folder_of_its_own(folder, tmp_path, judged):
    samples = made_run(tmp_path / "runs", "first", folder) / "samples"
    shutil.copy(samples / "new.hdf5", tmp_path / "alone.hdf5")
    for more in ([], ["--generated", "alone.hdf5"], ["--out", "runs/first/report"]):
        main(more)
    folders = [out for _, _, out in judged]
    assert folders == [
        Path("runs/first/samples/new-report"), Path("alone-report"), Path("runs/first/report")
    ]  # fmt: skip


def test_copies_are_looked_for_in_what_the_model_was_trained_on(folder, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(
        "galddpm.evaluation.pipeline.evaluate", lambda *of, **more: told.append(more["training"])
    )
    run = made_run(tmp_path / "runs", "first", folder)
    training = tmp_path / "training.hdf5"
    config = {"training": str(training), "testing": str(folder / "real.hdf5")}
    (run / "config.yaml").write_text(f"task: diffusion\ndata: {json.dumps(config)}\n")
    training.touch()
    main([])
    training.unlink()
    main([])
    assert told == [training, None]


def test_a_run_may_be_named(folder, tmp_path, judged):
    """Its samples, its test file and the redshift CNNs beside it are then the default."""
    named = made_run(tmp_path / "elsewhere", "older", folder)
    made_run(tmp_path / "runs", "newest", folder)
    main(["--run", str(named)])
    assert judged[0][:2] == (folder / "real.hdf5", named / "samples" / "new.hdf5")
    made_cnn(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="elsewhere/cnn/model.safetensors"):
        main(["--run", str(named)])


def test_samples_are_judged_by_the_test_file_of_their_own_run(folder, tmp_path, judged, capsys):
    run = made_run(tmp_path / "elsewhere", "older", folder)
    newest = made_run(tmp_path / "runs", "newest", folder)
    (newest / "config.yaml").write_text("data: {testing: another.hdf5}\n")
    main(["--generated", str(run / "samples" / "new.hdf5")])
    assert judged[0][0] == folder / "real.hdf5"
    assert capsys.readouterr().err.startswith(f"run {run}, ")


def test_mock_galaxies_are_judged_by_the_cnn_that_comes_along(tmp_path, judged, capsys):
    path = write_simple(tmp_path / "real.hdf5", 2, size=64)
    both = ["--real", str(path), "--generated", str(path)]
    main(both)
    assert "no redshift CNN" in capsys.readouterr().err
    with h5py.File(path, "a") as file:
        file.attrs["description"] = DESCRIPTION
    main(both)
    assert "redshift CNN mock-redshift-cnn" in capsys.readouterr().err


def test_a_redshift_cnn_of_other_stamps_is_passed_over_or_refused(tmp_path, judged, capsys):
    path, run = str(write_simple(tmp_path / "real.hdf5", 2, size=48)), tmp_path / "runs" / "cnn"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("task: redshift\n")
    shutil.copy(model_path("mock-redshift-cnn"), run / "model.safetensors")
    main(["--real", path, "--generated", path])
    said = capsys.readouterr().err
    assert "cnn knows galaxies of (5, 64, 64), and is passed over" in said
    assert "no redshift CNN" in said
    with pytest.raises(UserError, match=r"found galaxies of \(5, 48, 48\), .*cnn knows galaxies"):
        main(["--real", path, "--generated", path, "--redshift-cnn", str(run)])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bands", "r,g,i,z,y", "made.hdf5: bands: found r, g, i, z, y, expected g, r, i, z, y"),
        ("pixel_scale", 0.2, "made.hdf5: pixel_scale: found 0.2 arcsec, expected 0.168"),
    ],
)
def test_sides_of_other_bands_or_pixels_are_refused(tmp_path, name, value, message):
    real, made = (write_simple(tmp_path / f"{side}.hdf5", 2) for side in ("real", "made"))
    with h5py.File(real, "a") as file:
        file.attrs["bands"] = "g,r,i,z,y"
    with h5py.File(made, "a") as file:
        file.attrs[name] = value
    with pytest.raises(UserError, match=message):
        main(["--real", str(real), "--generated", str(made)])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--band", "q"], "'q'"),
        (["--band", "i,"], "''"),
        (["--psf", "none.fits"], "none.fits: no such file"),
        (["--reference", "none.hdf5"], "none.hdf5"),
    ],
)
def test_mistakes_are_named(folder, more, message):
    with pytest.raises(UserError, match=message):
        main(arguments(folder, *more, out="other"))
    assert not (folder / "other").exists()


def test_figures_of_a_report_before_do_not_stay(tmp_path):
    for name in ("redshift.png", "redshift.pdf", "stamps.png", "mine.png"):
        (tmp_path / name).touch()
    remove_others(tmp_path, {"stamps": None})
    assert {path.name for path in tmp_path.iterdir()} == {"stamps.png", "mine.png"}


def test_redshifts_too_far_apart_are_refused_before_anything_is_measured(folder, tmp_path):
    columns = simple_galaxies(20)
    columns["specz_redshift"] = np.linspace(3.5, 3.7, 20).astype(np.float32)
    write_galaxies(tmp_path / "far.hdf5", columns)
    given = ["--real", str(folder / "real.hdf5"), "--generated", str(tmp_path / "far.hdf5")]
    with pytest.raises(UserError, match="found generated galaxies at 3.5 to 3.7 and real ones"):
        main([*given, "--out", str(tmp_path / "report")])
    assert not (tmp_path / "report").exists()


def test_sides_of_one_title_are_named_after_their_files(tmp_path):
    sides = []
    for name, stem in (("real", "teacher"), ("generated", "student")):
        file = GalaxyFile(write_simple(tmp_path / f"{stem}.hdf5", 2))
        file.title = "generated"
        sides.append(Side(name, file, None, {}))
    assert names_of(*sides) == {
        "real": "generated (real: teacher)",
        "generated": "generated (generated: student)",
    }
    sides[0].file.title = "held-out"
    assert names_of(*sides) == {"real": "held-out", "generated": "generated"}


def test_a_wrong_path_is_named_whatever_else_is_wrong(tmp_path):
    """Here there is no run, and the newest redshift CNN cannot be read."""
    made_cnn(tmp_path / "runs")
    with pytest.raises(UserError, match="nothing.hdf5: no such file"):
        main(["--real", "nothing.hdf5", "--generated", "neither.hdf5"])
    for option in ("--run", "--real", "--generated", "--reference", "--redshift-cnn", "--psf"):
        with pytest.raises(UserError, match="^nothing: no such (file|run)"):
            main([option, "nothing"])


def made_cnn(root):
    """A redshift CNN that cannot be read."""
    run = root / "cnn"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("task: redshift\n")
    (run / "model.safetensors").touch()


def test_a_device_that_is_not_there_is_refused(folder):
    with pytest.raises(UserError, match="device: found cuda:99, this machine has cpu"):
        main(arguments(folder, "--device", "cuda:99", out="other"))
    assert not (folder / "other").exists()


def test_files_that_do_not_fit_are_refused(folder, tmp_path):
    write_simple(tmp_path / "small.hdf5", 5, size=32)
    files = ["--real", str(folder / "real.hdf5"), "--generated", str(tmp_path / "small.hdf5")]
    with pytest.raises(UserError, match=r"\(5, 32, 32\)"):
        main(files)
    write_simple(tmp_path / "many.hdf5", 5, bands=6)
    with pytest.raises(UserError, match="6 bands"):
        main(["--real", str(tmp_path / "many.hdf5"), "--generated", str(tmp_path / "many.hdf5")])


def test_a_second_evaluation_in_the_same_folder_is_refused(folder, tmp_path):
    out = tmp_path / "report"
    with locked_folder(out), pytest.raises(UserError, match="report: in use by another process"):
        main(arguments(folder, out=out))


def test_out_that_is_a_file_is_refused(folder):
    with pytest.raises(UserError, match="expected a folder"):
        main(arguments(folder, out="real.hdf5"))


@pytest.mark.parametrize("wrong", [["--jobs", "0"], ["--limit", "x"], ["--statmorph", "-1"]])
def test_wrong_numbers_end_with_status_2(folder, wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments(folder, *wrong))
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_without_a_run_the_mistake_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no finished diffusion run"):
        main([])


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of the cluster's own making
def test_a_cluster_measures_the_same(folder, tmp_path, small_chunks):
    from distributed import LocalCluster

    galaxies, work = GalaxyFile(folder / "real.hdf5"), measurement(folder / "real.hdf5")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, dask_pool(cluster.scheduler_address) as pool:
        measure(work, galaxies, tmp_path / "cluster.fits", {"a": 1}, pool=pool)
    measure(work, galaxies, tmp_path / "one.fits", {"a": 1})
    assert (tmp_path / "cluster.fits").read_bytes() == (tmp_path / "one.fits").read_bytes()


def test_a_scheduler_that_does_not_answer_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("galddpm.evaluation.catalog.cluster.PATIENCE", "1s")
    with pytest.raises(UserError, match="no scheduler answers"):
        main(arguments(folder, "--dask", "tcp://127.0.0.1:9", out=str(tmp_path / "r")))
