"""How alike two models' galaxies are: by hand, and on galaxies that are the same, or are not."""

import numpy as np
import pytest

from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.errors import UserError
from galddpm.evaluation.statistics.likeness import RIVALS, likeness, nearest_is_own
from helpers.galaxies import NOISE, simple_galaxies

N = 200


def test_the_diagonal_is_compared_with_those_next_in_redshift_alone():
    redshift = np.linspace(0.1, 1, N)
    distance = np.ones((N, N))
    distance[np.diag_indices(N)] = 0.5
    distance[:, 100] = 0.1  # nearest to all, and a rival of its neighbours
    assert nearest_is_own(distance, redshift) == pytest.approx(1 - RIVALS / N)
    order = np.random.default_rng(0).permutation(N)
    shuffled = distance[np.ix_(order, order)]
    assert nearest_is_own(shuffled, redshift[order]) == pytest.approx(1 - RIVALS / N)


def test_chance_is_one_of_all_that_are_looked_at():
    rng = np.random.default_rng(0)
    found = [nearest_is_own(rng.random((N, N)), rng.random(N)) for _ in range(50)]
    assert np.mean(found) == pytest.approx(1 / (RIVALS + 1), abs=0.006)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, GalaxyFile]:
    folder = tmp_path_factory.mktemp("twins")
    columns = simple_galaxies(N, seed=1)
    sigma = np.array(NOISE)[:, None, None]
    noise = sigma * np.random.default_rng(0).standard_normal(columns["image"].shape)
    other = simple_galaxies(N, seed=2)
    images = {"own": columns["image"], "noisy": columns["image"] + noise, "other": other["image"]}
    for name, image in images.items():
        sets = columns | {"image": image.astype(np.float32)}
        write_galaxies(folder / f"{name}.hdf5", sets)
    write_galaxies(folder / "elsewhere.hdf5", other)
    return {name: GalaxyFile(folder / f"{name}.hdf5") for name in (*images, "elsewhere")}


def test_the_same_galaxies_are_alike_and_others_by_chance(files):
    assert likeness(files["own"], files["own"]) == 1
    assert likeness(files["own"], files["noisy"]) > 0.9
    assert likeness(files["own"], files["other"]) < 0.15


def test_other_redshifts_are_refused(files):
    with pytest.raises(UserError, match="elsewhere.hdf5: specz_redshift"):
        likeness(files["own"], files["elsewhere"])
