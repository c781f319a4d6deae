"""Superpixels: exactly as many as asked for, each of one piece, along the edges of the image."""

import numpy as np
import pytest
from skimage.measure import label

import tfxai
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.superpixels import Slic, superpixels
from tfxai.data import fit_image, sample_image
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError

RNG = np.random.default_rng(0)
DOT = np.zeros((30, 20, 3))
DOT[3, 4] = 1
HALF = np.zeros((32, 32, 3))
HALF[:, 16:] = RNG.random((32, 16, 3))
IMAGES = {
    "photograph": fit_image(sample_image("chelsea"), 48, 64),
    "noise": RNG.random((32, 32, 3)),
    "flat": np.zeros((32, 32, 3)),
    "dot": DOT,
    "half of noise": HALF,
    "narrow": RNG.random((3, 120, 1)),
    "four channels": RNG.normal(size=(20, 30, 4)),
}


@pytest.mark.parametrize("segments", [2, 20, 200])
@pytest.mark.parametrize("image", IMAGES)
def test_there_are_as_many_as_asked_for_and_each_is_of_one_piece(image, segments):
    found = superpixels(IMAGES[image], segments)
    assert (found.shape, found.dtype) == (IMAGES[image].shape[:2], np.int32)
    assert sorted(np.unique(found)) == list(range(segments))
    assert label(found, connectivity=1, background=-1).max() == segments


def test_every_pixel_may_be_one():
    found = superpixels(RNG.random((4, 5, 3)), 20)
    assert sorted(found.ravel()) == list(range(20))


def test_regions_of_one_colour_are_not_mixed():
    rows, columns = np.indices((40, 60))
    is_disc = (rows - 18) ** 2 + (columns - 33) ** 2 < 150
    image = np.where(is_disc[..., None], [200, 40, 40], [30, 60, 190]).astype(np.uint8)
    found = superpixels(image, 12)
    shares = np.array([is_disc[found == i].mean() for i in range(12)])
    assert ((shares < 0.02) | (shares > 0.98)).all()
    assert (shares > 0.98).any()


def test_greater_compactness_gives_shorter_borders():
    image = IMAGES["photograph"]

    def border(compactness):
        found = superpixels(image, 30, compactness)
        return (found[1:] != found[:-1]).sum() + (found[:, 1:] != found[:, :-1]).sum()

    assert border(100) < 0.8 * border(1)


def test_each_image_of_a_batch_is_parted_by_itself_in_true_colours():
    pixels = np.stack([fit_image(sample_image(name), 32, 32) for name in ("chelsea", "coffee")])
    caffe = Preprocessing("caffe")
    found = Slic(20).make(Examples((caffe.apply(pixels),), caffe))
    for one, image in zip(found, pixels, strict=True):
        np.testing.assert_array_equal(one, superpixels(image / np.float32(255), 20))
    assert (found[0] != found[1]).any()


def test_both_are_part_of_the_package():
    assert (tfxai.Slic, tfxai.superpixels) == (Slic, superpixels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 4, 1)), 13), "segments=13 is more than the image's 12 pixels"),
        ((np.zeros((9, 9)),), r"of one image \(h, w, C\) of finite numbers, and shape \(9, 9\)"),
        ((np.full((9, 9, 3), np.nan),), r"finite numbers, and shape \(9, 9, 3\) came"),
        (("chelsea.png",), "superpixels are of one image"),
        ((DOT, 1), "segments=1 was expected to be an integer of at least 2"),
        ((DOT, 5.0), "segments=5.0 was expected"),
        ((DOT, 5, 0), "compactness=0 was expected to lie from 1e-06 to 1e[+]06"),
        ((DOT, 5, 1e-300), "compactness=1e-300 was expected"),
        ((DOT, 5, float("inf")), "compactness=inf was expected"),
    ],
)
def test_what_cannot_be_parted_is_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        superpixels(*arguments)
