"""Activations as non-negative sums of a few concepts, and which concepts two such banks share."""

from __future__ import annotations

import warnings

import numpy as np

from tfxai.arrays import Array
from tfxai.concepts.directions import one_thread
from tfxai.errors import InvalidInputError

_TURNS = 1000  # most iterations
_TOLERANCE = 1e-4
NOTHING = 1e-6
"""Share of the strongest concept: one that is no stronger anywhere is none."""


def factorise(activations: Array, count: int, seed: int) -> tuple[Array, Array]:
    """A bank W and coefficients U with A = U W as nearly as can be, all non-negative.

    Args:
        activations: A, (N, K), non-negative, not all of it 0.
        count: M, the most concepts.
        seed: Seed of where the factorisation starts.

    Returns:
        W, (M, K) float64 with rows of length 1, and U, (N, M). Concepts that nothing is made of
        are left out.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    scale = activations.mean()
    model = NMF(count, init="random", random_state=seed, max_iter=_TURNS, tol=_TOLERANCE)
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what matters is what is left over
        found = model.fit_transform(np.asarray(activations, np.float64) / scale)
    lengths = np.linalg.norm(model.components_, axis=1)
    weights = lengths * np.linalg.norm(found, axis=0)
    kept = weights > NOTHING * weights.max()
    bank = model.components_[kept] / lengths[kept, None]
    return bank, found[:, kept] * lengths[kept] * scale


def left_over(activations: Array, bank: Array, found: Array) -> float:
    """The share of the activations' length, in [0, 1], that the concepts do not give."""
    rest = float(np.linalg.norm(activations - found @ bank))
    return min(1.0, rest / float(np.linalg.norm(activations)))


def similarities(found: Array, other: Array) -> Array:
    """How alike the concepts of two banks are on the same examples.

    Each concept of the first has one of the second for a partner, so that the sum of what is
    returned is the largest (the Hungarian algorithm).

    Args:
        found: (N, M) coefficients of the first bank.
        other: (N, L) those of the second.

    Returns:
        (M,) in [-1, 1]: the correlation of each concept with its partner; 0 without one, or where
        a concept is alike in all examples.
    """
    from scipy.optimize import linear_sum_assignment

    alike = _standardised(found).T @ _standardised(other)
    rows, columns = linear_sum_assignment(-alike)
    result = np.zeros(found.shape[1])
    result[rows] = alike[rows, columns]
    return np.clip(result, -1, 1)


def check_nonnegative(activations: Array, layer: str) -> None:
    """Raises `InvalidInputError` where activations are below 0, or all of them are 0."""
    lowest = float(activations.min())
    if lowest < 0:
        raise InvalidInputError(
            f"Layer {layer!r} returns numbers down to {lowest:.3g}, and concepts are sums of "
            "numbers of at least 0. Choose a layer behind a ReLU."
        )
    if not activations.any():
        raise InvalidInputError(
            f"Layer {layer!r} returns 0 for every crop, which holds no concept. Choose another "
            "layer, or larger crops."
        )


def _standardised(values: Array) -> Array:
    """Columns of mean 0 and length 1; zeros where a column is the same throughout."""
    centred = values - values.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    varies = lengths > 1e-12 * np.linalg.norm(values, axis=0)
    return np.divide(centred, lengths, out=np.zeros_like(centred), where=varies)
