"""Logits, probabilities and outputs read off the graph of any ending."""

import numpy as np
import pytest
import tensorflow as tf

from tfxai.core.heads import final_activation, head, single_output
from tfxai.errors import UnsupportedModelError

Z = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 3.5]], np.float32)
ENDINGS = {
    "plain": lambda z: z,
    "identity": tf.identity,
    "cast": lambda z: tf.cast(z, tf.float64),
    "reshape": lambda z: tf.reshape(z, (-1, 3)),
    "squeeze": lambda z: tf.squeeze(tf.reshape(z, (-1, 1, 3)), 1),
    "twice": lambda z: tf.identity(tf.reshape(tf.cast(z, tf.float64), (-1, 3))),
}


def ends(ending, activation, kind, explicit=False):
    """The final activation that is seen, and the outputs, for logits Z."""
    functions = {"softmax": tf.nn.softmax, "sigmoid": tf.sigmoid, None: lambda z: z + 0}
    found = []

    @tf.function(autograph=False)
    def run(z):
        output = ENDINGS[ending](functions[activation](z))
        found.append(final_activation(output, z))
        return head(output, kind, z, activation=found[0], explicit=explicit)

    return run(tf.constant(Z)).numpy(), found[0]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
def test_logits_are_what_the_activation_was_given(ending, activation):
    outputs, found = ends(ending, activation, "logit")
    assert found == activation
    np.testing.assert_array_equal(outputs, Z)


@pytest.mark.parametrize("ending", ENDINGS)
def test_probabilities_and_outputs(ending):
    softmax, sigmoid = tf.nn.softmax(Z).numpy(), tf.sigmoid(Z).numpy()
    for kind in ("probability", "output"):
        np.testing.assert_allclose(ends(ending, "softmax", kind)[0], softmax, rtol=1e-6)
        np.testing.assert_allclose(ends(ending, "sigmoid", kind)[0], sigmoid, rtol=1e-6)
        np.testing.assert_allclose(ends(ending, None, kind)[0], Z)
    np.testing.assert_allclose(ends(ending, None, "probability", True)[0], softmax, rtol=1e-6)
    np.testing.assert_allclose(ends(ending, None, "output", True)[0], Z)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.int32, tf.float64])
def test_outputs_are_float32_or_wider(dtype):
    @tf.function(autograph=False)
    def run(z):
        return head(tf.cast(z * 4, dtype), "output", z, activation=None, explicit=False)

    outputs = run(tf.constant(Z))
    assert outputs.dtype == (tf.float64 if dtype == tf.float64 else tf.float32)
    np.testing.assert_array_equal(outputs, Z * 4)


def test_activation_followed_by_arithmetic_is_no_ending():
    @tf.function(autograph=False)
    def run(z):
        return [
            final_activation(output) or "none"
            for output in (tf.nn.softmax(z) * 2, tf.nn.softmax(z, axis=0), tf.nn.log_softmax(z), z)
        ]

    assert [kind.numpy().decode() for kind in run(tf.constant(Z))] == ["none"] * 4


def test_softmax_that_made_x_is_not_behind_x():
    @tf.function(autograph=False)
    def run(z):
        x = tf.nn.softmax(z)
        assert final_activation(tf.identity(x), x) is None
        assert final_activation(tf.identity(x)) == "softmax"
        with pytest.raises(UnsupportedModelError, match="logits come before the model's softmax"):
            head(tf.identity(x), "logit", x, activation="softmax", explicit=False)
        return head(x, "probability", x, activation="softmax", explicit=True)

    np.testing.assert_allclose(run(tf.constant(Z)), tf.nn.softmax(Z), rtol=1e-6)


def test_several_outputs_need_a_choice():
    assert single_output([3]) == 3
    assert single_output({"a": 3}) == 3
    with pytest.raises(UnsupportedModelError, match=r"2 outputs. Choose what .* registered score"):
        single_output({"a": 1, "b": [2]})
