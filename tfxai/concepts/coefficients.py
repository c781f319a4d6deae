"""How strongly each concept of a bank is in activations: non-negative least squares in a graph.

u(a) minimises |a - u W|^2 over u >= 0. Where the concepts that are there, S, stay the same, it is
u_S = (W_S W_S^T)^-1 W_S a: linear in a, so that its gradient is known in closed form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfxai.arrays import Array

_RIDGE = 1e-9  # of concepts of length 1: two that are alike have one answer all the same
_EXACT = 1e-13  # share of the largest number at which a solution is one
_ZERO = 1e-10  # share of the largest number that is rounding
_CHANCES = 3  # exchanges of everything that is wrong, without getting better
_RETURNS = 20  # exchanges for each concept before the search ends: far more than are seen


def coefficients(activations: tf.Tensor, bank: Array) -> tf.Tensor:
    """The coefficients of each concept at each position.

    Args:
        activations: (..., K), K channels.
        bank: W, (M, K): M concepts of length 1, non-negative.

    Returns:
        (..., M) float64, at least 0. Differentiable: the gradient is that of the least squares
        with the concepts that are there, as the implicit function theorem has it.
    """
    concepts = tf.constant(np.asarray(bank, np.float64))
    rows = tf.cast(tf.reshape(activations, [-1, concepts.shape[1]]), tf.float64)
    products = tf.matmul(rows, concepts, transpose_b=True)  # (R, M)
    gram = tf.matmul(concepts, concepts, transpose_b=True)
    gram += _RIDGE * tf.eye(concepts.shape[0], dtype=tf.float64)
    there = tf.stop_gradient(_present(tf.stop_gradient(products), gram))
    found = tf.nn.relu(_solved(products, there, gram))
    shape = tf.concat([tf.shape(activations)[:-1], [concepts.shape[0]]], axis=0)
    return tf.ensure_shape(tf.reshape(found, shape), [*activations.shape[:-1], concepts.shape[0]])


def _present(products: tf.Tensor, gram: tf.Tensor) -> tf.Tensor:
    """Which concepts have a coefficient above 0, (R, M) of 0 and 1.

    Block principal pivoting (Kim and Park, SIAM J. Sci. Comput. 33, 2011, section 3.3): concepts
    whose sign is wrong are exchanged, all of them as long as that helps, else the last alone.
    """
    count = int(gram.shape[0])
    zero = _ZERO * tf.reduce_max(tf.abs(products), axis=1, keepdims=True)
    numbers = tf.range(1, count + 1)

    def wrong(there: tf.Tensor) -> tf.Tensor:
        solved = _solved(products, there, gram)
        slopes = tf.matmul(solved, gram) - products  # at least 0 where a concept is not there
        return tf.where(there > 0, solved, slopes) < -zero

    def exchange(turn: Any, there: Any, bad: Any, fewest: Any, chances: Any) -> Any:
        number = tf.reduce_sum(tf.cast(bad, tf.int32), axis=1)
        chances = tf.where(number < fewest, _CHANCES, chances - 1)
        last = tf.reduce_max(tf.where(bad, numbers, 0), axis=1, keepdims=True)
        chosen = bad & ((chances[:, None] >= 0) | (numbers == last))
        there = tf.where(chosen, 1 - there, there)
        return turn + 1, there, wrong(there), tf.minimum(fewest, number), chances

    start = tf.cast(products > 0, tf.float64)
    rows = tf.shape(products)[:1]
    state = (0, start, wrong(start), tf.fill(rows, count + 1), tf.fill(rows, _CHANCES))
    found = tf.while_loop(
        lambda turn, there, bad, *_: tf.reduce_any(bad),
        exchange,
        state,
        maximum_iterations=_RETURNS * count,
        parallel_iterations=1,
    )
    return found[1]


def _solved(products: tf.Tensor, there: tf.Tensor, gram: tf.Tensor) -> tf.Tensor:
    """(R, M): for each row x with G_SS x_S = b_S, and 0 outside of the concepts that are there.

    By conjugate gradients, which take as much memory as the rows themselves. The matrix is
    symmetric, so that the gradient by b is the solution of the same system.
    """

    @tf.custom_gradient
    def solve(right: tf.Tensor) -> Any:
        found = _conjugate_gradients(there * right, there, gram)
        return found, lambda upstream: _solved(upstream, there, gram)

    return solve(products)


def _conjugate_gradients(right: tf.Tensor, there: tf.Tensor, gram: tf.Tensor) -> tf.Tensor:
    smallest = _EXACT**2 * _squares(right)

    def better(x: Any, rest: Any, step: Any, square: Any) -> Any:
        ahead = there * tf.matmul(step, gram)
        length = tf.math.divide_no_nan(square, tf.reduce_sum(step * ahead, axis=1, keepdims=True))
        x, rest = x + length * step, rest - length * ahead
        next_square = _squares(rest)
        step = rest + tf.math.divide_no_nan(next_square, square) * step
        return x, rest, step, next_square

    found = tf.while_loop(
        lambda x, rest, step, square: tf.reduce_any(square > smallest),
        better,
        (tf.zeros_like(right), right, right, _squares(right)),
        maximum_iterations=4 * int(gram.shape[0]) + 10,
        parallel_iterations=1,
    )
    return found[0]


def _squares(rows: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(rows), axis=1, keepdims=True)
