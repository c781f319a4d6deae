import keras
import numpy as np
import pytest

from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.models import accuracy


@pytest.fixture(scope="module")
def brightest():
    """The outputs are the three channels of the one pixel."""
    inputs = keras.Input((1, 1, 3))
    return keras.Model(inputs, keras.layers.Flatten()(inputs))


IMAGES = np.eye(3, dtype=np.uint8)[[0, 1, 2, 2, 1]].reshape(5, 1, 1, 3) * 200


@pytest.mark.parametrize("batch_size", [1, 2, 5, 256])
def test_accuracy_is_the_share_that_is_right(brightest, batch_size):
    labels = np.array([0, 1, 0, 2, 0])
    assert accuracy(brightest, Preprocessing("unit"), IMAGES, labels, batch_size) == 3 / 5


def test_preprocessing_comes_before_the_model(brightest):
    labels = np.array([2, 1, 0, 0, 1])  # caffe swaps red and blue
    assert accuracy(brightest, Preprocessing("caffe"), IMAGES, labels) == 1
    assert accuracy(brightest, None, IMAGES.astype(np.float32), labels) == 2 / 5


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (IMAGES[:0], [], "0 images came with 0 labels"),
        (IMAGES, [0, 1], "5 images came with 2 labels"),
        (IMAGES, [0, 1, 2, 3, 0], r"shape \(5, 3\), and there is a label 3"),
    ],
)
def test_what_cannot_be_compared_is_refused(brightest, images, labels, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        accuracy(brightest, None, images, np.array(labels, int))
