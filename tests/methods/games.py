"""Games of features: small non-linear models, and their Shapley values by the definition."""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras
import numpy as np

from tests import builders


def nonlinear(size: int, seed: int, outputs: int = 1) -> keras.Model:
    """Waves and products of `size` features, which all interact, in float64."""
    rng = np.random.default_rng(seed)
    inner, outer = rng.normal(size=(size, 6)) / 2, rng.normal(size=(6, outputs))
    pair = rng.normal(size=outputs)

    def function(x: Any) -> Any:
        waves = keras.ops.matmul(keras.ops.sin(keras.ops.matmul(x, inner)), outer)
        return waves + x[:, :1] * x[:, 1:2] * x[:, -1:] * pair

    return builders.formula(function, size)


def game(model: keras.Model, x: Any, baseline: Any, mask: Any = None, target: int = 0) -> Any:
    """v(coalition): the output where the features of a coalition, M bools, show."""
    mask = np.arange(x.size) if mask is None else np.broadcast_to(mask, x.shape).ravel()
    mask = np.unique(mask, return_inverse=True)[1]
    count = mask.max() + 1
    every = np.array(list(itertools.product([False, True], repeat=count)))
    rows = np.where(every[:, mask], x.reshape(1, -1), np.broadcast_to(baseline, x.shape).ravel())
    outputs = np.asarray(model(rows.reshape(-1, *x.shape)))[:, target]
    return dict(zip(map(tuple, every.tolist()), outputs, strict=True))


def shapley(v: dict[tuple[bool, ...], float]) -> np.ndarray:
    """Shapley's sum: sum over S without i of |S|! (M - |S| - 1)! / M! (v(S and i) - v(S))."""
    count = len(next(iter(v)))
    values = np.zeros(count)
    for coalition, score in v.items():
        size = sum(coalition)
        for i in range(count):
            if not coalition[i]:
                joined = (*coalition[:i], True, *coalition[i + 1 :])
                weight = math.factorial(size) * math.factorial(count - size - 1)
                values[i] += weight / math.factorial(count) * (v[joined] - score)
    return values
