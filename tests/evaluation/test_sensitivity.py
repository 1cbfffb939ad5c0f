"""The judge convicts the guilty, in the measurement where it should, and acquits the innocent."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import kolmogi

from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.survey import BANDS
from galddpm.evaluation.catalog.measure_file import Measurement, measure
from galddpm.evaluation.catalog.table import Catalog
from galddpm.evaluation.measurement.psf_files import survey_psfs
from galddpm.evaluation.report.judge import judge
from galddpm.evaluation.statistics.distributions import size_scale
from galddpm.evaluation.statistics.matching import select
from helpers.galaxies import simple_galaxies

N = 250
SHAPES = ("ellipticity", "semimajor_axis", "isophotal_area", "half_light_radius")
pytestmark = pytest.mark.long


def suspects() -> dict[str, dict]:
    """Columns of each set that stands before the judge."""
    innocent, dimmed = simple_galaxies(N, seed=2), simple_galaxies(N, seed=2, dim=0.6)
    image = innocent["image"]
    noisy = {name: column[:100].copy() for name, column in innocent.items()}
    noisy["image"][:5] = np.random.default_rng(0).normal(0, 0.1, noisy["image"][:5].shape)
    blurred = gaussian_filter(image, (0, 0, 1, 1))
    return {
        "real": simple_galaxies(N, seed=1),
        "innocent": innocent,
        "blurred": innocent | {"image": blurred},
        "scaled": innocent | {"image": 0.6 * image},
        "dimmed": dimmed,
        "noisy": noisy,
    }


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory) -> dict[str, Catalog]:
    folder = tmp_path_factory.mktemp("suspects")
    psfs = survey_psfs(BANDS)
    found = {}
    for name, columns in suspects().items():
        path = folder / f"{name}.hdf5"
        write_galaxies(path, columns)
        work = Measurement(path, BANDS, ("i",), psfs, len(columns["image"]), statmorph=0)
        found[name] = measure(work, GalaxyFile(path), folder / f"{name}.fits", {})
    return found


def verdict(catalogs, name: str) -> dict:
    real, generated = catalogs["real"], catalogs[name]
    return judge(real, generated, None, select(real, generated, None), ("i",))


def far(metric: dict, chance: float = 0.001, name: str = "ks") -> bool:
    """Whether a KS distance lies above the quantile that two equal sets pass by this chance."""
    return metric[name] > kolmogi(chance) * size_scale(metric["n_real"], metric["n_generated"])


def test_two_draws_of_one_catalog_are_acquitted(catalogs):
    report = verdict(catalogs, "innocent")
    known = {name: m for name, m in report["metrics"].items() if m["ks"] is not None}
    assert len(known) > 15
    assert not [name for name, metric in known.items() if far(metric)]
    assert report["joint"]["trees"]["accuracy"] < 0.57
    energy = report["joint"]["energy"]
    assert energy["energy"] < 2 * energy["energy_floor_95"]


def test_a_blur_of_one_pixel_is_seen_in_sizes_and_by_trees(catalogs):
    report = verdict(catalogs, "blurred")
    assert far(report["metrics"]["sky_correlation"])
    assert far(report["metrics"]["sky_sigma"])
    assert report["metrics"]["half_light_radius"]["mean_ratio"] > 1.03
    assert report["joint"]["trees"]["accuracy"] > 0.9


def test_a_common_factor_is_seen_in_light_and_noise_and_not_in_shapes(catalogs):
    report = verdict(catalogs, "scaled")
    for name in ("flux", "sky_sigma", "magnitude_i"):
        assert far(report["metrics"][name]), name
    assert report["brightness"]["i"]["asinh_ratio"] < 0.8
    assert report["metrics"]["flux"]["mean_ratio"] == pytest.approx(0.6, abs=0.15)
    assert not [name for name in SHAPES if far(report["metrics"][name])]


def test_dimmer_galaxies_are_seen_in_flux_and_not_in_noise(catalogs):
    report = verdict(catalogs, "dimmed")
    assert far(report["metrics"]["flux"])
    assert far(report["metrics"]["snr"])
    assert not far(report["metrics"]["sky_sigma"])


def test_shuffled_redshifts_are_seen_at_given_redshift_alone(catalogs):
    innocent = catalogs["innocent"]
    order = np.random.default_rng(3).permutation(N)
    shuffled = Catalog(
        innocent.redshift[order],
        innocent.object_id,
        innocent.bands,
        innocent.brightness,
        innocent.aperture,
    )
    before = verdict(catalogs, "innocent")["metrics"]
    after = verdict(catalogs | {"shuffled": shuffled}, "shuffled")
    for name in ("flux", "half_light_radius", "g-r"):
        assert not far(after["metrics"][name])
        assert (
            after["metrics"][name]["conditional_ks"]
            > after["metrics"][name]["conditional_ks_floor_95"]
        )
        assert after["metrics"][name]["conditional_ks"] > 1.3 * before[name]["conditional_ks"]
    assert after["joint"]["trees"]["accuracy"] > 0.6


def test_pure_noise_is_seen_in_the_detection_rate(catalogs):
    counts = verdict(catalogs, "noisy")["counts"]
    assert counts["real"]["detected"] > 0.98 * N
    assert counts["generated"]["undetected"] >= 4
