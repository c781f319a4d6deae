"""Random numbers of copies: the hash in NumPy, their distribution, and what they depend on."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.methods.noise import normals, uniforms
from tfxai.core.options import check_seed
from tfxai.core.sampling.random_numbers import normal, uniform
from tfxai.errors import InvalidInputError

SHAPES = [(1,), (2,), (7,), (3, 5), (6, 5, 2)]


def drawn(function, seed, copies, batch, shape, jit=False):
    k = tf.repeat(tf.range(copies), batch)
    run = tf.function(
        lambda k: function(seed, k, copies, shape, tf.float64), autograph=False, jit_compile=jit
    )
    return run(k).numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_numbers_are_those_of_the_hash_in_numpy(seed, shape):
    for function, twin in ((normal, normals), (uniform, uniforms)):
        found = drawn(function, seed, 4, 3, shape).reshape(4, 3, *shape)
        for example in range(3):  # shared by the batch
            np.testing.assert_allclose(
                found[:, example], twin(seed, 4, shape), rtol=1e-12, atol=1e-14
            )


@pytest.mark.parametrize("function", [normal, uniform])
def test_xla_gives_the_same_numbers(function):
    a, b = (drawn(function, 5, 3, 2, (6, 5, 2), jit=jit) for jit in (False, True))
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_numbers_of_a_copy_do_not_depend_on_the_others():
    whole = drawn(normal, 1, 9, 1, (5,))
    part = normal(1, tf.constant([4, 7]), 2, (5,), tf.float64).numpy()
    np.testing.assert_allclose(part, whole[[4, 7]], rtol=1e-12)


def test_float32_draws_the_same_numbers():
    k = tf.range(3)
    a, b = (normal(1, k, 3, (50,), dtype).numpy() for dtype in (tf.float32, tf.float64))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # sin and log in float32


def test_distribution_is_standard_normal_and_independent():
    n = 40_000
    x = normals(0, 5, (n,))
    # 5 sigma of the moments of n independent normal numbers; fails once in a million seeds
    assert (np.abs(x.mean(1)) < 5 / np.sqrt(n)).all()
    assert (np.abs(x.var(1) - 1) < 5 * np.sqrt(2 / n)).all()
    assert (np.abs((x**3).mean(1)) < 5 * np.sqrt(15 / n)).all()
    assert (np.abs((x**4).mean(1) - 3) < 5 * np.sqrt(96 / n)).all()
    others = [normals(1, 1, (n,))[0], np.roll(x[0], 1), np.roll(x[0], n // 4)]
    for other in [*x[1:], *others]:  # copies, seeds, neighbours, the parts of one hash
        assert abs((x[0] * other).mean()) < 5 / np.sqrt(n)
        assert abs((x[0] ** 2 * other**2).mean() - 1) < 5 * np.sqrt(8 / n)


def test_uniform_numbers_fill_the_interval_evenly():
    n = 40_000
    x = uniforms(3, 1, (n,))[0]
    assert 0 <= x.min() < x.max() < 1
    counts = np.histogram(x, 20, (0, 1))[0]
    chi = ((counts - n / 20) ** 2 / (n / 20)).sum()  # 19 degrees: above 60 once in a million
    assert chi < 60
    assert np.unique(x).size > 0.99 * n


def test_bad_seeds_are_refused():
    for seed in (-1, 2**31, 1.0, True, None):
        with pytest.raises(InvalidInputError, match=r"was expected to be an integer in \[0, 2"):
            check_seed(seed)
