"""The strongest direction of feature maps, which two methods project on."""

from __future__ import annotations

import tensorflow as tf

SQUARINGS = 30
"""Eigenvalues that are closer than 4e-8 of the largest are not told apart."""


def principal_map(o: tf.Tensor) -> tf.Tensor:
    """(B, P) of (B, P, K): O v, with v the first right singular vector of each O.

    Of the two signs of v the one with which the map goes with the sum over the feature maps. v is
    found in the smaller one of O^T O and O O^T.
    """
    positions, count = o.shape[1], o.shape[2]
    if count <= positions:
        v = _first_eigenvector(tf.matmul(o, o, transpose_a=True))
        projected = tf.linalg.matvec(o, v)
    else:  # O v = O O^T u / |O^T u| for the eigenvector u of O O^T
        u = _first_eigenvector(tf.matmul(o, o, transpose_b=True))
        v = _unit(tf.linalg.matvec(o, u, transpose_a=True))
        projected = tf.linalg.matvec(o, v)
    along = tf.reduce_sum(projected * tf.reduce_sum(o, axis=-1), axis=-1, keepdims=True)
    return tf.where(along < 0, -projected, projected)


def _first_eigenvector(gram: tf.Tensor) -> tf.Tensor:
    """(B, n) of symmetric positive semidefinite matrices (B, n, n), of unit length; zero of zero.

    Squares the matrix until one direction is left: the eigenvectors that XLA finds are good to
    eight digits only.
    """
    _, power = tf.while_loop(
        lambda i, _: i < SQUARINGS,
        lambda i, power: (i + 1, _of_trace_one(tf.matmul(power, power))),
        (tf.constant(0), _of_trace_one(gram)),
        maximum_iterations=SQUARINGS,
    )
    strongest = tf.argmax(tf.linalg.diag_part(power), axis=-1)
    return _unit(tf.gather(power, strongest, batch_dims=1))


def _of_trace_one(matrix: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(matrix, tf.linalg.trace(matrix)[:, None, None])


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(vector, tf.norm(vector, axis=-1, keepdims=True))
