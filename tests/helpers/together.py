"""Run by torchrun in a folder with small.yaml: trains, draws and measures with other processes."""

from pathlib import Path

from galddpm import processes
from galddpm.commands import sample, train
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import BANDS
from galddpm.evaluation.catalog import measure_file
from galddpm.evaluation.measurement.psf_files import survey_psfs

COUNT = 3  # measured galaxies, in chunks of one, which two processes cannot share alike


def train_to(images: int, run: str) -> None:
    given = ["--config", "small.yaml", "--run-dir", run, "--set", f"training.images={images}"]
    train.main(given)


def draw(run: str, out: str) -> None:
    drawn = ["--redshifts", "0.1:1:5", "--batch-size", "2", "--device", "cpu"]
    sample.main([*drawn, "--run-dir", run, "--out", out])


def measure(out: str) -> None:
    measure_file.CHUNK, path = 1, Path("measured.hdf5")
    asked = measure_file.Measurement(path, BANDS, ("i",), survey_psfs(BANDS), COUNT, statmorph=0)
    measure_file.measure(asked, GalaxyFile(path), Path(out), {})


if __name__ == "__main__":
    with processes.together():
        train_to(40, "both")
        draw("both", "two.hdf5")
        measure("two.fits")
