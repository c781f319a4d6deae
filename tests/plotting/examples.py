"""Small attributions with values that are known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.attribution import Attribution
from tfxai.data.preprocessing import Preprocessing

CLASSES = ("Cat", "Dog")


def attribution(values: Any, inputs: Any, **others: Any) -> Attribution:
    """An attribution of those values; everything else is filled in."""
    values = np.asarray(values, np.float64) if not isinstance(values, dict) else values
    batch = len(next(iter(values.values())) if isinstance(values, dict) else values)
    return Attribution(
        **{
            "values": values,
            "inputs": np.asarray(inputs, np.float32) if not isinstance(inputs, dict) else inputs,
            "target": np.arange(batch) % 2,
            "score": np.full(batch, 2.5),
            "method": {"name": "integrated_gradients", "options": {"steps": 50}},
            "score_name": "logit",
            "class_names": CLASSES,
            **others,
        }
    )


def of_images(batch: int = 1, **others: Any) -> Attribution:
    """Images 4 x 6 with true colours known; values are +1 at two pixels, -0.5 at one."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (batch, 4, 6, 3))
    preprocessing = Preprocessing("tf")
    values = np.zeros((batch, 4, 6, 3))
    values[:, 1, 2, 0] = values[:, 0, 5, 1] = 1.0
    values[:, 3, 5, 2] = -0.5
    return attribution(
        **{
            "values": values,
            "inputs": preprocessing.apply(pixels),
            "preprocessing": preprocessing,
            "probability": np.linspace(0.75, 0.5, batch),
            "baseline_score": np.full(batch, -0.5),
            "completeness_gap": np.full(batch, -0.003),
            **others,
        },
    )


def of_map(batch: int = 1) -> Attribution:
    """The same images with a class activation map of 2 x 3."""
    values = np.repeat(np.array([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]), batch, axis=0)
    return of_images(
        batch,
        values=values,
        is_map=True,
        is_signed=False,
        baseline_score=None,
        completeness_gap=None,
        method={"name": "grad_cam", "options": {"layer": "conv"}},
    )


def texts(figure: Any) -> list[str]:
    """Every text of a figure, those of its axes included."""
    return [one.get_text() for one in figure.findobj(lambda part: hasattr(part, "get_text"))]


def images(figure: Any) -> list[np.ndarray]:
    """The arrays of a figure's image panels, in the order they were drawn."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
