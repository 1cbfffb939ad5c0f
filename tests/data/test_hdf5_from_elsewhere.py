"""Files that would have others read, or memory filled, are refused before a value is read."""

import h5py
import numpy as np
import pytest

from galddpm.data.galaxiesml import GalaxyFile
from galddpm.errors import UserError
from helpers.galaxies import simple_galaxies, write_simple


@pytest.fixture
def secret(tmp_path):
    """What no galaxy file has to do with: an HDF5 file, and the same numbers as plain bytes."""
    path = write_simple(tmp_path / "secret.hdf5", 4, size=16)
    (tmp_path / "secret.bin").write_bytes(np.ones((4, 5, 16, 16), np.float32).tobytes())
    return path


def write_image(path, write):
    """A file of the schema whose image is what `write(file)` makes."""
    columns = simple_galaxies(4, size=16)
    with h5py.File(path, "w") as file:
        file["specz_redshift"] = columns["specz_redshift"]
        write(file)
    return path


def virtual(secret):
    layout = h5py.VirtualLayout(shape=(4, 5, 16, 16), dtype="f4")
    layout[...] = h5py.VirtualSource(secret, "image", shape=(4, 5, 16, 16))
    return layout


ATTACKS = {
    "an external link": lambda file, secret: file.__setitem__(
        "image", h5py.ExternalLink(str(secret), "image")
    ),
    "a soft link": lambda file, secret: file.__setitem__("image", h5py.SoftLink("/specz_redshift")),
    "is a virtual data set": lambda file, secret: file.create_virtual_dataset(
        "image", virtual(secret)
    ),
    "is stored in": lambda file, secret: file.create_dataset(
        "image", (4, 5, 16, 16), "f4", external=[(str(secret.with_suffix(".bin")), 0, 20480)]
    ),
    "claims 819,200,000,000 bytes and holds 0": lambda file, secret: file.create_dataset(
        "image", (40_000_000, 5, 32, 32), "f4", chunks=(1, 5, 32, 32)
    ),
}


@pytest.mark.parametrize("reason", ATTACKS)
def test_what_is_not_the_files_own_is_refused(secret, tmp_path, reason):
    path = write_image(tmp_path / "g.hdf5", lambda file: ATTACKS[reason](file, secret))
    with pytest.raises(UserError, match=f"g.hdf5: image: .*{reason}.*, expected data of this file"):
        GalaxyFile(path)


def test_a_link_half_way_and_in_a_column_that_nobody_asked_for_is_refused(secret, tmp_path):
    path = write_simple(tmp_path / "g.hdf5", 4, size=16)
    with h5py.File(path, "a") as file:
        file["group/inner"] = h5py.ExternalLink(str(secret), "/")
    with pytest.raises(UserError, match="g.hdf5: group/inner: is an external link"):
        GalaxyFile(path)


def test_the_file_is_closed_when_it_was_refused(secret, tmp_path):
    path = write_image(tmp_path / "g.hdf5", lambda file: ATTACKS["a soft link"](file, secret))
    with pytest.raises(UserError):
        GalaxyFile(path)
    with h5py.File(path, "a") as file:  # which HDF5 refuses while it is open for reading
        del file["image"]


def test_well_compressed_images_are_read(tmp_path):
    path = write_image(
        tmp_path / "g.hdf5",
        lambda file: file.create_dataset(
            "image", data=np.zeros((4, 5, 16, 16), "f4"), compression="gzip", chunks=(4, 5, 16, 16)
        ),
    )
    assert GalaxyFile(path).images([3]).max() == 0
