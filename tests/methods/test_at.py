"""A layer's activations explained in the place of the input: cut, or whole with it replaced."""

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.methods.slow_network import SlowNetwork
from tfxai.core import network as networks
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError
from tfxai.methods import (
    GradientInput,
    GradientSHAP,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
    VarGrad,
)

SMALL = {"rtol": 1e-4, "atol": 1e-6}  # float32, a few hundred terms
X = builders.images()
METHODS = [Saliency(absolute=False), IntegratedGradients(steps=4, baseline=0.3)]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@pytest.fixture
def whole(monkeypatch):
    """Runs a call with and without cutting; says whether the first was cut."""
    cut, cuts = networks.cut, []

    def watched(model, path):
        cuts.append(cut(model, path))
        return cuts[-1]

    def both(method, model, x, **options):
        monkeypatch.setattr(networks, "cut", watched)
        first = method(model, x, **options)
        monkeypatch.setattr(networks, "cut", lambda model, path: None)
        second = method(model, x, chunk_size=63, **options)  # another plan: another program
        return first, second, cuts[-1] is not None

    return both


@pytest.mark.parametrize("layer", ["first", "second"])
def test_gradient_at_a_layer_equals_that_of_numpy(layer):
    network = SlowNetwork(21)
    x = np.random.default_rng(22).normal(size=(2, *network.shape))
    a = METHODS[0](network.keras_model("softmax"), x, target=1, at=layer)
    which = {"first": 1, "second": 2}[layer]
    expected = [network.gradients(one, 1)[which] for one in x]
    np.testing.assert_allclose(a.values, expected, rtol=1e-11, atol=1e-12)
    assert a.at == layer


def test_integrated_gradients_at_a_layer_equal_those_of_numpy():
    network, steps = SlowNetwork(23), 5
    x, x0 = np.random.default_rng(24).normal(size=(2, *network.shape))
    method = IntegratedGradients(rule="riemann_right", steps=steps, baseline=x0)
    a = method(network.keras_model(), x[None], target=2, at="first")
    ends = [np.maximum(network.forward(end)[0], 0) for end in (x, x0)]
    mean = np.zeros_like(ends[0])
    for k in range(1, steps + 1):
        mean += tail_gradient(network, ends[1] + k / steps * (ends[0] - ends[1]), 2) / steps
    np.testing.assert_allclose(a.values[0], (ends[0] - ends[1]) * mean, rtol=1e-10, atol=1e-11)


def tail_gradient(network, a1, target):
    """dS/dA1 of a `SlowNetwork` at any activations of its first layer."""
    tail = SlowNetwork(0)
    tail.kernels = [np.eye(3).reshape(1, 1, 3, 3), network.kernels[1]]
    tail.biases = [np.zeros(3), network.biases[1]]
    tail.weights, tail.offsets = network.weights, network.offsets
    return tail.gradients(a1, target)[1]  # a1 >= 0: the ReLU after an identity changes nothing


AROUND = [(METHODS[0], at) for at in ("conv1", "conv2", "join", "conv3", "both")]


OTHERS = [
    GradientInput(),
    GradientSHAP(background=builders.images(2, seed=3), samples=4),
    IntegratedGradients(tolerance=0.05, max_steps=17),
    SmoothGrad(samples=3),
    VarGrad(samples=3, of=IntegratedGradients(steps=2)),
]
AROUND += [(METHODS[1], "conv2"), (METHODS[1], "both")]
AROUND += [(method, at) for method in OTHERS for at in ("conv2", "both")]


@pytest.mark.parametrize(("method", "at"), AROUND)
def test_cut_and_whole_agree_around_residual_connections(method, at, whole):
    cut, replaced, was_cut = whole(method, builders.residual(), X, at=at)
    assert was_cut
    np.testing.assert_allclose(cut.values, replaced.values, **SMALL)
    np.testing.assert_allclose(cut.score, replaced.score, **SMALL)
    assert np.abs(cut.values).max() > 1e-3
    if method.name == "integrated_gradients":
        np.testing.assert_allclose(cut.baseline_score, replaced.baseline_score, **SMALL)
        np.testing.assert_allclose(cut.completeness_gap, replaced.completeness_gap, **SMALL)


EVERY_KIND = [(METHODS[0], kind) for kind in builders.KINDS]


@pytest.mark.parametrize(
    ("method", "kind"), [*EVERY_KIND, (METHODS[1], "subclassed"), (METHODS[1], "nested")]
)
def test_kind_of_model_changes_nothing(method, kind, whole):
    like = builders.functional()
    expected = method(like, X, target=1, at="conv1")
    model = builders.same_weights(builders.KINDS[kind], like)
    at = builders.CONV2.get(kind, "conv2").replace("conv2", "conv1")
    first, second, was_cut = whole(method, model, X, target=1, at=at)
    assert was_cut == (kind in ("functional", "sequential", "softmax_layer"))
    np.testing.assert_allclose(first.values, expected.values, **SMALL)
    np.testing.assert_allclose(second.values, expected.values, **SMALL)


@each_method
def test_call_of_a_shared_layer_is_replaced_and_the_other_is_not(method):
    model = builders.shared(None)
    conv, dense = model.get_layer("conv"), model.layers[-1]
    weights = dense.kernel.numpy()[:, 1].reshape(6, 5, 2)
    last = method(model, X, target=1, at="conv#1")
    if method.name == "saliency":
        np.testing.assert_allclose(last.values, [weights] * 3, **SMALL)
    else:
        ends = [conv(keras.ops.tanh(conv(end))).numpy() for end in (X, np.full_like(X, 0.3))]
        np.testing.assert_allclose(last.values, (ends[0] - ends[1]) * weights, **SMALL)
        # four nodes integrate a tanh to 2e-4 here
        first = method(model, X, target=1, at="conv#0")
        np.testing.assert_allclose(
            first.values.sum(axis=(1, 2, 3)), first.score - first.baseline_score, atol=1e-3
        )
        assert not np.allclose(first.values, last.values)


def masked():
    """The mean over the steps of a series that are not padding."""
    x = keras.Input((4, 2))
    h = layers.Masking(0.0, name="masking")(x)
    h = layers.Dense(3, activation="relu", name="first")(h)
    h = layers.Dense(3, activation="tanh", name="between")(h)
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))


class Masked(keras.Model):
    """As `masked`, with a `call` of its own: there masks travel on the tensors."""

    def __init__(self):
        super().__init__()
        self.parts = [
            layers.Masking(0.0, name="masking"),
            layers.Dense(3, activation="relu", name="first"),
            layers.Dense(3, activation="tanh", name="between"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
        self(np.zeros((1, 4, 2), np.float32))

    def call(self, x):
        return builders.chain(x, self.parts)


@pytest.mark.parametrize("build", [masked, Masked])
def test_masks_reach_behind_the_layer(build):
    model = build()
    x = builders.images(2, (4, 2))
    x[0, 2:] = 0  # the last two steps of the first example are padding
    for at, method in (("first", METHODS[0]), ("between", METHODS[0]), ("between", METHODS[1])):
        a = method(model, x, target=0, at=at)
        assert (a.values[0, 2:] == 0).all()
        assert np.abs(a.values[0, :2]).max() > 1e-3
        assert np.abs(a.values[1, 2:]).max() > 1e-3
        np.testing.assert_allclose(a.score, model(x).numpy()[:, 0], rtol=1e-5)


def test_mask_of_an_embedding_reaches_behind_it():
    tokens = keras.Input((3,), dtype="int32")
    embedding = layers.Embedding(5, 2, mask_zero=True, name="embedding")
    pooled = layers.GlobalAveragePooling1D()(embedding(tokens))
    model = keras.Model(tokens, layers.Dense(1)(pooled))
    a = METHODS[0](model, [[1, 2, 0], [3, 0, 0]], at="embedding")
    kernel = model.layers[-1].kernel.numpy()[:, 0]
    expected = np.zeros((2, 3, 2))
    expected[0, :2], expected[1, 0] = kernel / 2, kernel  # the mean of what is not padding
    np.testing.assert_allclose(a.values, expected, rtol=1e-6)


@each_method
def test_attention_at_an_embedding(method, whole):
    tokens = keras.Input((4,), dtype="int32")
    e = layers.Embedding(9, 4, name="embedding")(tokens)
    h = layers.LayerNormalization()(e + layers.MultiHeadAttention(2, 3, name="attention")(e, e))
    h = layers.Dropout(0.5)(h)
    model = keras.Model(tokens, layers.Dense(3, activation="softmax")(layers.Flatten()(h)))
    method = IntegratedGradients(steps=60) if method.name == "integrated_gradients" else method
    words = np.array([[1, 5, 3, 8], [2, 2, 7, 0]])
    cut, replaced, was_cut = whole(method, model, words, at="embedding")
    assert was_cut
    np.testing.assert_allclose(cut.values, replaced.values, **SMALL)
    if method.name == "integrated_gradients":
        np.testing.assert_allclose(cut.completeness_gap, 0, atol=1e-5)  # smooth: rounding


class Doubling(layers.Layer):
    """Three times x in training, which is its default, else x."""

    def call(self, x, training=True):
        return x * (3.0 if training else 1.0)


def test_cut_runs_in_inference_whatever_the_nodes_say(whole):
    x = keras.Input((4,))
    h = layers.Dense(6, name="h")(x)
    h = layers.Dropout(0.5)(h, training=True)
    h = Doubling()(h)
    h = layers.BatchNormalization()(h, training=True)
    model = keras.Model(x, layers.Dense(2, name="out")(h))
    cut, replaced, was_cut = whole(METHODS[0], model, builders.images(2, (4,)), target=0, at="h")
    assert was_cut
    scale = 1 / np.sqrt(1 + 1e-3)
    expected = [model.get_layer("out").kernel.numpy()[:, 0] * scale] * 2
    np.testing.assert_allclose(cut.values, expected, rtol=1e-5)
    np.testing.assert_allclose(replaced.values, expected, rtol=1e-5)


def test_model_with_a_call_of_its_own_is_not_cut(whole):
    class Tenfold(keras.Model):
        def call(self, x, training=None):
            return 10.0 * super().call(x, training=training)

    x = keras.Input((4,))
    model = Tenfold(x, layers.Dense(2, name="out")(layers.Dense(6, name="h")(x)))
    a, _, was_cut = whole(METHODS[0], model, builders.images(2, (4,)), target=0, at="h")
    assert not was_cut
    kernel = model.get_layer("out").kernel.numpy()[:, 0]
    np.testing.assert_allclose(a.values, [10 * kernel] * 2, rtol=1e-5)


def test_neuron_behind_the_layer():
    model = builders.functional(dtype="float64")
    x = X.astype(np.float64)
    kernel = model.get_layer("conv2").kernel.numpy()
    a = METHODS[0](model, x, at="conv1", score=tfxai.Neuron("conv2", (1, 2, 0)))
    expected = np.zeros_like(a.values)
    expected[a.score > 0, 1:3, 2:4] = kernel[..., 0]
    assert (a.score > 0).any()
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)


@pytest.mark.slow
def test_layer_behind_the_logits_is_refused_and_its_output_explained():
    for model, at in (
        (builders.functional(), "head"),
        (builders.softmax_layer(), "reshape"),
        (builders.subclassed(), "head"),
    ):
        at = next((layer.name for layer in model.layers if layer.name.startswith(at)), at)
        for method in METHODS:
            with pytest.raises(UnsupportedModelError, match="logits come before the model's soft"):
                method(model, X, at=at)
            for score in ("output", "probability"):
                a = method(model, X, target=1, at=at, score=score)
                if method.name == "saliency":
                    np.testing.assert_array_equal(a.values, [[0.0, 1.0, 0.0]] * 3)
                else:
                    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-6)
                np.testing.assert_allclose(a.score, model(X).numpy()[:, 1], rtol=1e-5)


def test_what_cannot_be_explained_at_is_refused():
    model = builders.functional()
    with pytest.raises(LayerNotFoundError, match=r"no layer 'conv3'. Did you mean 'conv\d'"):
        METHODS[0](model, X, at="conv3")
    tokens = keras.Input((3,), dtype="int32")
    shifted = layers.Rescaling(1, dtype="int32", name="shift")(tokens)
    words = keras.Model(tokens, layers.Dense(2)(layers.Embedding(9, 2)(shifted)[:, 0]))
    with pytest.raises(InvalidInputError, match="'shift' does not return one floating-point ten"):
        METHODS[0](words, [[1, 2, 3]], at="shift")
    several = builders.images(2, (5, 3))
    recurrent = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2, name="lstm")])
    for at in ("lstm/lstm_cell", "lstm/lstm_cell#0"):
        with pytest.raises(InvalidInputError, match=r"is called 2 times|does not return one fl"):
            METHODS[0](recurrent, several, at=at)
