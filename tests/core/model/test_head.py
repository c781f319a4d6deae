"""Logits, probabilities and outputs read off the graph of any ending."""

import numpy as np
import pytest
import tensorflow as tf

from tfxai.core.model.final_activation import Ending, ending, logits_of
from tfxai.core.model.head import answered, head, single_output
from tfxai.errors import UnsupportedModelError

Z = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 3.5]], np.float32)
W = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
MOVES = {
    "plain": (lambda p: p, lambda z: z),
    "identity": (tf.identity, lambda z: z),
    "cast": (lambda p: tf.cast(p, tf.float64), lambda z: z),
    "reshape": (lambda p: tf.reshape(p, (-1, 3)), lambda z: z),
    "squeeze": (lambda p: tf.squeeze(tf.reshape(p, (-1, 1, 3)), 1), lambda z: z),
    "slice": (lambda p: p[:, 1:], lambda z: z[:, 1:]),
    "reorder": (lambda p: tf.gather(p, [2, 0], axis=1), lambda z: z[:, [2, 0]]),
    "transpose": (lambda p: tf.transpose(p[:, None], (0, 2, 1)), lambda z: z[..., None]),
    "clip": (lambda p: tf.clip_by_value(p, 1e-7, 1 - 1e-7), lambda z: z),
    "floor": (lambda p: tf.maximum(p, 1e-7), lambda z: z),
    "parts": (lambda p: tf.concat(tf.split(p, 3, axis=1)[::-1], 1), lambda z: z[:, ::-1]),
    "twice": (lambda p: tf.stack([p, p[:, ::-1]], 1), lambda z: np.stack([z, z[:, ::-1]], 1)),
}
ACTIVATIONS = {
    "softmax": (tf.nn.softmax, "softmax"),
    "softmax by hand": (lambda z: tf.exp(z) / tf.reduce_sum(tf.exp(z), -1, True), "softmax"),
    "stable softmax by hand": (
        lambda z: (lambda e: e / tf.reduce_sum(e, -1, keepdims=True))(
            tf.exp(z - tf.reduce_max(z, -1, keepdims=True))
        ),
        "softmax",
    ),
    "softmax by logsumexp": (
        lambda z: tf.exp(z - tf.reduce_logsumexp(z, -1, keepdims=True)),
        "softmax",
    ),
    "sigmoid": (tf.sigmoid, "sigmoid"),
    "sigmoid by hand": (lambda z: 1 / (1 + tf.exp(-z)), "sigmoid"),
    "turned sigmoid": (lambda z: 1 - tf.sigmoid(-z), "sigmoid"),
}


def of(function, z=Z):
    """Ending and named outputs of a function of logits z, traced with a free batch axis."""
    found = []

    def run(z):
        z = tf.matmul(z, tf.eye(3))
        output = function(z)
        end = ending(output)
        found.append(end)
        kinds = {}
        for kind in ("logit", "probability", "output"):
            try:
                shown = answered(kind, end, explicit=True)
                kinds[kind] = head(output, shown, z, end)
            except UnsupportedModelError:
                continue
        return kinds

    spec = tf.TensorSpec((None, 3))
    outputs = tf.function(run, autograph=False).get_concrete_function(spec)(tf.constant(z))
    return found[0], {name: tensor.numpy() for name, tensor in outputs.items()}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_are_what_the_activation_was_given_whatever_comes_after(activation, move):
    function, kind = ACTIVATIONS[activation]
    moved, expected = MOVES[move]
    found, outputs = of(lambda z: moved(function(z)))
    assert (found.activation, found.gives) == (kind, "probabilities")
    np.testing.assert_allclose(outputs["logit"], expected(Z), rtol=1e-6)
    p = {"softmax": tf.nn.softmax, "sigmoid": tf.sigmoid}[kind](Z).numpy()
    for name in ("probability", "output"):
        np.testing.assert_allclose(outputs[name], expected(p), rtol=2e-6)


def test_the_gradient_of_a_softmax_by_hand_is_that_of_its_logits():
    @tf.function(autograph=False)
    def run(z):
        output = ACTIVATIONS["stable softmax by hand"][0](z)
        return tf.gradients(head(output, "logit", z, ending(output))[:, 1], z)[0]

    np.testing.assert_array_equal(run(tf.constant(Z)), [[0, 1, 0], [0, 1, 0]])


SIMPLEX = {
    "mean of two softmaxes": lambda z: (tf.nn.softmax(z) + tf.nn.softmax(2 * z)) / 2,
    "mean over heads": lambda z: tf.reduce_mean(
        tf.stack([tf.nn.softmax(z), tf.nn.softmax(-z)]), axis=0
    ),
    "mixture": lambda z: 0.3 * tf.nn.softmax(z) + 0.7 * tf.nn.softmax(z @ W),
    "share of a ReLU": lambda z: tf.nn.relu(z) / tf.reduce_sum(tf.nn.relu(z), -1, True),
    "half of one and tanh": lambda z: 0.5 * (1 + tf.tanh(z / 2)),
    "one minus a softmax": lambda z: 1 - tf.nn.softmax(z),
    "narrow clip": lambda z: tf.clip_by_value(tf.nn.softmax(z), 0.6, 0.9),
    "masked": lambda z: tf.where(z > 0, tf.sigmoid(z), 0.0),
    "clip of anything": lambda z: tf.clip_by_value(z, 0.0, 1.0),
    "a softmax over the batch": lambda z: tf.nn.softmax(z, axis=0),
    "sigmoid beside softmax": lambda z: tf.concat([tf.sigmoid(z), tf.nn.softmax(z)], 1),
}


@pytest.mark.parametrize("name", SIMPLEX)
def test_outputs_that_lie_in_0_to_1_for_certain_are_the_probabilities(name):
    found, outputs = of(SIMPLEX[name])
    assert found == Ending(None, "probabilities", found.operation)
    np.testing.assert_array_equal(outputs["probability"], outputs["output"])
    assert "logit" not in outputs
    assert answered("logit", found, explicit=False) == "output"


LINEAR = {
    "dense": lambda z: z @ W,
    "bias": lambda z: tf.nn.bias_add(z @ W, [1.0, 2.0, 3.0]),
    "temperature": lambda z: (z @ W + 1.0) / 0.5,
    "residual": lambda z: z @ W + tf.nn.relu(z),
    "two heads": lambda z: tf.concat([z @ W, z @ W], 1)[:, :3],
}


@pytest.mark.parametrize("name", LINEAR)
def test_what_ends_in_a_linear_layer_gives_logits(name):
    found, outputs = of(LINEAR[name])
    assert (found.activation, found.gives) == (None, "logits")
    np.testing.assert_array_equal(outputs["logit"], outputs["output"])
    np.testing.assert_allclose(outputs["probability"], tf.nn.softmax(outputs["output"]), rtol=1e-6)


UNKNOWN = {
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "twice a softmax": lambda z: tf.nn.softmax(z) * 2,
    "unnormalised": tf.exp,
    "weighed probabilities": lambda z: tf.nn.softmax(z) * tf.nn.softmax(z) * 3.0,
    "sorted": lambda z: tf.sort(tf.nn.softmax(z)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_end_refuses_probabilities_and_defaults_to_its_outputs(name):
    found, outputs = of(UNKNOWN[name])
    assert (found.activation, found.gives) == (None, "unknown")
    assert "probability" not in outputs
    assert answered("probability", found, explicit=False) == "output"
    with pytest.raises(UnsupportedModelError, match="neither known to be probabilities nor"):
        answered("probability", found, explicit=True)


@pytest.mark.parametrize(
    "function", [tf.nn.log_softmax, lambda z: tf.math.log(tf.nn.softmax(z))], ids=["op", "log"]
)
def test_log_probabilities_have_logits_and_their_exponentials_are_probabilities(function):
    found, outputs = of(function)
    assert (found.activation, found.gives) == ("softmax", "log_probabilities")
    np.testing.assert_array_equal(outputs["logit"], Z)
    np.testing.assert_allclose(outputs["probability"], tf.nn.softmax(Z), rtol=2e-6)
    np.testing.assert_allclose(outputs["output"], tf.nn.log_softmax(Z), rtol=2e-6)


def test_a_compiled_end_has_no_logits_and_no_probabilities():
    inner = tf.function(tf.nn.softmax, autograph=False)
    found, outputs = of(inner)
    assert found.gives == "hidden"
    assert set(outputs) == {"output"}
    for explicit in (True, False):
        with pytest.raises(UnsupportedModelError, match=r"compiled call .* Pass score='output'"):
            answered("logit", found, explicit=explicit)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.int32, tf.float64])
def test_outputs_are_float32_or_wider(dtype):
    @tf.function(autograph=False)
    def run(z):
        return head(tf.cast(z * 4, dtype), "output", z, Ending())

    outputs = run(tf.constant(Z))
    assert outputs.dtype == (tf.float64 if dtype == tf.float64 else tf.float32)
    np.testing.assert_array_equal(outputs, Z * 4)


def test_softmax_that_made_x_is_not_behind_x():
    @tf.function(autograph=False)
    def run(z):
        x = tf.nn.softmax(z)
        assert logits_of(tf.identity(x), x) is None
        end = ending(tf.identity(x))
        assert end.activation == "softmax"
        with pytest.raises(UnsupportedModelError, match="logits come before the model's softmax"):
            head(tf.identity(x), "logit", x, end)
        return head(x, "probability", x, end)

    np.testing.assert_allclose(run(tf.constant(Z)), tf.nn.softmax(Z), rtol=1e-6)


def test_one_unit_an_example_stands_for_two_classes_and_one_channel_of_a_map_does_not():
    @tf.function(autograph=False)
    def run(z):
        one, many = tf.sigmoid(z[:, :1]), tf.sigmoid(z[:, :, None])
        return [head(p, "probability", z, ending(p)) for p in (one, many)]

    one, many = run(tf.constant(Z))
    p = tf.sigmoid(Z).numpy()
    np.testing.assert_allclose(one, np.stack([1 - p[:, 0], p[:, 0]], 1), rtol=1e-6)
    np.testing.assert_allclose(many, p[..., None], rtol=1e-6)


def test_several_outputs_need_a_choice():
    assert single_output([3]) == 3
    assert single_output({"a": 3}) == 3
    with pytest.raises(UnsupportedModelError, match=r"2 outputs. Choose what .* registered score"):
        single_output({"a": 1, "b": [2]})
