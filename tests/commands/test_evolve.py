"""`galddpm evolve`: the same noise at one redshift after the other."""

from pathlib import Path

import av
import h5py
import numpy as np
import pytest
from PIL import Image, ImageSequence

import galddpm
from galddpm.commands import evolve
from galddpm.commands.film import GAP, TEXT, ZOOM, side_by_side
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from galddpm.inference import evolution
from galddpm.locks import locked
from helpers.trained import train_small

SIDE = 16
STEPS = ["--from", "0.1", "--to", "1", "--frames", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evolve")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_small(folder, "runs/small")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("noise", [True, False])
def test_every_frame_is_the_galaxy_of_its_noise_at_its_redshift(folder, noise):
    out, with_noise = f"e{noise}.hdf5", ["--noise", "instrument" if noise else "none"]
    evolve.main([*STEPS, *with_noise, "--count", "2", "--seed", "4", "--out", out])
    galaxies = GalaxyFile(folder / out)
    with h5py.File(out) as file:
        assert file["noise_id"][:].tolist() == [0, 0, 0, 1, 1, 1]
    z = galaxies.redshift.reshape(2, 3)
    np.testing.assert_allclose(z[0], z[1])
    np.testing.assert_allclose(np.diff(np.log1p(z[0])), np.log(2 / 1.1) / 2)
    generator = galddpm.load("runs/small", device="cpu")
    for row in (1, 5):
        z, known = galaxies.redshift[row], {"seed": 4, "noise_id": [row // 3], "noise": noise}
        alone = generator.sample(z, **known)
        np.testing.assert_array_equal(galaxies.images([row]), alone)


def test_given_galaxies_evolve_from_what_they_are(folder, monkeypatch):
    monkeypatch.setattr(evolution, "STEPS", 3)
    given = ["--of", "galaxies.hdf5", "--row", "3", "--count", "2"]
    evolve.main([*STEPS, *given, "--noise", "none", "--out", "given.hdf5"])
    source, made = GalaxyFile("galaxies.hdf5"), GalaxyFile("given.hdf5")
    asked = source.images(slice(3, 5)), source.redshift[3:5], made.redshift[:3]
    expected = galddpm.load("runs/small", device="cpu").evolve(*asked, noise=False)
    np.testing.assert_array_equal(made.images(slice(0, 6)), expected.reshape(6, 5, SIDE, SIDE))


def test_a_film_a_sheet_and_a_page():
    for suffix in ("gif", "mp4", "png", "html"):
        evolve.main([*STEPS, "--count", "2", "--out", f"e.{suffix}"])
    across, side = 2 * (ZOOM * SIDE + GAP) - GAP, ZOOM * SIDE
    with av.open("e.mp4") as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with Image.open("e.gif") as film:
        assert film.n_frames == 4  # to the highest redshift, and back
        assert film.size == (across, side + TEXT)
        pictures = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
    for frame, picture in zip(shown, pictures, strict=True):  # but for compression, the same
        height, width = frame.shape[:2]
        assert (height, width) == (picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2)
        assert np.abs(frame.astype(int) - picture[:height, :width]).mean() < 12
    with Image.open("e.png") as sheet:
        assert sheet.size == (3 * side, 2 * side + TEXT)
    page = Path("e.html").read_text()
    assert 'type="range" min="0" max="2"' in page
    assert page.count("iVBOR") == 3  # how a PNG begins


def test_a_video_without_its_library(monkeypatch):
    monkeypatch.setattr(evolve, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="x.mp4: needs the package av: pip install 'galddpm\\[film"):
        evolve.main([*STEPS, "--out", "x.mp4"])


def test_galaxies_stand_beside_each_other_with_rows_that_go_up():
    galaxies = np.zeros((2, len(BANDS), SIDE, SIDE))
    galaxies[1, :, 0] = 1000.0  # the lowest row of the second
    picture = side_by_side(galaxies, BANDS)
    assert picture[-1, -1].min() > 100
    assert picture[0].max(axis=-1)[: ZOOM * SIDE].max() == 0
    assert picture[-1, : ZOOM * SIDE].max() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "2", "--to", "1", "--out", "x.gif"], "--from 2 --to 1: expected a redshift"),
        (["--from", "nan", "--out", "x.gif"], "--from nan"),
        (["--frames", "1", "--out", "x.gif"], "--frames: found 1"),
        (["--out", "x.avi"], "found the suffix '.avi', expected one of .gif"),
        (["--out", "runs/small/model.safetensors"], "found the suffix '.safetensors'"),
        (["--to", "30", "--out", "x.gif"], "redshift"),
        (["--of", "galaxies.hdf5", "--row", "40", "--out", "x.gif"], "found 40 galaxies"),
        (["--of", "nowhere.hdf5", "--out", "x.gif"], "no such file"),
    ],
)
def test_what_cannot_be_is_refused(folder, arguments, words):
    with pytest.raises(UserError, match=words):
        evolve.main(arguments)
    assert not (folder / "x.gif").exists()


def test_the_given_galaxies_are_not_replaced(folder):
    with pytest.raises(UserError, match="is also the input"):
        evolve.main(["--of", "galaxies.hdf5", "--out", "galaxies.hdf5", "--overwrite"])


def test_what_another_process_is_drawing_is_refused(folder):
    with locked(folder / "x.gif"), pytest.raises(UserError, match="in use by another process"):
        evolve.main(["--frames", "2", "--out", "x.gif"])


def test_what_is_there_stays(folder):
    (folder / "kept.gif").write_text("kept")
    with pytest.raises(UserError, match="kept.gif: exists; --overwrite replaces it"):
        evolve.main(["--out", "kept.gif"])
    assert (folder / "kept.gif").read_text() == "kept"
