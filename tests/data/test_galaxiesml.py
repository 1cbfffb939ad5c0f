"""The reader and writer of the GalaxiesML schema."""

import multiprocessing
import pickle

import h5py
import numpy as np
import pytest

from galddpm.data.galaxiesml import GalaxyFile, shared_bands, write_galaxies
from galddpm.data.survey import BANDS
from galddpm.errors import UserError
from helpers.galaxies import write_simple

COUNT = 24


@pytest.fixture
def path(tmp_path):
    return write_simple(tmp_path / "simple.hdf5", COUNT, size=16)


def change(path, name, value):
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value


def images(path):
    with h5py.File(path) as file:
        return file["image"][:]


@pytest.mark.parametrize(
    "rows", [slice(None), slice(3, 9), [5, 2, 2, 17, 16], [0], np.arange(COUNT)[::-1], []]
)
def test_rows_come_in_the_order_asked_for(path, rows):
    got = GalaxyFile(path).images(rows)
    expected = images(path)[np.arange(COUNT)[rows]] if len(np.arange(COUNT)[rows]) else got[:0]
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32


def test_object_ids_that_float64_cannot_tell_apart_stay_apart(tmp_path):
    ids = np.array([36407063378678903, 36407063378678904], dtype=np.int64)
    assert float(ids[0]) == float(ids[1])
    path = tmp_path / "two.hdf5"
    columns = {"image": np.zeros((2, 5, 4, 4)), "specz_redshift": np.ones(2), "object_id": ids}
    write_galaxies(path, columns)
    np.testing.assert_array_equal(GalaxyFile(path).object_id, ids)


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([1, 2**53], "f8"),
        ([1, 2**24], "f4"),
        ([1, 2**11], "f2"),
        ([1, 2**63], "u8"),
        ([1, 2.5], "f8"),
        ([1, np.nan], "f8"),
        ([1, np.inf], "f4"),
    ],
)
def test_object_ids_that_would_change_silently_are_refused(path, ids, dtype):
    change(path, "object_id", np.resize(np.array(ids, dtype=dtype), COUNT))
    with pytest.raises(UserError, match=rf"object_id: row 1 is .* as {np.dtype(dtype)}.*int64"):
        GalaxyFile(path)


@pytest.mark.parametrize(
    ("largest", "dtype"), [(2**53 - 1, "f8"), (2**24 - 1, "f4"), (2**63 - 1, "u8"), (7, "i2")]
)
def test_object_ids_that_any_type_holds_exactly_are_read(path, largest, dtype):
    change(path, "object_id", np.resize(np.array([1, largest], dtype=dtype), COUNT))
    ids = GalaxyFile(path).object_id
    assert ids.dtype == np.int64
    assert ids[:2].tolist() == [1, largest]


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "i8"])
def test_dtype_variants_are_read(path, dtype):
    change(path, "image", np.round(images(path)).astype(dtype))
    change(path, "specz_redshift", np.arange(COUNT).astype(dtype)[:, None])
    galaxies = GalaxyFile(path)
    assert galaxies.images(slice(0, 2)).dtype == np.float32
    assert galaxies.images(slice(0, 2)).dtype.isnative
    np.testing.assert_array_equal(galaxies.redshift, np.arange(COUNT))


def test_a_file_may_say_what_it_holds_and_where_it_is_from(path):
    silent = GalaxyFile(path)
    assert silent.title is None
    assert silent.provenance == {}
    with h5py.File(path, "a") as file:
        file.attrs["title"] = "held-out mock"
        file.attrs["provenance"] = '{"run": "runs/a"}'
    told = GalaxyFile(path)
    assert told.title == "held-out mock"
    assert told.provenance == {"run": "runs/a"}


@pytest.mark.parametrize("text", ["{", "[1]", "", 7, np.arange(3)])
def test_a_provenance_that_is_no_object_tells_nothing(path, text):
    with h5py.File(path, "a") as file:
        file.attrs["title"] = 3
        file.attrs["provenance"] = text
    assert GalaxyFile(path).title is None
    assert GalaxyFile(path).provenance == {}


def test_object_id_may_be_missing(path):
    change(path, "object_id", None)
    np.testing.assert_array_equal(GalaxyFile(path).object_id, np.arange(COUNT))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", None, "image: no such dataset, the file holds object_id, specz_redshift"),
        ("specz_redshift", None, "specz_redshift: no such dataset"),
        ("image", np.zeros((COUNT, 16, 16)), r"image: found shape \(24, 16, 16\), expected"),
        ("image", np.zeros((COUNT, 3, 16, 16)), "image: found 3 bands, expected 5"),
        ("image", np.full((COUNT, 5, 2, 2), b"x"), "image: found dtype"),
        ("image", np.zeros((0, 5, 2, 2)), "expected at least one pixel"),
        ("specz_redshift", np.ones(3), r"specz_redshift: found shape \(3,\), expected \(24,\)"),
        ("specz_redshift", np.full(COUNT, b"0.5"), "specz_redshift: found dtype"),
        ("specz_redshift", np.full(COUNT, -0.5), "specz_redshift: row 0 is -0.5, expected 0"),
        ("specz_redshift", np.full(COUNT, np.nan), "row 0 is nan, expected a finite number$"),
    ],
)
def test_what_breaks_the_schema_is_named(path, name, value, message):
    change(path, name, value)
    with pytest.raises(UserError, match=message) as caught:
        GalaxyFile(path, bands=5)
    assert str(path) in str(caught.value)


def test_non_finite_pixels_are_refused_with_their_row_or_dropped(path):
    pixels = images(path)
    pixels[7, 2, 3, 3], pixels[11, 0, 0, 0] = np.nan, np.inf
    change(path, "image", pixels)
    strict = GalaxyFile(path)
    strict.images(slice(0, 7))
    with pytest.raises(UserError, match=r"row 11 has a non-finite pixel, expected finite counts$"):
        strict.images([0, 11, 3])
    with pytest.raises(UserError, match=r"row 11 .* expected finite counts; a remedy$"):
        GalaxyFile(path, remedy="; a remedy").images([11])
    tolerant = GalaxyFile(path, non_finite="drop")
    assert (len(tolerant), tolerant.dropped) == (COUNT - 2, 2)
    np.testing.assert_array_equal(tolerant.images([7]), images(path)[[8]])
    assert tolerant.object_id[7] == strict.object_id[8]


def test_rows_are_those_of_the_file_after_a_drop_too(path):
    pixels, redshift = images(path), np.linspace(0.1, 1, COUNT)
    pixels[3, 0, 0, 0], redshift[9] = np.nan, -1
    change(path, "image", pixels)
    change(path, "specz_redshift", redshift)
    with pytest.raises(UserError, match="row 9 is -1, expected 0 to 1100"):
        GalaxyFile(path, non_finite="drop")


@pytest.mark.parametrize("chunk", [(1, 5, 16, 16), (7, 1, 16, 4), (COUNT, 5, 4, 4)])
def test_compressed_chunks_are_read_whole_and_once(path, chunk, monkeypatch):
    expected = images(path)
    with h5py.File(path, "a") as file:
        del file["image"]
        file.create_dataset("image", data=expected, chunks=chunk, compression="gzip")
    reads = []
    read = h5py.Dataset.__getitem__

    def counted(dataset, rows):
        reads.append((dataset.name, rows))
        return read(dataset, rows)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    rows = np.array([20, 3, 3, 0, 5, 12, 23])
    galaxies = GalaxyFile(path)
    np.testing.assert_array_equal(galaxies.images(rows), expected[rows])
    blocks = [rows for name, rows in reads if name == "/image"]
    assert len(blocks) == len(set(rows // chunk[0]))


def test_missing_truncated_and_foreign_files_are_refused(path, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        GalaxyFile(tmp_path / "nowhere.hdf5")
    cut = tmp_path / "cut.hdf5"
    cut.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(UserError, match=r"cut.hdf5: cannot be opened as HDF5, truncated\?"):
        GalaxyFile(cut)
    (tmp_path / "page.hdf5").write_text("<html>no data here</html>")
    with pytest.raises(UserError, match="cannot be opened as HDF5"):
        GalaxyFile(tmp_path / "page.hdf5")


def _sums(galaxies, rows, queue):
    queue.put(galaxies.images(rows).sum(axis=(1, 2, 3)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_no_handle_crosses_processes(path, method):
    """Children read the same rows as the parent although its handle is open."""
    galaxies = GalaxyFile(path)
    expected = galaxies.images(slice(None)).sum(axis=(1, 2, 3))
    assert galaxies._handle is not None
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    halves = [slice(0, COUNT // 2), slice(COUNT // 2, COUNT)]
    for rows in halves:
        child = context.Process(target=_sums, args=(galaxies, rows, queue))
        child.start()
        np.testing.assert_array_equal(queue.get(timeout=60), expected[rows])
        child.join()
        assert child.exitcode == 0
    assert pickle.loads(pickle.dumps(galaxies))._handle is None


def test_writing_is_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError, match="differ in length"):
        write_galaxies(tmp_path / "bad.hdf5", {"image": np.zeros(2), "specz_redshift": np.zeros(3)})
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_sees_pixels_and_redshifts(path, tmp_path):
    same = write_simple(tmp_path / "same.hdf5", COUNT, size=16)
    prints = [GalaxyFile(same).fingerprint()]
    for name, value in (("specz_redshift", np.linspace(0.1, 1, COUNT)), ("image", -images(path))):
        change(same, name, value)
        prints.append(GalaxyFile(same).fingerprint())
    assert GalaxyFile(path).fingerprint() == prints[0]
    assert len(set(prints)) == 3


def test_a_range_of_redshifts_can_be_left_out(path):
    whole = GalaxyFile(path)
    low, high = np.quantile(whole.redshift, [0.3, 0.6])
    part = GalaxyFile(path, leave_out=(low, high))
    expected = whole.redshift[(whole.redshift < low) | (whole.redshift >= high)]
    np.testing.assert_array_equal(part.redshift, expected)
    np.testing.assert_array_equal(part.images([0]), whole.images(part.rows[:1]))
    assert part.dropped == 0


def test_bands_are_called_what_files_call_them(path, tmp_path):
    other, silent = (write_simple(tmp_path / name, 2) for name in ("other.hdf5", "silent.hdf5"))
    for file, names in ((path, "u,g,r,i,z"), (other, "u,g,r,i,y"), (silent, None)):
        with h5py.File(file, "a") as opened:
            opened.attrs.pop("bands", None)
            if names:
                opened.attrs["bands"] = names
    named, other, silent = map(GalaxyFile, (path, other, silent))
    assert shared_bands([silent]) == BANDS
    assert shared_bands([silent, named]) == ("u", "g", "r", "i", "z")
    with pytest.raises(UserError, match="other.hdf5: bands: found u, g, r, i, y, expected u, g"):
        shared_bands([named, other])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bands", "g,r", "bands: found the attribute 'g,r', expected 5 names"),
        ("pixel_scale", 0.0, "pixel_scale: found .*0.0.*, expected arcsec above 0"),
        ("pixel_scale", "small", "pixel_scale: found 'small'"),
    ],
)
def test_attributes_that_cannot_be_are_refused(path, name, value, message):
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    with pytest.raises(UserError, match=message):
        GalaxyFile(path)
