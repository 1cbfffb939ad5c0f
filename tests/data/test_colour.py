"""Pictures in colour."""

import numpy as np
import pytest

import galddpm
from galddpm.data.colour import BALANCE
from galddpm.data.survey import BANDS
from galddpm.errors import UserError


def test_colours_are_i_r_g_in_one_stretch():
    stamp = np.zeros((5, 4, 4))
    stamp[2, 1, 1], stamp[0, 2, 2] = 0.3, 30.0  # i only, g only
    image = galddpm.rgb(stamp)
    assert image.shape == (4, 4, 3)
    assert image.min() >= 0
    assert image.max() <= 1
    assert image[1, 1].argmax() == 0
    assert image[2, 2].argmax() == 2
    assert image[2, 2, 2] > image[1, 1, 0]


def test_the_stretch_by_hand():
    """A grey pixel has asinh(flux / softening) over that of white, and white is 1."""
    weights = np.array([BALANCE[band] for band in BANDS])[:, None]
    stamp = np.stack([3.0 / weights, 20.0 / weights], axis=2)
    image = galddpm.rgb(stamp, softening=2.0, white=20.0)
    np.testing.assert_allclose(image[0, 0], np.arcsinh(1.5) / np.arcsinh(10.0))
    np.testing.assert_allclose(image[0, 1], 1.0)


def test_ratios_of_colours_do_not_depend_on_brightness():
    """Lupton et al.: a colour stays the colour where a stretch of each band would turn it white."""
    stamp = np.ones((5, 1, 2)) * np.array([1.0, 2.0, 4.0, 0.0, 0.0])[:, None, None]
    stamp[..., 1] *= 0.01
    red, green, blue = np.moveaxis(galddpm.rgb(stamp), -1, 0)
    np.testing.assert_allclose(red / blue, 4.0 / BALANCE["g"])
    np.testing.assert_allclose(green / blue, 2.0 * BALANCE["r"] / BALANCE["g"])


def test_light_beyond_white_fades_to_white():
    """Without a step, and the brightest pixel of it stays 1."""
    stamp = np.array([1.0, 2.0, 4.0, 0.0, 0.0])[:, None, None] * np.geomspace(0.01, 1e4, 400)
    red, green, blue = np.moveaxis(galddpm.rgb(stamp)[0], -1, 0)
    saturated = red == 1.0
    assert 100 < saturated.sum() < 300
    assert (np.diff(blue) > 0).all()
    assert np.abs(np.diff(blue)).max() < 0.03
    assert blue[-1] > 0.9
    assert green[-1] > blue[-1]


def test_many_images_at_once_are_as_one_by_one():
    images = np.random.default_rng(0).normal(1, 2, (2, 3, 5, 4, 6))
    pictures = galddpm.rgb(images)
    assert pictures.shape == (2, 3, 4, 6, 3)
    np.testing.assert_array_equal(pictures[1, 2], galddpm.rgb(images[1, 2]))


def test_chosen_bands():
    stamp = np.zeros((3, 1, 1))
    stamp[0] = 1.0
    assert galddpm.rgb(stamp, "abc", bands="abc")[0, 0].argmax() == 0
    assert galddpm.rgb(stamp, ["c", "b", "a"], bands=["a", "b", "c"])[0, 0].argmax() == 2


def test_one_band_is_shown_grey_and_broken_pixels_black():
    image = galddpm.rgb(np.array([[[1.0, np.nan]]]), bands=("g",))
    assert image[0, 0, 0] == image[0, 0, 1] == image[0, 0, 2] > 0
    assert (image[0, 1] == 0).all()


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((4, 4), {}, r"image: found shape \(4, 4\)"),
        ((3, 4, 4), {}, "expected .* for the bands g, r, i, z, y"),
        ((5, 4, 4), {"shown": "gru"}, "shown: found 'gru', expected three of g, r, i, z, y"),
        ((5, 4, 4), {"shown": "gr"}, "shown: found 'gr'"),
    ],
)
def test_axes_that_do_not_fit_are_refused(shape, arguments, message):
    with pytest.raises(UserError, match=message):
        galddpm.rgb(np.zeros(shape), **arguments)
