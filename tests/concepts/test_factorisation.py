import numpy as np
import pytest
import tensorflow as tf

from tfxai.concepts.coefficients import coefficients
from tfxai.concepts.factorisation import check_nonnegative, factorise, left_over, similarities
from tfxai.errors import InvalidInputError


def parts(count=60, seed=0):
    """Sums of three concepts, of which each has a channel and many examples of its own."""
    random = np.random.default_rng(seed)
    bank = np.array([[3, 0, 0, 1, 1], [0, 2, 0, 1, 0], [0, 0, 1, 0, 1]], float)
    found = random.uniform(size=(count, 3)) * (random.uniform(size=(count, 3)) < 0.5)
    return found @ bank, bank / np.linalg.norm(bank, axis=1, keepdims=True)


def multiplicative_updates(a, count, seed, turns=3000):
    """Lee and Seung, "Algorithms for Non-negative Matrix Factorization", NIPS 2000, Eq. 4."""
    random = np.random.default_rng(seed)
    u, w = random.uniform(size=(len(a), count)), random.uniform(size=(count, a.shape[1]))
    for _ in range(turns):
        w *= (u.T @ a) / np.maximum(u.T @ u @ w, 1e-12)
        u *= (a @ w.T) / np.maximum(u @ w @ w.T, 1e-12)
    return np.linalg.norm(a - u @ w) / np.linalg.norm(a)


def test_the_concepts_that_data_are_made_of_are_found():
    activations, expected = parts()
    bank, found = factorise(activations, 3, seed=1)
    cosines = bank @ expected.T
    assert sorted(cosines.argmax(axis=1)) == [0, 1, 2]
    assert cosines.max(axis=1).min() > 0.999
    assert left_over(activations, bank, found) < 0.01
    np.testing.assert_allclose(np.linalg.norm(bank, axis=1), 1)


def test_the_factorisation_leaves_as_little_over_as_multiplicative_updates():
    activations = np.random.default_rng(0).uniform(size=(40, 12))
    bank, found = factorise(activations, 4, seed=0)
    best = min(multiplicative_updates(activations, 4, seed) for seed in range(4))
    assert left_over(activations, bank, found) == pytest.approx(best, rel=0.03)


def test_the_coefficients_of_a_factorisation_are_the_least_squares_for_its_concepts():
    activations = np.random.default_rng(0).uniform(size=(40, 12))
    bank, found = factorise(activations, 4, seed=0)
    again = coefficients(tf.constant(activations), bank).numpy()
    np.testing.assert_allclose(again, found, atol=0.02 * found.max())
    assert left_over(activations, bank, again) <= left_over(activations, bank, found) + 1e-9


def test_the_scale_of_activations_changes_no_concept():
    activations, _ = parts()
    bank, found = factorise(activations, 3, seed=1)
    small, few = factorise(1e-6 * activations, 3, seed=1)
    np.testing.assert_allclose(small, bank, atol=1e-9)
    np.testing.assert_allclose(few, 1e-6 * found, atol=1e-12)


def test_concepts_that_nothing_is_made_of_are_left_out():
    activations = np.outer(np.arange(1, 20), [1.0, 2.0, 0.0])
    bank, found = factorise(activations, 3, seed=0)
    assert np.isfinite(bank).all()
    assert left_over(activations, bank, found) < 1e-3
    np.testing.assert_allclose(found @ bank, activations, rtol=1e-2, atol=1e-2)


def test_concepts_are_matched_whatever_their_order_and_scale():
    found = np.random.default_rng(0).uniform(size=(50, 4))
    np.testing.assert_allclose(similarities(found, 3 * found[:, [2, 0, 3, 1]] + 1), 1)


def test_the_match_has_the_largest_sum_and_a_concept_without_a_partner_has_none():
    random = np.random.default_rng(1)
    first = random.normal(size=(400, 3))
    other = np.stack([first[:, 0] + 0.1 * first[:, 1], first[:, 2]], axis=1)
    alike = similarities(first, other)
    assert alike[0] > 0.98
    assert alike[1] == 0
    assert alike[2] > 0.99
    flat = np.ones((400, 1))
    assert similarities(flat, flat) == [0]


def test_negative_and_empty_activations_are_refused():
    with pytest.raises(InvalidInputError, match=r"'h' returns numbers down to -0\.5.*ReLU"):
        check_nonnegative(np.array([[1, -0.5]]), "h")
    with pytest.raises(InvalidInputError, match="'h' returns 0 for every crop"):
        check_nonnegative(np.zeros((3, 2)), "h")
