import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import nnls

from tfxai.concepts.coefficients import coefficients


def bank_of(count, channels, seed=0, near=None):
    """Concepts of length 1, two of them almost alike where `near` says how far apart."""
    random = np.random.default_rng(seed)
    bank = random.uniform(size=(count, channels)) * (random.uniform(size=(count, channels)) < 0.6)
    bank += 1e-3
    if near is not None:
        bank[1] = bank[0] + near * random.uniform(size=channels)
    return bank / np.linalg.norm(bank, axis=1, keepdims=True)


def gradient_of(activations, bank, number):
    def run(a):
        return tf.gradients(coefficients(a, bank)[..., number], a)[0]

    spec = [tf.TensorSpec(activations.shape, activations.dtype)]
    return tf.function(run, input_signature=spec)(activations).numpy()


@pytest.mark.parametrize(
    ("count", "channels", "near"),
    [(1, 3, None), (5, 8, None), (10, 64, None), (25, 128, None), (8, 8, 1e-3), (12, 10, None)],
)
def test_coefficients_are_those_of_scipy(count, channels, near):
    bank = bank_of(count, channels, near=near)
    rows = np.maximum(np.random.default_rng(1).normal(size=(200, channels)), 0)
    found = coefficients(tf.constant(rows), bank).numpy()
    expected = np.stack([nnls(bank.T, row, maxiter=1000)[0] for row in rows])
    if count <= channels:
        np.testing.assert_allclose(found, expected, atol=1e-7)
    assert found.min() == 0
    rests = [np.linalg.norm(rows - values @ bank, axis=1) for values in (found, expected)]
    np.testing.assert_allclose(*rests, atol=1e-8)


def test_two_concepts_that_are_the_same_share_what_is_there():
    bank = np.array([[0.6, 0.8], [0.6, 0.8]])
    found = coefficients(tf.constant([[1.2, 1.6]]), bank).numpy()
    assert found.sum() == pytest.approx(2)


def test_activations_keep_their_axes_and_those_without_a_concept_have_none():
    found = coefficients(tf.constant(-np.ones((2, 3, 4, 3))), bank_of(2, 3)).numpy()
    assert found.shape == (2, 3, 4, 2)
    assert not found.any()


def test_the_gradient_of_one_concept_alone_is_the_concept():
    bank = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    rows = tf.constant([[1.0, 2.0, 3.0], [1.0, 2.0, -3.0]], tf.float64)
    np.testing.assert_allclose(coefficients(rows, bank), [[2.2, 3.0], [2.2, 0.0]], rtol=1e-7)
    np.testing.assert_allclose(gradient_of(rows, bank, 0), [bank[0], bank[0]], rtol=1e-7)
    np.testing.assert_allclose(gradient_of(rows, bank, 1), [bank[1], 0 * bank[1]], atol=1e-12)


def test_the_gradient_of_two_that_overlap_is_that_of_their_least_squares():
    bank = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])  # u = (a0 - 0.75 a1, 1.25 a1)
    both = tf.constant([[2.0, 1.0, 7.0]], tf.float64)
    np.testing.assert_allclose(coefficients(both, bank), [[1.25, 1.25]], rtol=1e-7)
    np.testing.assert_allclose(gradient_of(both, bank, 0), [[1, -0.75, 0]], atol=1e-7)
    np.testing.assert_allclose(gradient_of(both, bank, 1), [[0, 1.25, 0]], atol=1e-7)
    second = tf.constant([[0.3, 1.0, 0.0]], tf.float64)  # a0 < 0.75 a1: the second alone
    np.testing.assert_allclose(coefficients(second, bank), [[0, 0.98]], atol=1e-7)
    np.testing.assert_allclose(gradient_of(second, bank, 1), [[0.6, 0.8, 0]], atol=1e-7)


def test_the_gradient_is_that_of_small_steps():
    bank, step = bank_of(4, 6, seed=3), 1e-5
    row = np.random.default_rng(4).uniform(size=6)
    for number in range(4):
        ahead, back = (
            coefficients(tf.constant(row + sign * step * np.eye(6)), bank).numpy()[:, number]
            for sign in (1, -1)
        )
        slopes = gradient_of(tf.constant(row[None]), bank, number)[0]
        np.testing.assert_allclose(slopes, (ahead - back) / (2 * step), atol=1e-6)


def test_xla_gives_the_same():
    bank, rows = bank_of(5, 8), tf.constant(np.random.default_rng(0).uniform(size=(20, 8)))
    spec = [tf.TensorSpec((None, 8), tf.float64)]
    run = tf.function(lambda a: coefficients(a, bank), input_signature=spec, jit_compile=True)
    np.testing.assert_allclose(run(rows), coefficients(rows, bank), atol=1e-10)
