"""How much a score rests on concepts, against closed forms of total-order Sobol indices."""

import keras
import numpy as np
import pytest
from keras import layers

from tfxai.concepts.importances import ImportanceDesign


def of_two_numbers(function, shape=(2,)):
    """Outputs 0 and `function(h)` of a layer h = x of two channels, summed over positions."""
    x = keras.Input(shape)
    h = layers.Dense(2, kernel_initializer="identity", name="h")(x)
    y = keras.ops.sum(function(h), axis=list(range(1, len(shape))), keepdims=False)
    y = keras.ops.reshape(y, (-1, 1))
    return keras.Model(x, layers.Concatenate()([0 * y, y]))


def answered(model, rows, bank=((1.0, 0.0), (0.0, 1.0)), samples=1024):
    design = ImportanceDesign(len(bank), samples, 0)
    method = design.method("h", np.array(bank))
    found = method(model, np.array(rows, np.float32), 1, score="output", progress=False)
    return design.summed_up(np.asarray(found.values))


def test_of_a_linear_score_each_concept_has_the_share_of_its_square():
    model = of_two_numbers(lambda h: 3 * h[..., 0] + h[..., 1])
    found = answered(model, [[2.0, 2.0]])  # f(m) = 6 m0 + 2 m1, of variance (36 + 4) / 12
    np.testing.assert_allclose(found.indices, [0.9, 0.1], rtol=0.01)
    np.testing.assert_allclose(found.drop, [6, 2], rtol=1e-5)
    assert (found.varied, found.error.tolist()) == (1, [0, 0])


def test_of_a_product_the_part_that_both_have_counts_for_each():
    model = of_two_numbers(lambda h: h[..., 0] * h[..., 1])
    found = answered(model, [[3.0, 5.0]])  # V = 1/9 - 1/16, E[var(f | m1)] = 1/12 1/3
    np.testing.assert_allclose(found.indices, [4 / 7, 4 / 7], rtol=0.02)
    np.testing.assert_allclose(found.drop, [15, 15], rtol=1e-5)


def test_concepts_that_overlap_are_told_apart_by_what_they_give():
    bank = ((1.0, 0.0), (0.6, 0.8))
    model = of_two_numbers(lambda h: h[..., 0] + h[..., 1])
    # (1.6, 0.8) = 1 (1, 0) + 1 (0.6, 0.8): f(m) = m0 + 1.4 m1
    found = answered(model, [[1.6, 0.8]], bank)
    np.testing.assert_allclose(found.drop, [1, 1.4], rtol=1e-5)
    np.testing.assert_allclose(found.indices, np.array([1, 1.96]) / 2.96, rtol=0.02)


def test_a_mask_holds_at_every_position():
    model = of_two_numbers(lambda h: keras.ops.square(h[..., 0]) + h[..., 1], (2, 3, 2))
    rows = np.zeros((1, 2, 3, 2), np.float32)
    rows[0, 0, 1], rows[0, 1, 2] = (2, 1), (1, 5)
    found = answered(model, rows)  # f(m) = (4 + 1) m0^2 + (1 + 5) m1
    parts = np.array([25 * (1 / 5 - 1 / 9), 36 / 12])
    np.testing.assert_allclose(found.indices, parts / parts.sum(), rtol=0.02)
    np.testing.assert_allclose(found.drop, [5, 6], rtol=1e-5)


def test_the_mean_is_over_the_images_whose_score_varies():
    model = of_two_numbers(lambda h: 3 * h[..., 0] + h[..., 1])
    found = answered(model, [[2.0, 2.0], [0.0, 0.0], [2.0, 0.0]])
    np.testing.assert_allclose(found.indices, [0.95, 0.05], rtol=0.01)
    assert found.varied == 2
    np.testing.assert_allclose(found.error, 0.05, rtol=0.03)  # of 0.9 and 1
    np.testing.assert_allclose(found.drop, [4, 2 / 3], rtol=1e-5)


def test_a_score_that_no_concept_changes_rests_on_none():
    model = of_two_numbers(lambda h: 0 * h[..., 0] + 7)
    found = answered(model, [[2.0, 2.0]])
    assert (found.varied, found.indices.tolist(), found.drop.tolist()) == (0, [0, 0], [0, 0])


@pytest.mark.parametrize("chunk_size", [1, 7])
def test_memory_changes_no_number(chunk_size):
    model = of_two_numbers(lambda h: h[..., 0] * h[..., 1])
    design = ImportanceDesign(2, 8, 0)
    method = design.method("h", np.eye(2))
    rows = np.random.default_rng(0).uniform(size=(3, 2)).astype("f4")
    few = method(model, rows, 1, score="output", chunk_size=chunk_size, progress=False)
    every = method(model, rows, 1, score="output", progress=False)
    np.testing.assert_allclose(few.values, every.values, rtol=1e-6)
