"""The image test convicts what an astronomer would see, acquits a second draw, and says why."""

import numpy as np
import pytest

from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.evaluation.statistics import images, spoilings
from galddpm.evaluation.statistics.classifiers import SHARED
from galddpm.evaluation.statistics.images import EXAMPLES, PARTS, compare_images
from galddpm.evaluation.statistics.matching import Selection
from galddpm.files import read_json
from helpers.galaxies import NOISE, simple_galaxies

N = 300
SIGMA = np.array(NOISE)[:, None, None]
CHOSEN = Selection(np.arange(N), np.arange(N), False, [])


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, GalaxyFile]:
    """Real galaxies, a second draw of them, and that draw with noise that would not be noticed."""
    folder = tmp_path_factory.mktemp("images")
    real, innocent = simple_galaxies(N, seed=1), simple_galaxies(N, seed=2)
    noisy = spoilings.noisier(innocent["image"], SIGMA, np.random.default_rng(0))
    sets = {"real": real, "innocent": innocent, "noisy": innocent | {"image": noisy}}
    for name, columns in sets.items():
        write_galaxies(folder / f"{name}.hdf5", columns)
    return {name: GalaxyFile(folder / f"{name}.hdf5") for name in sets}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "power.json"


@pytest.fixture(scope="module")
def guilty(files, cache):
    return compare_images(files["real"], files["noisy"], files["innocent"], CHOSEN, cache)


def test_a_second_draw_is_acquitted_and_its_rows_are_drawn_at_random(files, cache, guilty):
    report = compare_images(files["real"], files["innocent"], None, CHOSEN, cache)
    assert abs(report["pixels"]["accuracy"] - 0.5) < 2.58 * SHARED * 0.5 / np.sqrt(2 * N)
    assert report["memory"] is None
    assert "training file" in report["reason"]
    assert report["power"] == guilty["power"]  # from the cache: of the real galaxies alone


def test_noise_that_no_measurement_shows_is_convicted(guilty):
    assert guilty["pixels"]["accuracy"] > 0.85
    assert guilty["pixels"]["accuracy_floor"] == pytest.approx(0.5, abs=0.1)
    assert {"linear", "trees"} <= set(guilty["pixels"])
    assert set(guilty) == {*PARTS, "reason"}


def test_the_verdict_is_explained(guilty):
    carried = guilty["carried_by"]
    assert carried["scale"]["0.7"] > 0.3  # white noise adds most on the smallest scale
    real, generated, floor = (guilty["log_ratio"][s] for s in ("real", "generated", "floor"))
    assert real[2] < floor[2] < generated[2]
    most, least = (guilty["convincing"][which] for which in ("most", "least"))
    assert len(most) == len(least) == EXAMPLES
    assert most[0]["log_ratio"] < most[-1]["log_ratio"] < least[-1]["log_ratio"]


def test_examples_stand_beside_real_galaxies_of_their_redshift(files, guilty):
    for pair in guilty["convincing"]["least"]:
        z = files["noisy"].redshift[pair["generated"]]
        apart = np.abs(files["real"].redshift - z)
        assert apart[pair["real"]] == apart.min()


def test_power_is_known_of_each_fault_and_kept(files, guilty, cache):
    found = {fault["name"]: fault for fault in guilty["power"]}
    assert list(found) == list(spoilings.SPOILINGS)
    assert all(fault["n"] == N // 2 for fault in found.values())
    for name in ("white noise of 0.3 sky rms added", "a flat core of 2 pix"):
        assert found[name]["accuracy_interval"][0] > 0.6
    kept = read_json(cache)
    assert kept["of"]["real"] == files["real"].fingerprint()


def test_known_power_is_of_galaxies_drawn_at_random(files, monkeypatch):
    """Files are often in order of redshift: halves of it would be told apart by that alone."""
    read = []
    monkeypatch.setattr(images, "MOST", 100)
    monkeypatch.setattr(images, "power", lambda clean, flux, *more: {})
    stamps = GalaxyFile.unchecked_images
    monkeypatch.setattr(
        GalaxyFile, "unchecked_images", lambda *of: read.append(of[1]) or stamps(*of)
    )
    compare_images(files["real"], files["innocent"], None, CHOSEN)
    clean, spoilt = read[-2:]
    assert np.array_equal(clean, read[0])  # those that are compared
    assert not set(clean) & set(spoilt)
    assert len(spoilt) == 100
    for rows in (clean, spoilt):
        assert abs(np.mean(rows) - N / 2) < 4 * N / np.sqrt(12 * 100)


def test_copies_of_the_training_set_are_found(files, guilty):
    assert guilty["memory"]["copied_fraction"] > 0.6  # the innocent draw under fresh noise
    assert guilty["unique_fraction"] > 0.98


def test_too_few_galaxies_give_a_reason(files):
    few = Selection(np.arange(99), np.arange(N), False, [])
    report = compare_images(files["real"], files["noisy"], None, few)
    assert report["reason"] == "fewer than 100 galaxies on a side"
    assert all(report[part] is None for part in PARTS)


def test_of_many_galaxies_so_many_are_looked_at(files, monkeypatch):
    """More would be read whole, and told apart in a time that grows with their cube."""
    read, stamps = [], GalaxyFile.unchecked_images
    monkeypatch.setattr(images, "MOST", 120)
    monkeypatch.setattr(images, "power", lambda *sides: {})
    monkeypatch.setattr(
        GalaxyFile, "unchecked_images", lambda *of: read.append(len(of[1])) or stamps(*of)
    )
    report = compare_images(files["real"], files["noisy"], None, CHOSEN)
    assert max(read) == 120  # of 300
    assert report["pixels"]["accuracy"] > 0.6
