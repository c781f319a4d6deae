"""The grid pointing game on models that know where they look."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai.errors import InvalidInputError
from tfxai.metrics import GridPointing, RandomMap

CLASSES = np.repeat(np.arange(5), 3)
X = np.random.default_rng(0).uniform(0.5, 1.0, (15, 8, 10, 1)).astype("float32")
X = X * np.eye(5, dtype="float32")[CLASSES][:, None, None]


def of_channels():
    """The logit of a class is the sum of its channel: no cell sees another."""
    inputs = keras.Input((8, 10, 5))
    convolution = keras.layers.Conv2D(5, 1)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(convolution(inputs)))
    convolution.set_weights([np.eye(5)[None, None], np.zeros(5)])
    return model


def test_cells_that_do_not_see_each_other_give_exactly_one():
    for method in (tfxai.GradientInput(), tfxai.IntegratedGradients(steps=3)):
        np.testing.assert_array_equal(GridPointing()(of_channels(), X, method).values, 1.0)


def test_mosaics_show_the_halved_image_in_its_cell_and_three_other_classes():
    found = GridPointing(seed=3)(of_channels(), X, tfxai.GradientInput())
    halves = X.reshape(15, 4, 2, 5, 2, 5).mean(axis=(2, 4))
    seen = set()
    for i, (mosaic, cell) in enumerate(
        zip(found.details["mosaic"], found.details["cell"], strict=True)
    ):
        cells = [mosaic[:4, :5], mosaic[:4, 5:], mosaic[4:, :5], mosaic[4:, 5:]]
        np.testing.assert_allclose(cells[cell], halves[i], rtol=1e-6)
        shown = [int(one.sum(axis=(0, 1)).argmax()) for one in cells]
        assert shown[cell] == CLASSES[i]
        assert len(set(shown)) == 4
        seen.add(int(cell))
    assert seen == {0, 1, 2, 3}


def test_shares_are_counted_by_hand_and_nothing_positive_is_no_answer():
    model = of_channels()
    everywhere = tfxai.Saliency()  # the gradient of a mean: the same at every pixel
    np.testing.assert_allclose(GridPointing()(model, X, everywhere).values, 0.25, rtol=1e-6)
    inputs = keras.Input((8, 10, 5))
    zero = keras.Model(inputs, 0 * keras.ops.mean(inputs, (1, 2)))
    found = GridPointing()(zero, X, tfxai.GradientInput(), CLASSES)
    assert np.isnan(found.values).all()


def test_a_random_map_finds_a_quarter():
    classes = np.arange(60) % 4
    x = np.random.default_rng(1).uniform(0.5, 1.0, (60, 24, 24, 4)).astype("float32")
    inputs = keras.Input((24, 24, 4))
    model = keras.Model(inputs, keras.ops.mean(inputs, (1, 2)))
    found = GridPointing()(model, x, RandomMap(), classes)
    assert abs(found.mean - 0.25) < 0.02  # five standard errors


def test_what_makes_no_mosaic_is_refused():
    model = of_channels()
    few = CLASSES < 3
    with pytest.raises(InvalidInputError, match="of 3 classes, and a mosaic shows four"):
        GridPointing()(model, X[few], tfxai.GradientInput())
    with pytest.raises(InvalidInputError, match="Pass the method itself"):
        GridPointing()(model, X, tfxai.GradientInput()(model, X))
    with pytest.raises(InvalidInputError, match="images"):
        GridPointing()(builders.linear([[1.0]]), np.ones((1, 1), "float32"), tfxai.GradientInput())
