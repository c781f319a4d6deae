import numpy as np
import pytest

from tfxai.data.preprocessing import Preprocessing
from tfxai.models.augmentation import AugmentedBatches

COUNT = 23


def batches(epoch=0, seed=0, images=None):
    if images is None:  # a bright column marks the left, its brightness the image
        images = np.zeros((COUNT, 20, 20, 3), np.uint8)
        images[:, :, 3] = np.arange(10, 10 + COUNT)[:, None, None]
    labels = np.arange(len(images))
    return AugmentedBatches(images, labels, Preprocessing("unit"), 5, seed, epoch)


def test_an_epoch_holds_every_image_once():
    loader = batches()
    assert len(loader) == 5
    labels = np.concatenate([loader[index][1] for index in range(len(loader))])
    assert sorted(labels) == list(range(COUNT))
    assert list(labels) != list(range(COUNT))
    assert len(loader[4][1]) == 3


def test_an_image_keeps_its_label():
    images, labels = batches()[0]
    assert images.dtype == np.float32
    found = np.rint(images.max(axis=(1, 2, 3)) * 255) - 10
    # a shift by a part of a pixel spreads the column over two, which dims it
    assert np.all(found <= labels)
    assert np.all(images.sum(axis=(1, 2, 3)) > 0)


def test_batches_depend_on_epoch_and_seed_alone():
    first, other = batches(epoch=3), batches(epoch=3)
    forward = {index: first[index][0] for index in (0, 2, 4)}
    for index in (4, 0, 2):  # in any order
        np.testing.assert_array_equal(other[index][0], forward[index])
    np.random.random(7)  # noqa: NPY002 - the global generator plays no part
    np.testing.assert_array_equal(first[1][0], other[1][0])
    for changed in (batches(epoch=4), batches(epoch=3, seed=1)):
        assert not np.array_equal(changed[0][1], first[0][1])


@pytest.mark.slow
def test_shifts_stay_within_a_tenth_and_half_are_mirrored():
    images = np.zeros((400, 40, 40, 3), np.uint8)
    images[:, 10:12, 6:8] = 255  # a dot left and above of the middle
    loader = batches(images=images)
    shown = np.concatenate([loader[index][0] for index in range(len(loader))])[..., 0]
    weight = shown.sum(axis=(1, 2))
    rows, columns = np.arange(40)[None, :, None], np.arange(40)[None, None, :]
    row = (shown * rows).sum(axis=(1, 2)) / weight
    column = (shown * columns).sum(axis=(1, 2)) / weight
    mirrored = column > 20
    column = np.where(mirrored, 39 - column, column)
    assert np.abs(row - 10.5).max() <= 4.01
    assert np.abs(column - 6.5).max() <= 4.01
    assert row.std() > 1.5  # uniform over 8 has 2.3
    assert column.std() > 1.5
    assert 140 < mirrored.sum() < 260  # six standard deviations: fails once in 10^9


def test_images_themselves_are_left_alone():
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    before = images.copy()
    batches(images=images)[0]
    np.testing.assert_array_equal(images, before)
