"""Bytes that a graph takes at once, counted by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tfxai.core.graph.liveness import peak_bytes
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.pass_memory import pass_bytes
from tfxai.core.model.structure import model_structure

FLOAT = 4


def peak(function, shape=(1, 10)):
    """The count for a function of x, which returns one tensor."""
    found = []

    def run(x):
        found.append(peak_bytes([x], [function(x)]))

    tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return found[0]


def wide(x, n):
    """(1, n) of (1, 10), by weights that do not rest on x."""
    return tf.matmul(x, tf.ones([10, n]))


def test_x_and_the_result_are_alive_together():
    assert peak(lambda x: wide(x, 30)) == FLOAT * (10 + 30)


def test_elementwise_operations_write_over_what_nobody_reads_again():
    assert peak(lambda x: tf.tanh(tf.nn.relu(wide(x, 30)) + 1)) == FLOAT * (10 + 30)


def test_what_is_read_again_is_not_written_over():
    def function(x):
        h = wide(x, 30)
        return tf.tanh(h) * tf.reverse(h, [1])

    assert peak(function) == FLOAT * (10 + 30 + 30 + 30)  # h, its tanh, its reverse


def test_x_itself_is_never_written_over():
    assert peak(tf.nn.relu) == FLOAT * (10 + 10)


def test_views_take_no_memory():
    def function(x):
        return tf.reshape(tf.identity(tf.reshape(wide(x, 30), [5, 6])), [1, 30])

    assert peak(function) == FLOAT * (10 + 30)


def test_a_view_keeps_what_it_shows():
    def function(x):
        h = wide(x, 30)
        view = tf.reshape(h, [30, 1])
        return tf.tanh(h)[:, :1] + tf.reduce_sum(view)

    # tanh must not write over h, which the view shows
    assert peak(function) == FLOAT * (10 + 30 + 30 + 1)


def test_what_is_done_with_is_freed():
    def function(x):
        small = tf.reduce_sum(wide(x, 1000), axis=1, keepdims=True)
        return tf.reduce_sum(tf.matmul(small, tf.ones([1, 500])), axis=1)

    assert peak(function) == FLOAT * (10 + 1000 + 1)


def test_what_is_written_twice_is_computed_once():
    def function(x):
        h = wide(x, 30)
        a, b = tf.nn.relu(h), tf.nn.relu(h)
        return tf.concat([a, b, h], axis=1)

    assert peak(function) == FLOAT * (10 + 30 + 30 + 90)  # h, one relu, the result


def test_the_way_back_keeps_what_it_needs():
    def function(x):
        h = tf.nn.relu(wide(x, 30))  # whose sign the way back reads
        return tf.gradients(tf.reduce_sum(tf.matmul(h, tf.ones([30, 200]))), x)[0]

    # the sum's gradient is filled by shape alone: h, and the gradient by it that becomes that of x
    assert peak(function) == FLOAT * (10 + 30 + 10)


def test_nobody_knows_of_a_loop():
    def function(x):
        return tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h + 1), (0, x))[1]

    assert peak(function) is None


def bytes_of(model, x):
    layout = read_inputs(model, x)[0]
    body = model_structure(model, layout)
    return pass_bytes(model, layout, body), body


@pytest.mark.parametrize("kind", sorted(builders.KINDS))
def test_a_pass_takes_less_than_every_layer_thrice_however_it_is_written(kind):
    found, body = bytes_of(builders.KINDS[kind]("softmax"), builders.images(3))
    assert FLOAT * 6 * 5 * 4 <= found < body.pass_bytes  # the largest layer is alive


def test_every_example_takes_the_same():
    model = builders.functional()
    assert bytes_of(model, builders.images(1))[0] == bytes_of(model, builders.images(9))[0]


def test_a_network_over_time_counts_every_layer():
    x = keras.Input((5, 2))
    found, body = bytes_of(keras.Model(x, layers.LSTM(3)(x)), np.ones((2, 5, 2), np.float32))
    assert found == body.pass_bytes


def test_words_are_followed_from_their_embedding():
    words = keras.Input((7,), dtype="int32")
    h = layers.Embedding(11, 8)(words)
    h = layers.Dense(100, activation="relu")(h)
    model = keras.Model(words, layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))
    found, body = bytes_of(model, np.ones((2, 7), np.int32))
    assert FLOAT * 7 * 108 <= found < body.pass_bytes
