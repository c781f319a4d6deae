"""The images that a channel answers to, against the whole computed by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests.features.filters import filters, kernels
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.features import top_images, visualise_layer


def images(count=90, shape=(8, 8, 3)):
    return np.random.default_rng(6).integers(0, 256, (count, *shape)).astype(np.uint8)


def maps(subject, data):
    conv = keras.Model(subject.model.inputs, subject.model.get_layer("conv").output)
    return conv.predict(data / np.float32(255), verbose=0)


@pytest.mark.parametrize("in_batches", [False, True], ids=["an array", "batches"])
def test_images_that_excite_a_channel_most(in_batches):
    subject, data = filters(), images()
    given = iter([data[:7], data[7:50], data[50:]]) if in_batches else data
    found = top_images(subject, "conv", 2, given, count=5)
    values = maps(subject, data)[..., 2]
    best = values.max(axis=(1, 2))
    expected = np.argsort(-best)[:5]
    np.testing.assert_array_equal(found.indices, expected)
    np.testing.assert_allclose(found.values, best[expected], rtol=1e-5)
    np.testing.assert_array_equal(found.images, data[expected])
    for index, (row, column), box, crop in zip(
        expected, found.positions, found.boxes, found.crops, strict=True
    ):
        assert values[index, row, column] == best[index]
        np.testing.assert_array_equal(box, [row, column, row + 3, column + 3])
        np.testing.assert_array_equal(crop, data[index, row : row + 3, column : column + 3])


def test_images_for_whose_answer_a_channel_matters_most():
    subject, data = filters(activation="relu"), images(12)
    found = top_images(subject, "conv", 1, data, by="relevance", count=3)
    relevance = tfxai.LRP()(subject, data, at="conv").values[..., 1].reshape(12, -1)
    best = relevance.max(axis=1)
    np.testing.assert_array_equal(found.indices, np.argsort(-best, kind="stable")[:3])
    np.testing.assert_allclose(found.values, np.sort(best)[::-1][:3], rtol=1e-5)
    by_activation = top_images(subject, "conv", 1, data, count=3)
    assert (found.values != by_activation.values).any()


def test_a_layer_of_features_rests_on_the_whole_image():
    subject, data = filters(), images(5)
    found = top_images(subject, "mean", 0, data, count=9)
    assert found.positions.shape == (5, 0)
    assert found.boxes.tolist() == [[0, 0, 8, 8]] * 5
    assert found.to_dict()["images"][0]["image"] == found.indices[0]


def test_figure_has_the_images_and_below_them_what_counts(tmp_path):
    figure = top_images(filters(), "conv", 0, images(9), count=4).plot(tmp_path / "top.png")
    assert len(figure.axes) == 8
    assert (tmp_path / "top.png").stat().st_size > 2_000


def test_a_layer_is_drawn_channel_by_channel():
    subject = filters(kernels(5))
    found = visualise_layer(subject, "conv", [4, 1], steps=2)
    assert found.labels == ("conv channel 4", "conv channel 1")
    assert len(visualise_layer(subject, "conv", 99, steps=1).labels) == 5
    with pytest.raises(InvalidInputError, match="channel=5 is outside the 5 channels"):
        visualise_layer(subject, "conv", [5], steps=1)
    with pytest.raises(InvalidInputError, match="channels=0"):
        visualise_layer(subject, "conv", 0)


def test_what_cannot_be_ranked_is_refused():
    subject, data = filters(), images(3)
    with pytest.raises(UnknownNameError, match="no way to rank images 'mean'"):
        top_images(subject, "conv", 0, data, by="mean")
    with pytest.raises(InvalidInputError, match="channel=3 is outside the 3 channels"):
        top_images(subject, "conv", 3, data)
    with pytest.raises(InvalidInputError, match="and type float64"):
        top_images(subject, "conv", 0, data / 255)
    with pytest.raises(InvalidInputError, match=r"data of shape \(3, 9, 9, 3\)"):
        top_images(subject, "conv", 0, images(3, (9, 9, 3)))
    with pytest.raises(InvalidInputError, match="all of one size"):
        top_images(subject, "conv", 0, [[data[0], data[1][:5]]])
    with pytest.raises(InvalidInputError, match="holds no images"):
        top_images(subject, "conv", 0, [])
    with pytest.raises(InvalidInputError, match="count=0"):
        top_images(subject, "conv", 0, data, count=0)
