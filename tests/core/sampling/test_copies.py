"""Weighted sums over copies of a batch against NumPy, and what they run at once."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests import builders
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.pass_memory import pass_bytes
from tfxai.core.model.structure import model_structure
from tfxai.core.sampling.copies import (
    SPARE,
    chunk_rows,
    copies_per_chunk,
    repeat_batch,
    weighted_sum,
)
from tfxai.methods import Conductance, IntegratedGradients


def summed(count, batch, chunk):
    """sum_k w_k (x_b + k)^2 with the rows of each round, through a graph as methods use it."""
    rng = np.random.default_rng(count)
    weights, x = rng.normal(size=count), rng.normal(size=(batch, 2, 3))
    rounds = []

    @tf.function(input_signature=[tf.TensorSpec((None, 2, 3), tf.float64)], autograph=False)
    def run(x):
        size = tf.shape(x)[0]
        copies = copies_per_chunk(count, size, chunk)
        rows = repeat_batch(x, copies)

        def step(index):
            seen = tf.numpy_function(lambda k: rounds.append(k.copy()), [index], [])
            k = tf.reshape(tf.repeat(tf.cast(index, tf.float64), size), (-1, 1, 1))
            with tf.control_dependencies([seen]):
                values = (rows + k) ** 2
            return {"square": values, "sum": tf.reduce_sum(values, axis=(1, 2))}

        like = {"square": x, "sum": x[:, 0, 0]}
        return weighted_sum(step, tf.constant(weights), copies, like)

    k = np.arange(count).reshape(-1, 1, 1, 1)
    expected = np.einsum("k,kbij->bij", weights, (x + k) ** 2)
    return {name: total.numpy() for name, total in run(x).items()}, expected, rounds


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize(("batch", "chunk"), [(1, 1), (1, 64), (3, 10), (4, 3), (5, 64), (2, 7)])
def test_weighted_sum_equals_numpy_and_keeps_to_the_chunk(count, batch, chunk):
    total, expected, rounds = summed(count, batch, chunk)
    np.testing.assert_allclose(total["square"], expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(total["sum"], expected.sum(axis=(1, 2)), rtol=1e-11, atol=1e-10)
    sizes = {len(index) for index in rounds}
    assert len(sizes) == 1  # the same shape in each round
    (copies,) = sizes
    assert copies * batch <= max(chunk, batch)
    assert len(rounds) == -(-count // copies)
    # every copy once, the last round filled up with copies of weight 0
    assert sorted(set(np.concatenate(rounds))) == list(range(count))
    assert len(rounds) * copies - count < len(rounds)
    most = max(1, min(count, chunk // batch))
    assert len(rounds) == -(-count // most)  # no more rounds than the chunk needs


def test_repeat_batch_puts_whole_batches_one_after_the_other():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(repeat_batch(x, 2), [[1, 2], [3, 4], [1, 2], [3, 4]])
    np.testing.assert_array_equal(repeat_batch(tf.constant([5, 6]), 3), [5, 6, 5, 6, 5, 6])


def test_rows_of_a_chunk_fit_the_budget():
    for size, budget in ((10, 10_000), (1000, 100_000), (10**6, 10**8), (7, 10**9)):
        rows = chunk_rows(size, budget)
        assert rows >= 1
        assert rows == 1 or SPARE * size * rows <= budget
        assert chunk_rows(size, 2 * budget) >= rows
    assert chunk_rows(10**9, 10**6) == 1  # one row always runs
    assert chunk_rows(1, 10**9) == 50  # more rows gain nothing
    assert chunk_rows(2**26, 2**40) == 25  # nor do they where a row is large


class Rows:
    """A model that notes how many rows each of its runs has, when it runs."""

    def __init__(self):
        import keras

        noted = self.noted = []

        class Noting(keras.layers.Layer):
            def call(self, x):
                seen = tf.numpy_function(lambda n: noted.append(int(n)), [tf.shape(x)[0]], [])
                with tf.control_dependencies([seen]):
                    return tf.identity(x)

        x = keras.Input(builders.IMAGE)
        h = builders.chain(Noting()(x), builders.conv_parts())
        self.model = keras.Model(x, keras.layers.Dense(2)(h))


@pytest.mark.parametrize(
    ("steps", "batch", "chunk"), [(50, 1, 8), (50, 3, 8), (7, 20, 8), (9, 2, 1)]
)
def test_no_run_of_the_model_is_larger_than_the_chunk(steps, batch, chunk):
    rows = Rows()
    method = IntegratedGradients(steps=steps)
    a = method(rows.model, builders.images(batch), target=0, chunk_size=chunk)
    assert max(rows.noted) <= chunk
    together = method(rows.model, builders.images(batch), target=0, chunk_size=4096)
    np.testing.assert_allclose(a.values, together.values, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_more_steps_take_more_runs_of_the_same_size():
    sizes, runs = [], []
    for steps in (50, 500):
        rows = Rows()
        IntegratedGradients(steps=steps)(rows.model, builders.images(1), target=0, chunk_size=10)
        sizes.append(max(rows.noted))
        runs.append(len(rows.noted))
    assert sizes[0] == sizes[1] == 10
    assert runs == [5 + 2, 50 + 2]  # and one at x, one at the baseline


def test_automatic_chunk_keeps_to_the_memory_budget(monkeypatch):
    from tfxai import config

    rows, x = Rows(), builders.images(1)
    layout = read_inputs(rows.model, x)[0]
    a_row = pass_bytes(rows.model, layout, model_structure(rows.model, layout))
    monkeypatch.setattr(config, "memory_budget", math.ceil(6 * SPARE * a_row))
    IntegratedGradients(steps=30)(rows.model, x, target=0)
    assert max(rows.noted) in (5, 6)  # as even as they can be


def test_what_keeps_every_layer_counts_every_layer(monkeypatch):
    from tfxai import config

    rows = Rows()
    # all layer outputs of one example: 60 + 120 + 60 + 60 + 2 floats, three times over
    bytes_a_row = 3 * 4 * (60 + 6 * 5 * 4 + 5 * 4 * 3 + 60 + 2)
    monkeypatch.setattr(config, "memory_budget", math.ceil(6 * SPARE * bytes_a_row))
    layer = rows.model.layers[2].name
    Conductance(layer=layer, steps=30)(rows.model, builders.images(1), target=0)
    assert max(rows.noted) in (5, 6)
