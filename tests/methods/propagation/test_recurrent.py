"""Rules through recurrent layers: as without a loop, by hand, and what adds up."""

from __future__ import annotations

import dataclasses
import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tests import builders
from tfxai.core.propagation import unrolling
from tfxai.errors import NotFiniteError, UnsupportedModelError
from tfxai.methods import (
    LRP,
    AttributionMethod,
    DeepLIFT,
    DeepSHAP,
    GuidedBackprop,
    LibraGrad,
    Saliency,
)
from tfxai.rules import Epsilon

STEPS, CHANNELS, UNITS = 3, 2, 3
SHAPE = (STEPS, CHANNELS)
X, BASE = np.random.default_rng(1).normal(size=(2, 4, *SHAPE))
EXACTLY = LRP(rule=Epsilon(epsilon=0.0))
METHODS = {
    "deep_lift": DeepLIFT(baseline=BASE),
    "deep_shap": DeepSHAP(background=BASE),
    "lrp": EXACTLY,
    "lrp_gamma": LRP(rule="gamma"),
    "libra_grad": LibraGrad(),
}


@pytest.fixture(autouse=True)
def _float64(float64):
    keras.utils.set_random_seed(3)


def network(layer, shape=SHAPE):
    x = keras.Input(shape)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layer(x))))


def with_biases(model):
    """The model with biases that are not zero."""
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(size=w.shape) * 0.3 for w in model.get_weights()])
    return model


def assert_complete(a, tolerance=1e-10):
    size = np.abs(a.values).reshape(len(a.values), -1).sum(axis=1)
    assert (np.abs(a.completeness_gap) <= tolerance * size).all()
    assert size.max() > 0


def total(values):
    return values.reshape(len(values), -1).sum(axis=1)


class Written(layers.Layer):
    """A recurrent network written out, step by step, with the weights of a recurrent layer."""

    def __init__(self, step, weights):
        super().__init__()
        self.step, self.held = step, weights

    def call(self, x):
        state = [ops.zeros((ops.shape(x)[0], UNITS), x.dtype)] * 2
        for t in range(STEPS):
            state = self.step(x[:, t], *state, *self.held)
        return state[0]


def simple_step(x, h, c, w, u, b):
    return ops.tanh((ops.matmul(x, w) + b) + ops.matmul(h, u)), c


def lstm_step(x, h, c, w, u, b):
    i, f, g, o = ops.split(ops.matmul(x, w) + ops.matmul(h, u) + b, 4, axis=1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_step(x, h, c, w, u, b):
    of_x = ops.split(ops.matmul(x, w) + b[0], 3, axis=1)
    of_h = ops.split(ops.matmul(h, u) + b[1], 3, axis=1)
    z, r = (ops.sigmoid(of_x[i] + of_h[i]) for i in range(2))
    return z * h + (1 - z) * ops.tanh(of_x[2] + r * of_h[2]), c


def gru_step_reset_before(x, h, c, w, u, b):
    z_x, r_x, g_x = ops.split(ops.matmul(x, w) + b, 3, axis=1)
    u_z, u_r, u_g = ops.split(u, 3, axis=1)
    z, r = ops.sigmoid(z_x + ops.matmul(h, u_z)), ops.sigmoid(r_x + ops.matmul(h, u_r))
    return z * h + (1 - z) * ops.tanh(g_x + ops.matmul(r * h, u_g)), c


WITHOUT_A_LOOP = {
    "simple": (lambda: layers.SimpleRNN(UNITS), simple_step),
    "lstm": (lambda: layers.LSTM(UNITS), lstm_step),
    "gru": (lambda: layers.GRU(UNITS), gru_step),
    "gru, reset before": (lambda: layers.GRU(UNITS, reset_after=False), gru_step_reset_before),
}


@pytest.mark.parametrize("kind", WITHOUT_A_LOOP)
def test_equals_the_same_network_without_a_loop(kind):
    make, step = WITHOUT_A_LOOP[kind]
    model = with_biases(network(make()))
    weights = model.layers[1].get_weights()
    written = network(Written(step, [ops.convert_to_tensor(w) for w in weights]))
    written.layers[-1].set_weights(model.layers[-1].get_weights())
    for name in METHODS if kind == "simple" else ("deep_lift", "lrp"):
        method = METHODS[name]
        a, b = method(model, X, target=1), method(written, X, target=1)
        np.testing.assert_allclose(a.score, b.score, rtol=1e-10)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-7, atol=1e-10, err_msg=name)
        assert np.abs(a.values).max() > 1e-3
        if a.completeness_gap is not None:
            assert_complete(a)


def simple_network():
    model = with_biases(network(layers.SimpleRNN(UNITS)))
    return model, [w.astype(float) for w in model.get_weights()]


def test_three_steps_of_deep_lift_in_numpy():
    model, (w, u, b, v, _) = simple_network()

    def states(x):
        z, h = [], [np.zeros(UNITS)]
        for one in x:
            z.append(one @ w + h[-1] @ u + b)
            h.append(np.tanh(z[-1]))
        return z, h

    expected = []
    for x, x0 in zip(X, BASE, strict=True):
        (z, h), (z0, h0) = states(x), states(x0)
        m, rows = v[:, 1], []
        for t in reversed(range(STEPS)):
            at_z = m * (h[t + 1] - h0[t + 1]) / (z[t] - z0[t])
            rows.append((w @ at_z) * (x[t] - x0[t]))
            m = u @ at_z
        expected.append(rows[::-1])
    a = DeepLIFT(baseline=BASE)(model, X, target=1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-8)


def test_three_steps_of_lrp_in_numpy():
    model, (w, u, b, v, _) = simple_network()
    expected = []
    for x in X:
        z, h = [], [np.zeros(UNITS)]
        for one in x:
            z.append(one @ w + h[-1] @ u + b)
            h.append(np.tanh(z[-1]))
        r, rows = h[-1] * v[:, 1], []
        for t in reversed(range(STEPS)):
            rows.append(x[t] * (w @ (r / z[t])))
            r = h[t] * (u @ (r / z[t]))
        expected.append(rows[::-1])
    np.testing.assert_allclose(EXACTLY(model, X, target=1).values, expected, rtol=1e-8)


class Leaky(layers.Layer):
    """A cell of one's own: h <- a h + (1 - a) relu(W x + U h)."""

    def __init__(self):
        super().__init__()
        self.state_size = UNITS
        self.of_x, self.of_h = (layers.Dense(UNITS, use_bias=False) for _ in range(2))

    def build(self, shape):
        self.of_x.build(shape)
        self.of_h.build((shape[0], UNITS))

    def call(self, x, states):
        h = 0.3 * states[0] + 0.7 * ops.relu(self.of_x(x) + self.of_h(states[0]))
        return h, [h]


def lstm(**options):
    return layers.LSTM(UNITS, unit_forget_bias=False, **options)


def stacked():
    first = lstm(return_sequences=True)
    return lambda x: layers.GRU(2)(layers.Dropout(0.5)(first(x)))


def from_states():
    """The states of one layer begin the next one's."""

    def run(x):
        y, h, c = lstm(return_sequences=True, return_state=True)(x)
        return layers.LSTM(UNITS, unit_forget_bias=False)(y, initial_state=[h, c])

    return run


KINDS = {
    "sequences": lambda: lstm(return_sequences=True),
    "backwards": lambda: layers.GRU(UNITS, go_backwards=True),
    "backwards sequences": lambda: layers.GRU(UNITS, go_backwards=True, return_sequences=True),
    "bidirectional": lambda: layers.Bidirectional(lstm(return_sequences=True)),
    "bidirectional sum": lambda: layers.Bidirectional(layers.GRU(2), merge_mode="sum"),
    "stacked": stacked,
    "states": from_states,
    "unrolled by Keras": lambda: lstm(unroll=True),
    "relu": lambda: layers.SimpleRNN(UNITS, activation="relu"),
    "hard sigmoid": lambda: lstm(recurrent_activation="hard_sigmoid"),
    "cell": lambda: layers.RNN(Leaky()),
    "cells": lambda: layers.RNN([layers.GRUCell(2), layers.SimpleRNNCell(UNITS)]),
    "stacked cells": lambda: layers.RNN(
        layers.StackedRNNCells([layers.SimpleRNNCell(2), Leaky()]), return_sequences=True
    ),
    "masked": lambda: lambda x: lstm()(layers.Masking()(x)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_adds_up(kind):
    model, x = network(KINDS[kind](), (2, CHANNELS)), X[:, :2]  # biases begin as zeros
    assert_complete(DeepLIFT(baseline=BASE[:, :2])(model, x, target=1))
    a = EXACTLY(model, x, target=1)
    np.testing.assert_allclose(total(a.values), a.score, rtol=1e-8, atol=1e-10)
    alone = EXACTLY(model, x[1:2], target=1)
    np.testing.assert_allclose(alone.values[0], a.values[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["float32", "mixed_float16"])
def test_narrow_numbers_are_close(kind):
    model = with_biases(network(lstm()))
    x = keras.Input(SHAPE, dtype="float32")
    h = layers.Flatten(dtype=kind)(layers.LSTM(UNITS, dtype=kind)(x))
    narrow = keras.Model(x, layers.Dense(2, dtype="float32")(h))
    narrow.set_weights(model.get_weights())
    for method in (DeepLIFT(baseline=BASE), EXACTLY):
        values = method(narrow, X.astype("float32"), target=1).values
        expected = method(model, X, target=1).values
        bound = (1e-4 if kind == "float32" else 0.1) * np.abs(expected).max()
        np.testing.assert_allclose(values, expected, atol=bound)


def padded():
    x = X.copy()
    x[0, 2:], x[1, 1:], x[2, 0] = 0, 0, 0
    return x


@pytest.mark.parametrize("layer", ["lstm", "bidirectional"])
def test_padding_has_nothing_and_changes_nothing(layer):
    inner = lstm() if layer == "lstm" else layers.Bidirectional(layers.SimpleRNN(2))
    x = keras.Input((None, CHANNELS))
    model = keras.Model(x, layers.Dense(2)(inner(layers.Masking()(x))))
    given = padded()
    for method in (DeepLIFT(), EXACTLY, LibraGrad()):
        a = method(model, given, target=1)
        np.testing.assert_array_equal(a.values[0, 2:], 0)
        np.testing.assert_array_equal(a.values[1, 1:], 0)
        np.testing.assert_array_equal(a.values[2, 0], 0)
        shorter = method(model, given[:1, :2], target=1)
        np.testing.assert_allclose(a.values[:1, :2], shorter.values, rtol=1e-9, atol=1e-12)
        if a.completeness_gap is not None:
            assert_complete(a)


def test_steps_that_leave_the_padding_share_what_that_changes():
    # The baseline is padding altogether: both elements of a step lift its mask, each by half.
    mask = layers.Masking()
    x = keras.Input((1, 2))
    model = keras.Model(x, layers.SimpleRNN(1, activation="linear")(mask(x)))
    model.set_weights([np.array([[2.0], [3.0]]), np.zeros((1, 1)), np.array([1.0])])
    a = DeepLIFT()(model, [[[4.0, 5.0]]])
    # y = m (2 x0 + 3 x1 + 1) and x_i is m x_i: 24 at x, where m goes from 0 to 1, else 0
    assert a.score == 24
    assert_complete(a)
    b = DeepLIFT(baseline=[[1.0, 1.0]])(model, [[[4.0, 5.0]]])
    np.testing.assert_allclose(b.values, [[[6.0, 12.0]]], rtol=1e-12)  # the mask stays


def text_classifier():
    ids = keras.Input((4,), dtype="int32")
    vectors = layers.Embedding(9, 3, mask_zero=True, name="embedding")(ids)
    return with_biases(keras.Model(ids, layers.Dense(2)(layers.LSTM(UNITS)(vectors))))


IDS = np.array([[3, 1, 0, 0], [5, 8, 2, 6]])


@pytest.mark.filterwarnings(builders.KERAS_SAVES)
def test_a_text_classifier_and_its_file(tmp_path):
    model = text_classifier()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for method in (DeepLIFT(), LRP()):
        a = method(model, IDS, target=1)
        assert a.values.shape == (2, 4, 3)
        np.testing.assert_array_equal(a.values[0, 2:], 0)
        assert np.abs(a.values[0, :2]).min() > 0
        np.testing.assert_allclose(method(again, IDS, target=1).values, a.values, rtol=1e-10)
    assert_complete(DeepLIFT()(model, IDS, target=1))


def test_convolutions_in_a_loop_add_up():
    x = keras.Input((2, 4, 1))
    h = layers.ConvLSTM1D(2, 2, padding="same", unit_forget_bias=False)(x)
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(h)))
    given, base = np.random.default_rng(0).normal(size=(2, 2, 2, 4, 1))
    assert_complete(DeepLIFT(baseline=base)(model, given))
    a = EXACTLY(model, given)
    np.testing.assert_allclose(total(a.values), a.score, rtol=1e-8)


class Op(layers.Layer):
    """A function of TensorFlow as a layer."""

    def __init__(self, function):
        super().__init__(name="own")
        self.function = function

    def call(self, x):
        return self.function(x)


def while_loop(x):
    """H <- tanh(x_t + h / 2), T times, in a loop that looks at the shape."""
    return tf.while_loop(
        lambda t, h: t < tf.shape(x)[1],
        lambda t, h: (t + 1, tf.tanh(x[:, 0] * tf.cast(t + 1, x.dtype) + h / 2)),
        [tf.constant(0), tf.zeros_like(x[:, 0])],
    )[1]


def while_written(x):
    h = tf.zeros_like(x[:, 0])
    for t in range(STEPS):
        h = tf.tanh(x[:, 0] * (t + 1) + h / 2)
    return h


def scan(x):
    return tf.scan(lambda h, one: tf.tanh(one + h / 2), tf.transpose(x, [1, 0, 2]))[-1]


def scan_written(x):
    h = x[:, 0]
    for t in range(1, STEPS):
        h = tf.tanh(x[:, t] + h / 2)
    return h


def mapped(x):
    return tf.map_fn(lambda one: tf.tanh(one) * one[:, :1], tf.transpose(x, [1, 0, 2]))[1]


def nested_loops(x):
    def outer(t, h):
        inner = tf.while_loop(
            lambda k, _: k < 2, lambda k, a: (k + 1, tf.tanh(a + h)), [0, x[:, t]]
        )
        return t + 1, inner[1]

    return tf.while_loop(lambda t, _: t < STEPS, outer, [0, tf.zeros_like(x[:, 0])])[1]


def nested_written(x):
    h = tf.zeros_like(x[:, 0])
    for t in range(STEPS):
        a = x[:, t]
        for _ in range(2):
            a = tf.tanh(a + h)
        h = a
    return h


LOOPS = {
    "while": (while_loop, while_written),
    "scan": (scan, scan_written),
    "map": (mapped, lambda x: tf.tanh(x[:, 1]) * x[:, 1, :1]),
    "nested": (nested_loops, nested_written),
}


@pytest.mark.parametrize("kind", LOOPS)
def test_loops_of_ones_own_equal_what_they_do(kind):
    loop, written = LOOPS[kind]
    model, plain = network(Op(loop)), network(Op(written))
    plain.set_weights(model.get_weights())
    for method in (DeepLIFT(baseline=BASE), LRP()):
        a, b = method(model, X, target=1), method(plain, X, target=1)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-8, atol=1e-12)
        assert np.abs(a.values).max() > 1e-3


def test_guided_backprop_without_negative_signals_is_the_gradient():
    model = network(layers.SimpleRNN(UNITS, activation="relu"))
    model.set_weights([np.abs(w) for w in model.get_weights()])
    a = GuidedBackprop()(model, X, target=1)
    expected = Saliency(absolute=False)(model, X, target=1).values
    np.testing.assert_allclose(a.values, expected, rtol=1e-10)


def until_small(x):
    return tf.while_loop(lambda h: tf.reduce_max(h) > 0.5, lambda h: [h / 2], [x])[0]


def noisy(x):
    return tf.while_loop(
        lambda t, h: t < 3,
        lambda t, h: (t + 1, h + tf.random.normal(tf.shape(h), dtype=h.dtype)),
        [0, x],
    )[1]


def endless(x):
    return tf.while_loop(lambda t, h: t < 10**9, lambda t, h: (t + 1, tf.tanh(h)), [0, x])[1]


REFUSED = {
    "a number of rounds that depends on x": (until_small, "number of rounds is not known"),
    "random numbers": (noisy, "draws or changes something"),
    "too many rounds": (endless, r"loop of more than \d+ rounds"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("method", [DeepLIFT(), LRP()], ids=["deep_lift", "lrp"])
def test_a_loop_that_cannot_be_written_out_is_refused_by_name(kind, method, monkeypatch):
    monkeypatch.setattr(unrolling, "MOST_ROUNDS", 20)
    loop, sentence = REFUSED[kind]
    with pytest.raises(UnsupportedModelError, match=rf"in 'own': .*{sentence}") as caught:
        method(network(Op(loop)), X, target=1)
    assert "IntegratedGradients" in str(caught.value)


def test_a_series_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(unrolling, "MOST_ROUNDS", STEPS - 1)
    with pytest.raises(UnsupportedModelError, match="the most"):
        LRP()(network(lstm()), X, target=1)
    monkeypatch.setattr(unrolling, "MOST_ROUNDS", STEPS)
    monkeypatch.setattr(unrolling, "MOST_OPERATIONS", 20)
    with pytest.raises(UnsupportedModelError, match="more than 20 operations"):
        LRP()(network(lstm()), X, target=1)


def test_a_stateful_layer_is_refused():
    x = keras.Input(SHAPE, batch_size=4)
    model = keras.Model(x, layers.Dense(2)(layers.LSTM(2, stateful=True)(x)))
    for method in (DeepLIFT(), LRP()):
        with pytest.raises(UnsupportedModelError, match="stateful"):
            method(model, X, target=1)


class _TracedError(Exception):
    """What a trace is ended by: cuDNN's operations run on a GPU only."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Steps(AttributionMethod, is_named=False):
    """Says which steps it would take, and ends."""

    name = "steps_of_a_test"

    def _attribute(self, f, x):
        raise _TracedError([step.kind for step in f.propagation(x, by_difference=True).steps])


def test_what_a_gpu_fuses_is_followed_in_a_loop(monkeypatch):
    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    model, x = network(lstm()), X.astype("float32")
    with pytest.raises(_TracedError) as on_a_cpu:
        Steps()(model, x, target=1)
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    model = network(lstm())
    with pytest.raises(_TracedError) as on_a_gpu:
        Steps()(model, x, target=1)
    assert on_a_gpu.value.args == on_a_cpu.value.args
    assert on_a_gpu.value.args[0].count("product") == 3 * STEPS - 1  # the first state is zero


def test_attention_behind_masking_is_conserved_or_refused():
    keras.utils.set_random_seed(0)
    series = keras.Input((5, 3))
    masked = keras.layers.Masking()(series)
    seen = keras.layers.MultiHeadAttention(2, 4)(masked, masked)
    pooled = keras.layers.GlobalAveragePooling1D()(seen)
    model = keras.Model(series, keras.layers.Dense(2)(pooled))
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    x[:, 3:] = 0
    for method in (LRP(), LibraGrad()):
        a = method(model, x, target=1)
        np.testing.assert_allclose(a.values.sum(axis=(1, 2)), a.score, atol=1e-4)
        np.testing.assert_array_equal(a.values[:, 3:], 0)
    with pytest.raises(NotFiniteError, match="deep_lift gives NaN"):
        DeepLIFT()(model, x, target=1)
