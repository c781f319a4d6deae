"""Models cut at a layer: which can be, and that the halves give what the whole gives."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tfxai.core.model.cut import cut

X = builders.images(2)


def halves(model, path):
    """Activations, number of bypasses and the output of a model that runs in two halves."""
    parts = cut(model, path)

    @tf.function(autograph=False)
    def run(x):
        activations, *bypasses = parts.prefix([x])
        return activations, bypasses, parts.tail([activations, *bypasses])

    activations, bypasses, output = run(tf.constant(X))
    return activations.numpy(), len(bypasses), output.numpy()


# join and conv3 lie behind the joined branches; the input itself is needed until the end
@pytest.mark.parametrize(
    ("path", "bypasses"), [("conv1", 1), ("conv2", 2), ("join", 1), ("conv3", 1), ("both", 0)]
)
def test_halves_make_the_whole_around_residual_connections(path, bypasses):
    model = builders.residual()
    activations, count, output = halves(model, path)
    assert count == bypasses
    np.testing.assert_allclose(output, model(X), rtol=1e-5)
    expected = keras.Model(model.input, model.get_layer(path).output)(X)
    np.testing.assert_allclose(activations, expected, rtol=1e-5)


def test_halves_share_layers_and_leave_no_trace_on_them():
    model = builders.residual()
    count = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers]
    before = halves(model, "conv2")[2]
    assert count == [
        (len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers
    ]
    model.set_weights([weight * 2 for weight in model.get_weights()])
    after = halves(model, "conv2")[2]
    np.testing.assert_allclose(after, model(X), rtol=1e-5)
    assert not np.allclose(before, after)


def test_outputs_keep_their_structure():
    x = keras.Input(builders.IMAGE)
    h = layers.Flatten(name="flat")(x)
    out = {"a": layers.Dense(2)(h), "b": [layers.Dense(1)(h), h * 2.0]}
    parts = cut(keras.Model(x, out), "flat")
    made = parts.tail(parts.prefix([tf.constant(X)]))
    assert set(made) == {"a", "b"}
    np.testing.assert_allclose(made["b"][1], 2 * X.reshape(2, -1))
    one = cut(keras.Model([x], [layers.Dense(2)(h)]), "flat")
    assert isinstance(one.tail(one.prefix([tf.constant(X)])), tf.Tensor)


def test_what_cannot_be_cut_is_run_whole():
    class OfItsOwn(keras.Model):
        def call(self, x):
            return super().call(x) * 2

    functional = builders.functional()
    masked = keras.Sequential([keras.Input((3, 1)), layers.Masking(name="mask")])
    for model, path in (
        (builders.subclassed(), "conv1"),
        (builders.nested(), "backbone/conv1"),
        (builders.shared(), "conv"),
        (builders.shared(), "conv#1"),
        (functional, "missing"),
        (OfItsOwn(functional.input, functional.output), "conv1"),
        (masked, "mask"),
    ):
        assert cut(model, path) is None
    assert cut(builders.nested(), "backbone") is not None
    assert cut(builders.sequential(), "conv1") is not None


def test_very_deep_models_are_cut():
    x = keras.Input((2,))
    h = first = layers.Rescaling(1.0, name="first")(x)
    for i in range(150):
        h = layers.Rescaling(1.0, offset=1.0, name=f"layer{i}")(h)
    model = keras.Model(x, layers.Add()([h, first]))
    depth, limit = len(list(frames())), sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 120)  # a network of 1000 layers meets the usual limit
    try:
        parts = cut(model, "layer100")
    finally:
        sys.setrecursionlimit(limit)
    output = parts.tail(parts.prefix([tf.ones((1, 2))]))
    np.testing.assert_allclose(output, [[152.0, 152.0]])


def frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
