"""The mock universe: reproducible, calibrated, in the exact schema."""

import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import (
    BANDS,
    ELECTRONS_PER_COUNT,
    MOFFAT_BETA,
    NEIGHBOUR_CORRELATION,
    PIXEL_SCALE,
    SEEING,
    SKY_SIGMA,
)
from galddpm.errors import RunError, UserError
from galddpm.locks import locked_folder
from galddpm.mock import catalog, check, draw, make_mock, measure, population, spectra
from galddpm.mock.catalog import make_rows

SMALL = {"training": 5, "testing": 3}
NO_SHEAR = np.zeros((5, 2))


def contents(folder):
    found = {}
    for path in sorted(Path(folder).glob("*.hdf5")):
        with h5py.File(path) as file:
            found[path.name] = {name: file[name][:] for name in file}
    return found


def same(first, second):
    assert first.keys() == second.keys()
    for name, columns in first.items():
        assert columns.keys() == second[name].keys()
        for column, values in columns.items():
            np.testing.assert_array_equal(values, second[name][column])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mock")
    make_mock(folder, SMALL, seed=4, jobs=1)
    return folder


def test_the_number_of_processes_and_a_restart_change_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "CHUNK", 2)
    make_mock(tmp_path, {"training": 5}, seed=4, jobs=2)
    expected = {name: columns for name, columns in contents(small).items() if "training" in name}
    same(contents(tmp_path), expected)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    make_mock(tmp_path, {"training": 5}, seed=4)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match="--overwrite"):
        make_mock(tmp_path, {"training": 5}, seed=5)


def test_a_second_draw_into_the_same_folder_is_refused(small, tmp_path):
    part = "5x64x64_training_with_morphology.hdf5.part"
    with locked_folder(tmp_path / part), pytest.raises(UserError, match=f"{part}: in use by"):
        make_mock(tmp_path, SMALL, seed=4)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_is_told_and_the_same_draw_goes_on(small, tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "CHUNK", 2)
    monkeypatch.setattr(catalog, "make_rows", killed_at_row_2)
    with pytest.raises(RunError, match="a worker process was killed"):
        make_mock(tmp_path, {"training": 5}, seed=4, jobs=2)
    monkeypatch.undo()
    make_mock(tmp_path, {"training": 5}, seed=4, jobs=1)
    same(contents(tmp_path), {n: c for n, c in contents(small).items() if "training" in n})


def killed_at_row_2(seed, split, rows):
    if rows.start == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return make_rows(seed, split, rows)


def test_more_galaxies_than_the_disk_holds_are_refused_at_once(tmp_path):
    with pytest.raises(RunError, match="bytes free"):
        make_mock(tmp_path, {"training": 10**9}, jobs=2)
    assert list(tmp_path.iterdir()) == []


def test_every_key_of_the_published_schema(small):
    with h5py.File(small / "5x64x64_training_with_morphology.hdf5") as file:
        assert file["image"].shape == (5, 5, 64, 64)
        assert file["image"].dtype == np.float32
        assert file["object_id"].dtype == np.int64
        assert file["x_coord_x"].shape == (5, 2)
        assert file["specz_name"].dtype.kind == "S"
        plain = {"specz_redshift_err", "specz_flag_homogeneous", "coord", "ra", "dec", "specz_ra"}
        plain |= {"specz_dec", "specz_mag_i", "skymap_id", "x_coord", "y_coord", "y_coord_y"}
        by_band = {f"{band}_{name}" for band in BANDS for name in measure.COLUMNS}
        by_band |= {f"{band}_cmodel_{name}" for band in BANDS for name in ("mag", "magsigma")}
        assert plain | by_band <= set(file)
    testing = GalaxyFile(small / "5x64x64_testing_with_morphology.hdf5", bands=5)
    assert len(testing) == 3
    assert testing.title == "held-out mock"


def test_object_ids_are_unique_only_as_integers():
    ids = [catalog._identity(np.random.default_rng(0), galaxy(), 4, "training", row)["object_id"]
           for row in range(20)]  # fmt: skip
    assert len(set(ids)) == 20
    assert len({float(i) for i in ids}) < 20
    assert {len(str(i)) for i in ids} == {17}


def galaxy(flux=631.0, **shape):
    options = {"r_eff": 4.0, "axis_ratio": 0.6, "angle": 0.5, "sersic_n": 1.0} | shape
    part = population.Profile(np.full(5, flux), 0.0, 0.0, **options)
    return population.Galaxy(0.5, population.LATE, 1.0, part.flux, 4.0, 0.6, 0.5, 0.0, (part,), ())


def test_zero_point_and_centre():
    """A 20th magnitude galaxy has 631 counts at zero point 27, centred on pixel size // 2."""
    fwhm = draw.by_band(SEEING) / PIXEL_SCALE
    image = draw.light_without_noise(galaxy(10 ** (0.4 * 7)), 127, fwhm, NO_SHEAR)
    np.testing.assert_allclose(image.sum(axis=(1, 2)), 10 ** (0.4 * 7), rtol=0.01)
    rows = np.arange(127)
    centre = (image[2].sum(axis=1) * rows).sum() / image[2].sum()
    assert centre == pytest.approx(63, abs=0.05)
    assert np.unravel_index(image[2].argmax(), image[2].shape) == (63, 63)


@pytest.mark.parametrize("shape", [{"sersic_n": 1.0}, {"sersic_n": 2.0, "axis_ratio": 0.8}])
def test_stamps_equal_galsims_own_drawing(shape):
    import galsim

    fwhm = draw.by_band(SEEING) / PIXEL_SCALE
    image = draw.light_without_noise(galaxy(1.0, **shape), 127, fwhm, NO_SHEAR)[0]
    part = galaxy(1.0, **shape).central[0]
    radius = part.r_eff * np.sqrt(part.axis_ratio)
    profile = galsim.Sersic(n=part.sersic_n, half_light_radius=radius)
    profile = profile.shear(q=part.axis_ratio, beta=part.angle * galsim.radians)
    psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=fwhm[0])
    expected = galsim.Convolve(profile, psf).drawImage(nx=127, ny=127, scale=1.0).array
    assert np.abs(image - expected).max() < 0.005 * expected.max()


def test_points_are_the_psf():
    import galsim

    quasar = population.Profile(np.ones(5), 2.0, -1.0, points=np.zeros((1, 2)))
    scene = population.Galaxy(2.0, 2, 4.0, quasar.flux, 0, 1, 0, 1, (quasar,), ())
    image = draw.light_without_noise(scene, 63, np.full(5, 4.0), NO_SHEAR)[0]
    psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=4.0).shift(2.0, -1.0)
    expected = psf.drawImage(nx=63, ny=63, scale=1.0).array
    assert np.abs(image - expected).max() < 0.005 * expected.max()


def test_noise_has_the_declared_level_and_correlation():
    rng = np.random.default_rng(1)
    noise = draw.noise(np.zeros((5, 600, 600), dtype=np.float32), rng)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise.std(axis=(1, 2)), draw.by_band(SKY_SIGMA), rtol=0.01)
    for axis in (1, 2):
        product = (noise * np.roll(noise, 1, axis)).mean(axis=(1, 2)) / noise.var(axis=(1, 2))
        np.testing.assert_allclose(product, NEIGHBOUR_CORRELATION, atol=0.01)


def test_photon_noise_follows_the_gain():
    light = np.full((5, 400, 400), 50.0, dtype=np.float32)
    noise = draw.noise(light, np.random.default_rng(2))
    variance = draw.by_band(SKY_SIGMA) ** 2 + 50 / draw.by_band(ELECTRONS_PER_COUNT)
    np.testing.assert_allclose(noise.var(axis=(1, 2)), variance, rtol=0.02)


def test_intergalactic_absorption_by_hand():
    z = 3.0
    between = igm(1100.0, z)  # only Lyman alpha lies redward
    assert between == pytest.approx(np.exp(-0.0036 * (1100 * 4 / 1216) ** 3.46), rel=1e-12)
    assert igm(1300.0, z) == 1.0
    lines = sum(a * (1000 * 4 / line) ** 3.46 for line, a in ((1216, 0.0036), (1026, 0.0017)))
    assert igm(1000.0, z) == pytest.approx(np.exp(-lines), rel=1e-12)
    assert igm(700.0, z) < 0.2 * igm(950.0, z)  # the Lyman continuum


def igm(rest, redshift):
    observed = np.array([rest * (1 + redshift)])
    return float(spectra.igm_transmission(observed, redshift)[0])


def test_colours_follow_the_4000_angstrom_break():
    """It leaves g for r at z = 0.38 and r for i at 0.75: first g - r reddens, then r - i."""
    flux = {z: spectra.band_fluxes(0.0, z) for z in (0.05, 0.38, 0.75)}
    red = {z: 2.5 * np.log10(f[1:] / f[:-1]) for z, f in flux.items()}  # g - r, r - i, ... [mag]
    assert red[0.38][0] - red[0.05][0] > 0.5
    assert abs(red[0.38][1] - red[0.05][1]) < 0.4
    assert red[0.75][1] - red[0.38][1] > 0.4
    blue = spectra.band_fluxes(3.0, 0.4)
    assert blue[0] / blue[1] > 2 * flux[0.38][0] / flux[0.38][1]
    dropout = spectra.band_fluxes(4.0, 3.6)
    assert dropout[0] < 0.6 * spectra.band_fluxes(4.0, 2.0)[0]


def test_redshifts_follow_the_published_distribution():
    rng = np.random.default_rng(5)
    shares = population.CUMULATIVE / population.CUMULATIVE[-1]
    z = np.interp(rng.random(200_000), shares, population.CUMULATIVE_Z)
    quantiles = np.percentile(z, check.PERCENT)
    np.testing.assert_allclose(quantiles, check.PUBLISHED["specz_redshift"], rtol=0.05)
    assert (z < 1.5).mean() == pytest.approx(0.929, abs=0.005)


def test_measuring_a_known_ellipse_and_an_empty_stamp():
    y, x = np.mgrid[:127, :127] - 63.0
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, x.shape).astype(np.float32)
    bright = (50 * np.exp(-0.5 * ((x / 6) ** 2 + (y / 3) ** 2))).astype(np.float32)
    found = measure.measure_band(bright + noise)
    assert found["major_axis"] == pytest.approx(6, rel=0.03)
    assert found["minor_axis"] == pytest.approx(3, rel=0.03)
    assert found["ellipticity"] == pytest.approx(0.5, abs=0.02)
    assert found["pos_angle"] == pytest.approx(0, abs=1)
    assert found["half_light_radius"] == pytest.approx(1.1774 * np.sqrt(18), rel=0.1)
    assert found["sersic_index"] == pytest.approx(0.5, abs=0.06)  # a Gaussian has n = 1/2
    assert set(measure.measure_band(np.zeros((127, 127), np.float32)).values()) == {0.0}


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UserError, match="found split 'test'"):
        make_mock(tmp_path, {"test": 3})


@pytest.mark.slow
def test_the_measured_catalog_is_the_published_one(tmp_path):
    """Quantiles within 15 %, asinh statistics within 10 %, each widened by sampling noise at
    n = 1500 (2 standard errors: 4 % of a median, more at 5 and 95 %)."""
    path, *_ = make_mock(tmp_path, {"training": 1500}, seed=0, jobs=2)
    columns = check.measured_columns(path)
    for name, ratios in check.quantile_ratios(columns).items():
        assert np.abs(ratios - 1).max() < 0.20, (name, ratios)
        assert np.abs(ratios[2:5] - 1).max() < 0.19, (name, ratios)
    for name, ratios in check.asinh_ratios(path).items():
        assert np.abs(ratios - 1).max() < 0.14, (name, ratios)
    data = os.environ.get("GALDDPM_TEST_DATA")
    if data:
        published = check.read_published(Path(data) / "galaxiesml_test_catalogue.csv")
        for name, distance in check.ks_distances(columns, published).items():
            assert distance < 0.11, (name, distance)
