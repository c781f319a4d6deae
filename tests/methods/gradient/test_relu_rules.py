"""Guided backpropagation and the deconvolutional network: by hand, and in loops of NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork, convolve_back
from tests.methods.slow_rules import SHAPE, SlowResidual
from tfxai.errors import UnsupportedModelError
from tfxai.methods import DeconvNet, GuidedBackprop, Saliency

CASES = (
    Case(
        method=DeconvNet,
        linear=lambda s: np.maximum(s.w, 0) * s.ones,
        refuses={"volumes with channels first": "compiled call"},
        same_on_photographs=("efficientnet_lite0",),  # it has no max-pooling
    ),
    Case(
        method=GuidedBackprop,
        linear=lambda s: np.maximum(s.w, 0) * s.ones,
        refuses={"volumes with channels first": "compiled call"},
    ),
)


BOTH = pytest.mark.parametrize("method", [GuidedBackprop(), DeconvNet()], ids=lambda m: m.name)
GRADIENT = Saliency(absolute=False)


def weighed(activation, weights=(3.0, -2.0, 5.0, -7.0)):
    """f(x) = sum of weights times activation(x)."""
    return builders.formula(
        lambda x: keras.ops.sum(activation(x) * np.array(weights), axis=1, keepdims=True), size=4
    )


X = np.array([[1.0, 2.0, -3.0, -4.0]])


def test_one_relu_by_hand():
    model = weighed(keras.ops.relu)
    np.testing.assert_array_equal(GRADIENT(model, X).values, [[3, -2, 0, 0]])
    np.testing.assert_array_equal(GuidedBackprop()(model, X).values, [[3, 0, 0, 0]])
    np.testing.assert_array_equal(DeconvNet()(model, X).values, [[3, 0, 5, 0]])


def test_clipped_and_leaky_relus_by_hand():
    x = np.array([[1.0, 9.0, -3.0, -4.0]])
    model = weighed(keras.ops.relu6, (3, 4, 5, -7))
    np.testing.assert_array_equal(GuidedBackprop()(model, x).values, [[3, 0, 0, 0]])
    np.testing.assert_array_equal(DeconvNet()(model, x).values, [[3, 4, 5, 0]])
    model = weighed(lambda x: keras.ops.leaky_relu(x, 0.25), (3, -4, 8, -7))
    np.testing.assert_array_equal(GuidedBackprop()(model, x).values, [[3, 0, 2, 0]])
    np.testing.assert_array_equal(DeconvNet()(model, x).values, [[3, 0, 8, 0]])


def test_prelu_is_two_relus():
    # relu(x) - alpha relu(-x): what comes to the second ReLU is -alpha times the signal
    prelu = layers.PReLU(keras.initializers.Constant(0.5), dtype="float64")
    x, weights = np.array([[1.0, -1.0, 1.0, -1.0]]), (3, 4, -5, -6)
    np.testing.assert_array_equal(GRADIENT(weighed(prelu, weights), x).values, [[3, 2, -5, -3]])
    guided = GuidedBackprop()(weighed(prelu, weights), x).values
    np.testing.assert_array_equal(guided, [[3, 0, 0, -3]])
    deconv = DeconvNet()(weighed(prelu, weights), x).values
    np.testing.assert_array_equal(deconv, [[3, 4, -2.5, -3]])


@pytest.mark.parametrize("name", ["hard_silu", "silu", "gelu", "tanh"])
@BOTH
def test_other_activations_pass_their_gradient(method, name):
    function = layers.Activation(name, dtype="float64")
    positive = (3.0, 2.0, 5.0, 7.0)
    both = weighed(lambda x: keras.ops.relu(function(x) + 1e3), positive)  # which cuts nothing
    expected = GRADIENT(weighed(function, positive), X).values
    np.testing.assert_allclose(method(both, X).values, expected, rtol=1e-12)


@BOTH
def test_is_the_gradient_where_all_is_positive(method):
    rng = np.random.default_rng(1)
    network = SlowNetwork(1)
    model = network.keras_model()
    model.set_weights([np.abs(weight) for weight in model.get_weights()])
    x = rng.uniform(0.1, 1, (2, *network.shape))
    expected = GRADIENT(model, x, target=1).values
    assert np.abs(expected).min() > 0
    np.testing.assert_allclose(method(model, x, target=1).values, expected, rtol=1e-12)


@BOTH
def test_is_the_gradient_where_all_is_positive_around_residual_connections(method):
    network, rng = SlowResidual(1), np.random.default_rng(2)
    model = network.keras_model()
    model.set_weights([np.abs(weight) for weight in model.get_weights()])
    x = rng.uniform(0.1, 1, (2, *SHAPE))
    expected = GRADIENT(model, x, target=1).values
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(method(model, x, target=1).values, expected, rtol=1e-12)


def slow(network, x, target, rule):
    """Signal at x; `rule(z, signal)` takes it through a ReLU of z."""
    z1, z2, _ = network.forward(x)
    d2 = rule(z2, network.weights[:, target].reshape(z2.shape))
    d1 = rule(z1, convolve_back(d2, network.kernels[1], z1.shape))
    return convolve_back(d1, network.kernels[0], x.shape)


RULES = {
    "guided_backprop": lambda z, r: r * (r > 0) * (z > 0),
    "deconv_net": lambda z, r: r * (r > 0),
}


@BOTH
def test_equals_the_papers_rule_in_numpy(method):
    network = SlowNetwork(3)
    x = np.random.default_rng(4).normal(size=(2, *network.shape))
    for target in range(3):
        values = method(network.keras_model(), x, target=target).values
        expected = [slow(network, one, target, RULES[method.name]) for one in x]
        np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("pooling", "same"), [("AveragePooling2D", True), ("MaxPooling2D", False)]
)
def test_deconv_net_has_one_map_where_nothing_is_switched(pooling, same):
    pool = getattr(layers, pooling)(2)
    parts = [layers.Conv2D(4, 3, activation="relu"), pool, layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((6, 6, 2)), *parts])
    values = DeconvNet()(model, builders.images(2, (6, 6, 2)), target=1).values
    assert np.abs(values).max() > 0
    assert np.array_equal(*values) == same


@BOTH
@pytest.mark.parametrize("kind", builders.KINDS)
def test_kind_of_model_changes_nothing(method, kind):
    like, x = builders.functional(), builders.images()
    model = builders.same_weights(builders.KINDS[kind], like)
    expected = method(like, x, target=1).values
    np.testing.assert_allclose(method(model, x, target=1).values, expected, rtol=1e-4, atol=1e-6)
    assert not np.allclose(expected, GRADIENT(like, x, target=1).values)


@BOTH
def test_each_call_of_a_shared_layer_is_ruled(method):
    dense = layers.Dense(
        4, activation="relu", use_bias=False, dtype="float64", kernel_initializer="random_normal"
    )
    x = keras.Input((4,), dtype="float64")
    model = keras.Model(x, dense(dense(x)))
    w, given = dense.kernel.numpy(), np.array([[0.3, -1.0, 0.5, 2.0]])
    rule = RULES[method.name]
    for target in range(4):
        z1 = given @ w
        z2 = np.maximum(z1, 0) @ w
        signal = rule(z2, np.eye(4)[[target]]) @ w.T
        values = method(model, given, target=target).values
        np.testing.assert_allclose(values, rule(z1, signal) @ w.T, rtol=1e-12, atol=1e-15)


@BOTH
def test_network_without_a_relu_is_refused(method):
    gate = layers.Activation("hard_silu", dtype="float64")
    for model in (builders.product(), weighed(gate)):
        x = X[:, : model.input_shape[1]]
        with pytest.raises(UnsupportedModelError, match=r"No ReLU lies between the input and"):
            method(model, x)


@BOTH
def test_a_loop_is_as_the_same_network_without_one(method):
    def memory(unroll):
        return layers.SimpleRNN(3, activation="relu", unroll=unroll)

    parts = [memory(False), layers.Dense(2)]
    looped = keras.Sequential([keras.Input((4, 3)), *parts])
    plain = keras.Sequential([keras.Input((4, 3)), memory(True), parts[1]])
    plain.layers[0].set_weights(parts[0].get_weights())
    x = builders.images(2, (4, 3))
    values = method(looped, x, target=1).values
    np.testing.assert_allclose(values, method(plain, x, target=1).values, rtol=1e-5, atol=1e-7)
    assert np.abs(values).max() > 0


@BOTH
def test_a_compiled_call_is_refused_by_name(method):
    call = layers.Lambda(tf.function(tf.nn.relu, autograph=False), name="compiled")
    model = keras.Sequential([keras.Input((3,)), call, layers.Dense(2, activation="relu")])
    with pytest.raises(
        UnsupportedModelError, match=r"in '.*compiled.*': it runs inside a compiled call"
    ):
        method(model, builders.images(2, (3,)))


@BOTH
def test_mixed_precision_is_close(method):
    like = builders.functional()
    x = keras.Input(builders.IMAGE)
    h = builders.chain(x, builders.conv_parts("mixed_float16"))
    model = keras.Model(x, layers.Dense(3, activation="softmax", dtype="float32")(h))
    model.set_weights(like.get_weights())
    expected = method(like, builders.images(), target=1).values
    a = method(model, builders.images(), target=1)
    assert a.values.dtype == np.float32
    np.testing.assert_allclose(a.values, expected, atol=0.02 * np.abs(expected).max())
