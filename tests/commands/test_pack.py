"""From FITS cutouts and a table to a file of the schema."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from galddpm.commands import data
from galddpm.commands.shell import run_command
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import BANDS
from galddpm.errors import UserError

DATA = os.environ.get("GALDDPM_TEST_DATA")
COUNT, SIDE = 3, 6
REDSHIFT = [0.1, 0.5, 2.25]
FLUXMAG0 = 10 ** (0.4 * 27)  # of an image at zero point 27


def pixels(count=COUNT, bands=5):
    return np.random.default_rng(0).normal(1, 2, (count, bands, SIDE, SIDE)).astype(np.float32)


def write_image(path, image, **header):
    """An image behind an empty primary header, as the survey's cutouts are."""
    path.parent.mkdir(exist_ok=True)
    hdu = fits.ImageHDU(image, fits.Header(header))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def write_bands(folder, images, bands=BANDS, **header):
    """An image a band, and the table of their paths."""
    columns = {"redshift": REDSHIFT[: len(images)]}
    for k, band in enumerate(bands):
        columns[band] = [f"cutouts/{row}-{band}.fits" for row in range(len(images))]
        for path, image in zip(columns[band], images[:, k], strict=True):
            write_image(folder / path, image, **(header or {"FLUXMAG0": FLUXMAG0}))
    Table(columns).write(folder / "table.csv", overwrite=True)
    return folder / "table.csv"


def pack(table, *more):
    out = table.parent / "packed.hdf5"
    data.main(["pack", str(table), str(out), *more])
    return GalaxyFile(out)


def refused(table, *more):
    with pytest.raises(UserError) as found:
        pack(table, *more)
    assert not (table.parent / "packed.hdf5").exists()
    return str(found.value)


def test_images_a_band_become_the_schema(tmp_path):
    images = pixels()
    galaxies = pack(write_bands(tmp_path, images))
    np.testing.assert_allclose(galaxies.images(slice(None)), images, rtol=1e-6)
    np.testing.assert_array_equal(galaxies.redshift, REDSHIFT)
    np.testing.assert_array_equal(galaxies.object_id, [0, 1, 2])
    with h5py.File(galaxies.path) as file:
        assert file["image"].dtype == np.float32
        assert file.attrs["bands"] == "g,r,i,z,y"
        assert "pixel_scale" not in file.attrs
    assert galaxies.description == "galaxies packed from table.csv"


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits"])
def test_cubes_ids_and_places(tmp_path, suffix):
    images = pixels(bands=3)
    columns = {
        "specz_redshift": REDSHIFT,
        "cutout": [f"{row}.fits" for row in range(COUNT)],
        "object_id": [36_400_000_000_000_001 + row for row in range(COUNT)],
        "ra": [150.0, 150.5, 151.0],
        "dec": [2.0, 2.5, -1.0],
    }
    for row, image in enumerate(images):
        write_image(tmp_path / f"{row}.fits", image, MAGZERO=27.0)
    Table(columns).write(tmp_path / f"table.{suffix}")
    galaxies = pack(tmp_path / f"table.{suffix}", "--bands", "g,r,i")
    np.testing.assert_allclose(galaxies.images(slice(None)), images, rtol=1e-6)
    assert galaxies.object_id.tolist() == columns["object_id"]
    assert galaxies.column("dec").tolist() == columns["dec"]


@pytest.mark.parametrize(
    ("header", "more", "factor"),
    [
        ({"MAGZERO": 29.5}, [], 0.1),
        ({"FLUXMAG0": 10 ** (0.4 * 24.5)}, [], 10),
        ({"MAGZERO": 29.5}, ["--zero-point", "22"], 100),
        ({"BUNIT": "nJy"}, ["--zero-point", "31.4"], 10**-1.76),
        ({"MAGZERO": 27, "BUNIT": "adu"}, [], 1),
    ],
)
def test_counts_are_at_zero_point_27(tmp_path, header, more, factor):
    images = pixels(1)
    found = pack(write_bands(tmp_path, images, **header), *more).images(slice(None))
    np.testing.assert_allclose(found, factor * images, rtol=1e-6)


def test_a_zero_point_may_stand_in_the_primary_header(tmp_path):
    image = pixels(1, 1)
    table = write_bands(tmp_path, image, ["i"], OBJECT="a galaxy")
    with fits.open(tmp_path / "cutouts" / "0-i.fits", mode="update") as file:
        file[0].header["FLUXMAG0"] = FLUXMAG0
    np.testing.assert_allclose(pack(table, "--bands", "i").images([0]), image, rtol=1e-6)


def test_the_pixel_scale_is_that_of_the_headers(tmp_path):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-0.2 / 3600, 0.2 / 3600]
    header = {**wcs.to_header(), "MAGZERO": 27.0}
    table = write_bands(tmp_path, pixels(), **header)
    with h5py.File(pack(table).path) as file:
        np.testing.assert_allclose(file.attrs["pixel_scale"], 0.2)
    (tmp_path / "packed.hdf5").unlink()
    other = header | {"CDELT1": -0.168 / 3600, "CDELT2": 0.168 / 3600}
    write_image(tmp_path / "cutouts" / "1-r.fits", pixels()[1, 1], **other)
    message = refused(table)
    assert "row 1: the r band: found 0.168 arcsec in a pixel, expected 0.2" in message


def test_sky_coordinates_that_make_no_sense_are_none(tmp_path):
    header = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XYZ", "CDELT1": 0.0, "MAGZERO": 27.0}
    with h5py.File(pack(write_bands(tmp_path, pixels(1), **header)).path) as file:
        assert "pixel_scale" not in file.attrs


def test_a_packed_file_is_left_alone_and_another_refused(tmp_path, capsys):
    table = write_bands(tmp_path, pixels())
    before = pack(table).path.read_bytes()
    assert pack(table).path.read_bytes() == before
    assert "nothing to do" in capsys.readouterr().out
    with pytest.raises(UserError, match="--overwrite"):
        pack(table, "--zero-point", "25")
    assert pack(table, "--zero-point", "25", "--overwrite").path.read_bytes() != before


def test_other_cutouts_under_the_same_names_are_another_file(tmp_path):
    table = write_bands(tmp_path, pixels())
    before = pack(table).path.read_bytes()
    write_bands(tmp_path, pixels() + 1)
    with pytest.raises(UserError, match="--overwrite"):
        pack(table)
    assert pack(table, "--overwrite").path.read_bytes() != before


def spoil(folder, what):
    """Break the second galaxy's r band, or the table."""
    path, image = folder / "cutouts" / "1-r.fits", pixels()[1, 1]
    header = {"FLUXMAG0": FLUXMAG0}
    if what == "missing":
        path.unlink()
    elif what == "text":
        path.write_text("no FITS")
    elif what == "truncated":
        path.write_bytes(path.read_bytes()[:5800])
    elif what == "table":
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(Table({"a": [1]}))]).writeto(
            path, overwrite=True
        )
    elif what == "nan":
        image[2, 3] = np.nan
        write_image(path, image, **header)
    elif what == "size":
        write_image(path, image[:, 1:], **header)
    elif what == "cube":
        write_image(path, image[None], **header)
    elif what == "unit":
        write_image(path, image, BUNIT="MJy/sr", **header)
    elif what == "zero point":
        write_image(path, image)
    elif what == "wrong zero point":
        write_image(path, image, FLUXMAG0=-1.0)
    elif what == "far zero point":
        write_image(path, image, MAGZERO=-1000.0)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "no such file, expected a FITS image"),
        ("text", "not readable as FITS"),
        ("truncated", "not readable as FITS"),
        ("table", "found no image, expected one of (rows, columns)"),
        ("nan", "found 1 pixels that are not finite"),
        ("size", "found 6 x 5 pixels, expected 6 x 6 as in the first band"),
        ("cube", "found images of shape (1, 6, 6), expected one of (rows, columns)"),
        ("unit", "BUNIT: found 'MJy/sr', expected counts; --zero-point"),
        ("zero point", "no MAGZERO or FLUXMAG0 in its header; --zero-point"),
        ("wrong zero point", "MAGZERO, FLUXMAG0: expected a number above 0"),
        ("far zero point", "zero point: found -1000, expected an AB magnitude"),
    ],
)
def test_a_bad_cutout_is_named_with_its_row(tmp_path, what, message, capsys):
    table = write_bands(tmp_path, pixels())
    spoil(tmp_path, what)
    found = refused(table)
    assert found.startswith(f"{table}: row 1: ")
    assert message in found
    arguments = ["pack", str(table), str(tmp_path / "packed.hdf5")]
    assert run_command(lambda: data.main(arguments)) == 2
    assert capsys.readouterr().err.count("error: ") == 1


def test_a_galaxy_of_another_size_is_named(tmp_path):
    table = write_bands(tmp_path, pixels())
    for band in BANDS:
        header = {"FLUXMAG0": FLUXMAG0}
        write_image(tmp_path / "cutouts" / f"2-{band}.fits", np.ones((4, 4)), **header)
    assert "row 2: found 5 x 4 x 4 pixels, expected 5 x 6 x 6 as in row 0" in refused(table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("g,r,i,z,y\n" + "a.fits," * 4 + "a.fits\n", "no column redshift or specz_redshift"),
        ("redshift,g\n0.5,a.fits\n", "no column r, found redshift, g; expected paths of images"),
        ("redshift,cutout\n-1,a.fits\n", "redshift: found -1 in row 0"),
        ("redshift,cutout,object_id\n0.5,a.fits,x\n", "object_id: found gaps or text"),
        ("id,redshift,cutout\n1,0.5,\n", "row 0: found no path"),
        ("redshift,cutout,ra\n0.5,a.fits,10:00:12.3\n", "ra: could not convert string to float"),
    ],
)
def test_what_is_wrong_with_the_table_is_named(tmp_path, content, message):
    (tmp_path / "table.csv").write_text(content)
    assert message in refused(tmp_path / "table.csv")


def test_a_cube_of_other_bands_is_refused(tmp_path):
    write_image(tmp_path / "a.fits", pixels(1)[0], MAGZERO=27.0)
    (tmp_path / "table.csv").write_text("redshift,cutout\n0.5,a.fits\n")
    message = refused(tmp_path / "table.csv", "--bands", "g,r")
    assert "row 0: found 5 planes in the cube, expected 2 (g, r)" in message


@pytest.mark.skipif(DATA is None, reason="GALDDPM_TEST_DATA is not set")
def test_real_cutouts_of_the_survey(tmp_path):
    """A COSMOS scene of Hyper Suprime-Cam, as its cutout service would hand it out."""
    scene = np.load(Path(DATA) / "hsc_cosmos_35.npz")["images"]
    cut = scene[:, :48, :48]
    for band, image in zip(BANDS, cut, strict=True):
        nanomaggies = image * 10 ** (0.4 * (22.5 - 27))
        write_image(tmp_path / f"{band}.fits", nanomaggies, BUNIT="nmgy", MAGZERO=22.5)
    paths = ",".join(f"{band}.fits" for band in BANDS)
    (tmp_path / "table.csv").write_text(f"redshift,{','.join(BANDS)}\n0.5,{paths}\n")
    assert "BUNIT: found 'nmgy'" in refused(tmp_path / "table.csv")
    galaxies = pack(tmp_path / "table.csv", "--zero-point", "22.5")
    np.testing.assert_allclose(galaxies.images([0])[0], cut, rtol=2e-6)
