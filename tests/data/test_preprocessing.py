import json

import numpy as np
import pytest

from tfxai.data.preprocessing import CIFAR10_MEAN, CIFAR10_STD, Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError

RECORDS = [
    Preprocessing("none"),
    Preprocessing("unit"),
    Preprocessing("standardise", CIFAR10_MEAN, CIFAR10_STD),
    Preprocessing("tf"),
    Preprocessing("torch"),
    Preprocessing("caffe"),
]
BY_NAME = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)


def test_unit_is_division_by_255_to_the_last_bit():
    pixels = np.arange(256, dtype=np.uint8)[:, None]
    expected = pixels.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(Preprocessing("unit").apply(pixels), expected)


def test_standardise_follows_its_definition_by_hand():
    record = Preprocessing("standardise", mean=(0.5, 0.2), std=(0.25, 0.1))
    # 255/255 = 1: (1 - 0.5) / 0.25 = 2; 51/255 = 0.2: (0.2 - 0.2) / 0.1 = 0
    np.testing.assert_allclose(record.apply([[255, 51], [0, 0]]), [[2, 0], [-2, -2]], atol=1e-6)


@pytest.mark.parametrize("name", ["tf", "torch", "caffe"])
def test_modes_are_those_of_keras_applications(name):
    import keras

    theirs = keras.applications.imagenet_utils.preprocess_input(
        PIXELS.astype(np.float32), data_format="channels_last", mode=name
    )
    np.testing.assert_allclose(Preprocessing(name).apply(PIXELS), theirs, rtol=1e-5, atol=1e-5)


@BY_NAME
def test_inverse_gives_the_true_colours_back(record):
    inputs = record.apply(PIXELS)
    assert inputs.dtype == np.float32
    # float32 holds 24 bits: of pixels up to 255 it rounds by less than 2e-5
    np.testing.assert_allclose(record.invert(inputs), PIXELS / 255, atol=1e-6)


@BY_NAME
def test_inverse_clips_what_no_pixel_can_be(record):
    inputs = record.apply(np.array([[[-50.0, 300.0, 100.0]]]))
    np.testing.assert_allclose(record.invert(inputs), [[[0, 1, 100 / 255]]], atol=1e-6)


@BY_NAME
def test_input_range_is_what_black_and_white_become(record):
    low, high = record.input_range
    black, white = record.apply(np.zeros((1, 3))), record.apply(np.full((1, 3), 255))
    np.testing.assert_allclose(np.broadcast_to(low, (1, 3)), black, rtol=1e-5)
    np.testing.assert_allclose(np.broadcast_to(high, (1, 3)), white, rtol=1e-5)


def test_range_of_unit_is_two_plain_numbers():
    assert Preprocessing().input_range == (0.0, 1.0)


@BY_NAME
def test_record_survives_json(record):
    assert Preprocessing.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_caffe_swaps_red_and_blue():
    red = Preprocessing("caffe").apply(np.array([255, 0, 0]))
    np.testing.assert_allclose(red, [-103.939, -116.779, 255 - 123.68], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "units"}, "There is no preprocessing 'units'. Did you mean 'unit'?"),
        ({"name": "standardise"}, "mean=None came with .* one finite number per channel"),
        ({"name": "standardise", "mean": (0.5,), "std": (1.0, 1.0)}, "mean has 1 .* std 2"),
        ({"name": "standardise", "mean": (0.5,), "std": (0.0,)}, "not above 0"),
        ({"name": "standardise", "mean": (float("nan"),), "std": (1.0,)}, "finite number"),
        ({"name": "unit", "mean": (0.5,)}, "'unit', which has its own"),
    ],
)
def test_options_that_cannot_be_used_are_refused(arguments, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        Preprocessing(**arguments)


def test_unknown_name_is_an_unknown_name():
    with pytest.raises(UnknownNameError):
        Preprocessing("imagenet")


@pytest.mark.parametrize("method", ["apply", "invert"])
def test_another_number_of_channels_is_refused(method):
    with pytest.raises(InvalidInputError, match=r"\(2, 2, 1\).*'torch' is for 3 channels"):
        getattr(Preprocessing("torch"), method)(np.zeros((2, 2, 1)))


def test_a_name_alone_is_a_record():
    assert Preprocessing.from_dict("unit") == Preprocessing("unit")
    with pytest.raises(UnknownNameError, match="no preprocessing 'units'"):
        Preprocessing.from_dict("units")


@pytest.mark.parametrize("record", [3, None, ["unit"], {"name": "unit", "scale": 2}], ids=str)
def test_a_record_of_something_else_is_refused(record):
    with pytest.raises(InvalidInputError, match=r"is unknown to tfxai"):
        Preprocessing.from_dict(record)
