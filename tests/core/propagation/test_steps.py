"""The steps between x and the score, and signals that go back through them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.methods.slow_rules import SHAPE, SlowResidual
from tfxai.core.propagation.signed_weights import Affine
from tfxai.core.propagation.steps import NoRuleError, Propagation
from tfxai.errors import UnsupportedModelError


def steps_of(function, shape, **options):
    """Kinds of the steps of sum(function(x)) and the types of their operations."""
    found = []

    def run(x):
        score = tf.reduce_sum(function(x), axis=list(range(1, len(shape) + 1)))
        propagation = Propagation(score, x, **options)
        found.extend((step.kind, [op.type for op in step.ops]) for step in propagation.steps)
        return propagation.back(lambda step, signals: step.gradient(signals), tf.ones_like(score))

    spec = tf.TensorSpec((None, *shape), tf.float32)
    tf.function(run, autograph=False).get_concrete_function(spec)
    return found


ONE_FUNCTION = {
    "silu": keras.ops.silu,
    "swish with beta": lambda x: x * keras.ops.sigmoid(1.7 * x),
    "gelu": keras.ops.gelu,
    "gelu, exact": lambda x: keras.ops.gelu(x, approximate=False),
    "mish": layers.Activation("mish"),
    "hard swish": layers.Activation("hard_silu"),
    "thresholded": layers.ReLU(threshold=0.5),
    "hard shrink": layers.Activation("hard_shrink"),
}


@pytest.mark.parametrize("name", ONE_FUNCTION)
def test_combination_of_functions_of_one_tensor_is_one_activation(name):
    kinds = [kind for kind, _ in steps_of(ONE_FUNCTION[name], (4,))]
    assert kinds.count("activation") == 1
    assert not {"sum", "gradient"} & set(kinds)


def test_activations_are_told_apart_where_they_follow_each_other():
    steps = steps_of(lambda x: keras.ops.silu(keras.ops.tanh(keras.ops.gelu(x))), (4,))
    assert [kind for kind, _ in steps if kind == "activation"] == ["activation"] * 3


def test_convolution_is_one_step_with_its_padding_bias_and_normalisations():
    network = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.BatchNormalization(),
            layers.ZeroPadding2D(),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    )
    first = steps_of(network, (6, 6, 2))[0]
    types = ["Mul", "AddV2", "Pad", "Conv2D", "BiasAdd", "Mul", "AddV2"]
    assert first == ("affine", [*types, *first[1][len(types) :]])
    assert set(first[1][len(types) :]) <= {"Identity"}


def test_second_convolution_begins_a_step():
    separable = layers.SeparableConv2D(3, 2)
    separable.build((None, 6, 6, 2))
    steps = steps_of(separable, (6, 6, 2))
    assert [types[0] for _, types in steps[:2]] == ["DepthwiseConv2dNative", "Conv2D"]


def test_what_the_score_does_not_rest_on_is_no_step():
    steps = steps_of(lambda x: (keras.ops.tanh(x), keras.ops.relu(x))[1], (4,))
    assert "Tanh" not in [op for _, types in steps for op in types]


def test_indices_that_move_with_x_are_refused():
    with pytest.raises(NoRuleError, match=r"GatherV2 .* has no rule|whole numbers"):
        steps_of(lambda x: tf.gather(x, tf.argmax(x, axis=1), axis=1, batch_dims=1)[:, None], (4,))


def with_signals(model, x, signals):
    """`signals(propagation)` of the first output of `model`."""

    def run(x):
        with keras.StatelessScope():
            score = model(x)[:, 0]
        return signals(Propagation(score, x), score)

    return tf.function(run, autograph=False)(tf.constant(x))


@pytest.mark.parametrize("kind", ["residual sums", "shared layer"])
def test_gradients_of_all_steps_make_the_gradient(kind):
    if kind == "shared layer":
        model, x = builders.shared(None), builders.images()
    else:
        model = SlowResidual(1).keras_model()
        x = np.random.default_rng(0).normal(size=(2, *SHAPE))

    def both(propagation, score):
        back = propagation.back(lambda step, s: step.gradient(s), tf.ones_like(score))
        return back, tf.gradients(score, propagation.x)[0]

    back, gradient = with_signals(model, x, both)
    np.testing.assert_allclose(back, gradient, rtol=1e-4, atol=1e-6)
    assert np.abs(gradient).max() > 0


def test_signed_parts_of_a_step_are_those_of_its_matrix():
    network = SlowResidual(3)
    x = np.random.default_rng(0).normal(size=(2, *SHAPE))

    def parts(propagation, score):
        (first,) = (step for step in propagation.steps if step.sources[0] is propagation.x)
        layer = Affine(first)
        return (*layer.signed(layer.a), layer.bias() + 0.0 * layer.z, layer.flat(layer.a), layer.z)

    positive, negative, bias, flat, z = with_signals(network.keras_model(), x, parts)
    w, b, rows = network.matrices[0], network.biases[0], x.reshape(2, -1)
    shape = (2, 4, 4, 3)
    np.testing.assert_allclose(positive, (rows @ np.maximum(w, 0)).reshape(shape), rtol=1e-12)
    np.testing.assert_allclose(negative, (rows @ np.minimum(w, 0)).reshape(shape), rtol=1e-12)
    np.testing.assert_allclose(flat, (rows @ (w != 0)).reshape(shape), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(bias, np.broadcast_to(b.reshape(shape[1:]), shape), rtol=1e-12)
    np.testing.assert_allclose(z, (rows @ w + b).reshape(shape), rtol=1e-10)


def test_products_of_different_tensors_are_refused():
    for function in (lambda x: x[:, :2] * x[:, 2:], lambda x: x * keras.ops.sum(x, keepdims=True)):
        with pytest.raises(UnsupportedModelError, match=r"operation Mul .* it combines tensors"):
            steps_of(function, (4,))
        assert steps_of(function, (4,), by_gradient=True)


def test_compiled_call_is_refused_in_both_ways():
    call = tf.function(lambda x: tf.nn.relu(x), autograph=False)
    for by_gradient in (False, True):
        with pytest.raises(UnsupportedModelError, match=r"PartitionedCall .* runs inside a"):
            steps_of(call, (4,), by_gradient=by_gradient)


def test_score_that_does_not_rest_on_x_is_refused():
    with pytest.raises(UnsupportedModelError, match=r"The score does not depend on the input"):
        steps_of(lambda x: tf.ones_like(x), (4,))
