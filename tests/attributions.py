"""Attributions of two small images with values that are known by hand."""

from __future__ import annotations

import numpy as np

from tfxai.attribution import Attribution
from tfxai.data.preprocessing import Preprocessing

VALUES = np.array(
    [
        [[[1.0, -3.0], [0.0, 0.0]], [[2.0, 2.0], [-1.0, -1.0]]],
        [[[0.5, 0.5], [4.0, -4.0]], [[0.0, 1.0], [3.0, 0.0]]],
    ]
)


def attribution(values=VALUES, **changes):
    """An attribution of those values; everything else is filled in."""
    count = len(next(iter(values.values())) if isinstance(values, dict) else values)
    given = {
        "inputs": np.zeros((count, 2, 2, 2)),
        "target": np.arange(count, dtype=np.int32),
        "score": np.arange(count) + 0.5,
        "method": {"name": "saliency", "options": {"absolute": False}},
        "score_name": "logit",
        **changes,
    }
    return Attribution(values=values, **given)


def full():
    """Every field set."""
    return attribution(
        probability=np.array([0.25, 0.75]),
        baseline_score=np.array([0.0, 1.0]),
        completeness_gap=np.array([1e-3, -1e-3]),
        prediction=np.array([1, 1]),
        details={"num_steps": np.array([3, 5])},
        at="conv1",
        is_signed=True,
        channels="l2",
        class_names=("Cat", "Frog"),
        preprocessing=Preprocessing("tf"),
    )
