"""Heatmaps in the graph are those of `Attribution.heatmap`, wherever channels lie."""

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.cases import make
from tfxai.errors import InvalidInputError
from tfxai.export.layouts import declared_layout
from tfxai.export.signatures import explain
from tfxai.serving.explaining import fanout
from tfxai.subject import Subject


def network(axes):
    shape = {"HWC": (6, 5, 2), "CHW": (2, 6, 5), "HW": (6, 5), "TC": (6, 2)}[axes]
    x = keras.Input(shape, name="x")
    first = "channels_first" if axes == "CHW" else "channels_last"
    maps = x if axes != "HW" else layers.Reshape((6, 5, 1))(x)
    conv = layers.Conv1D if axes == "TC" else layers.Conv2D
    maps = conv(3, 2, activation="relu", data_format=first, name="conv1")(maps)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(maps)))


@pytest.mark.parametrize("axes", ["HWC", "CHW", "HW", "TC"])
@pytest.mark.parametrize("name", ["saliency", "integrated_gradients", "occlusion", "grad_cam"])
def test_a_signature_has_the_heatmap_of_the_call(name, axes):
    model = network(axes)
    x = builders.images(2, model.input_shape[1:])
    layout = declared_layout(model)
    options = {"score": None, "at": None, "chunk_size": "auto"}
    signature = explain(name, make(name), Subject(model), layout, **options)
    answers = signature.function({"x": x, "target": np.array([1, 0], np.int32)})
    a = make(name)(model, x, [1, 0])
    np.testing.assert_allclose(answers["attributions"], a.values, rtol=1e-4, atol=1e-6)
    size = None if axes == "TC" else (6, 5)
    np.testing.assert_allclose(answers["heatmap"], a.heatmap(size), rtol=1e-3, atol=1e-4)


def test_predictions_alone_are_refused_for_channels_first():
    with pytest.raises(InvalidInputError, match=r"\(3, 32, 32\), channels first, and occlusion"):
        fanout.method("occlusion", {}, (3, 32, 32))
