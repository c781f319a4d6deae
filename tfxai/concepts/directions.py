"""Directions that tell one set of activations from another, by linear models."""

from __future__ import annotations

import functools
import warnings
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
from threadpoolctl import ThreadpoolController

from tfxai.arrays import Array

LINEAR_MODELS = ("logistic", "ridge", "svm")
_FOLDS = 3
_NOTHING = 1e-12  # share of the largest square of a length that is rounding


@functools.cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Keeps linear algebra to one thread: on many small problems threads wait for each other."""
    return cast(AbstractContextManager[Any], _threads().limit(limits=1))


def direction(positive: Array, negative: Array, classifier: str, seed: int) -> Array | None:
    """The unit vector (D,) that points from `negative` (M, D) to `positive` (N, D).

    None where all activations are the same, or no direction tells the sets apart.
    """
    found = _coordinates(positive, negative)
    if found is None:
        return None
    points, basis, labels = found
    vector = _fitted(points, labels, classifier, seed).coef_.ravel() @ basis
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else None


def held_out_accuracy(positive: Array, negative: Array, classifier: str, seed: int) -> float:
    """Share of examples told apart by models that did not see them, both sets counting alike."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold

    found = _coordinates(positive, negative)
    if found is None:
        return 0.5
    points, _, labels = found
    guesses = np.empty_like(labels)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    for known, unknown in folds.split(points, labels):
        model = _fitted(points[known], labels[known], classifier, seed)
        guesses[unknown] = model.predict(points[unknown])
    return float(balanced_accuracy_score(labels, guesses))


def _coordinates(positive: Array, negative: Array) -> tuple[Array, Array, Array] | None:
    """Points (N + M, R) in an orthonormal basis (R, D) of what they span, and their labels.

    A model with an L2 penalty has its optimum in that span, so that it is the same as that of all
    D coordinates, at a fraction of the time. The mean length is 1, whatever the layer's scale.
    """
    points = np.concatenate([positive, negative]).astype(np.float64)
    largest = np.abs(points).max()
    points = points - points.mean(axis=0)
    scale = np.sqrt((points**2).sum(axis=1).mean())
    if scale <= 1e-12 * largest or scale == 0:
        return None
    points /= scale
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    if points.shape[1] <= len(points):
        return points, np.eye(points.shape[1]), labels
    squares, left = np.linalg.eigh(points @ points.T)  # far smaller than the points
    spans = squares > _NOTHING * squares[-1]
    left, lengths = left[:, spans], np.sqrt(squares[spans])
    return left * lengths, (left / lengths).T @ points, labels


def _fitted(points: Array, labels: Array, classifier: str, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.svm import LinearSVC

    model = {
        "logistic": lambda: LogisticRegression(class_weight="balanced", max_iter=500),
        "ridge": lambda: RidgeClassifier(class_weight="balanced"),
        "svm": lambda: LinearSVC(class_weight="balanced", random_state=seed, max_iter=5000),
    }[classifier]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what matters is held-out accuracy
        return model.fit(points, labels)
