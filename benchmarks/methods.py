"""Every method over the bare passes that it needs, and what a second call traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf
from rich.table import Table

import tfxai
from benchmarks.timing import bare_pass, interleaved, milliseconds, ratio
from tfxai.core import program
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.methods.running import read_chunk

NUMBER = 50  # steps and samples
BACKGROUND = 4
SQUARES = 8  # along each side, that features are
WINDOWS = 15 * 15  # of an eighth of each side, at strides of half of that
CELLS = 4  # along each side, of Sobol's grid
SAMPLES = {  # of what is sampled, or orders of it
    "hierarchical_shapley": 200,
    "hsic": 200,
    "kernel_shap": 200,
    "lime": 200,
    "rise": NUMBER,
    "shapley_sampling": 4,
    "sobol": 8,
}
# Forward and backward passes of one row that a method cannot do without.
PASSES: dict[str, tuple[int, float]] = {
    "blur_integrated_gradients": (NUMBER, 1.0),
    "certified": (2 * NUMBER, 1.0),
    "conductance": (NUMBER, 1.0),
    "deep_lift": (1, 1.5),
    "deep_shap": (BACKGROUND, 1.5),
    "feature_ablation": (NUMBER, 0.5 * SQUARES**2 / NUMBER),
    "gradient_shap": (NUMBER, 1.0),
    "guided_integrated_gradients": (1, NUMBER),  # each step waits for the one before
    "hierarchical_shapley": (NUMBER, 0.5 * SAMPLES["hierarchical_shapley"] / NUMBER),
    "hsic": (NUMBER, 0.5 * SAMPLES["hsic"] / NUMBER),
    "idgi": (NUMBER, 1.5),
    "integrated_gradients": (NUMBER, 1.0),
    "internal_influence": (NUMBER, 1.0),
    "kernel_shap": (NUMBER, 0.5 * (SAMPLES["kernel_shap"] + 2) / NUMBER),
    "lime": (NUMBER, 0.5 * SAMPLES["lime"] / NUMBER),
    "occlusion": (NUMBER, 0.5 * WINDOWS / NUMBER),
    "rise": (NUMBER, 0.5),
    "score_cam": (NUMBER, 0.5),
    "shapley_sampling": (
        NUMBER,
        0.5 * SAMPLES["shapley_sampling"] * (SQUARES**2 - 1) / NUMBER,
    ),
    "smooth_grad": (NUMBER, 1.0),
    "sobol": (NUMBER, 0.5 * SAMPLES["sobol"] * (CELLS**2 + 1) / NUMBER),
    "squared_smooth_grad": (NUMBER, 1.0),
    "var_grad": (NUMBER, 1.0),
    "xrai": (NUMBER, 2.0),  # towards black and towards white
}


def passes(name: str, maps: int) -> tuple[int, float]:
    """Rows of a bare pass, and how many such passes a method needs.

    Args:
        name: The method's.
        maps: Feature maps of the layer that it looks at.
    """
    if name == "ablation_cam":  # forward only, one for each feature map
        return NUMBER, 0.5 * maps / NUMBER
    return PASSES.get(name, (1, 1.0))


def method_table(subject: tfxai.Subject, image: np.ndarray, layer: str, rounds: int) -> Table:
    """Each registered method on one image: its time over its bare passes.

    Args:
        subject: The model.
        image: (1, H, W, C) as the model takes it.
        layer: For the methods that look at a layer.
        rounds: Of interleaved runs.
    """
    names = tfxai.methods.names(any_model=True)
    methods = {name: made(name, image, layer) for name in names}
    target = int(tfxai.Saliency()(subject, image).target[0])
    bare = bare_pass(subject.model, target)
    chunk, maps = chunk_of(subject, image), num_maps(subject.model, image, layer)
    work: dict[str, Callable[[], object]] = {}
    for name, method in methods.items():
        work[name] = lambda method=method: method(subject, image, target)
        rows, _ = passes(name, maps)
        work[f"bare {rows}"] = _bare(bare, image, rows, chunk)
    times = interleaved(work, rounds)
    table = Table(title=f"{subject.model.name}, one image, {rounds} rounds")
    for column in ("method", "passes", "ms", "bare ms", "over bare", "min-max", "traces"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for name, method in methods.items():
        rows, share = passes(name, maps)
        expected = [share * seconds for seconds in times[f"bare {rows}"]]
        middle, low, high = ratio(times[name], expected)
        traces = _second_traces(method, subject, image, target)
        table.add_row(
            name,
            f"{rows * share:g}",
            milliseconds(times[name]),
            milliseconds(expected),
            f"{middle:.2f}",
            f"{low:.2f}-{high:.2f}",
            str(traces),
        )
    return table


def made(name: str, image: np.ndarray, layer: str) -> Any:
    """The method with its defaults; what has none is filled in."""
    background = np.linspace(0, 1, BACKGROUND).reshape(-1, 1, 1, 1) * image
    sides = np.array(image.shape[1:3])
    squares = np.indices(sides) * SQUARES // sides[:, None, None]
    given = {
        "layer": layer,
        "background": background,
        "channels": NUMBER,
        "mask": SQUARES * squares[0] + squares[1],
    }
    given |= {"cells": CELLS} if name == "sobol" else {}
    given |= {"samples": SAMPLES[name]} if name in SAMPLES else {}
    known = tfxai.methods.get(name).__dataclass_fields__
    return tfxai.methods.create(name, **{k: v for k, v in given.items() if k in known})


def num_maps(model: Any, image: np.ndarray, layer: str) -> int:
    """Feature maps of a layer."""
    layout, _ = read_inputs(model, image)
    return model_structure(model, layout).find(layer).shape[-1]


def chunk_of(subject: tfxai.Subject, image: np.ndarray) -> int:
    """Rows that the methods run at once."""
    layout, _ = read_inputs(subject.model, image)
    body = model_structure(subject.model, layout)
    return read_chunk("auto", subject.model, layout, body, keeps_every_layer=False)


def _bare(bare: Callable[[tf.Tensor], tf.Tensor], image: np.ndarray, rows: int, chunk: int) -> Any:
    """`rows` rows in as many passes as the chunk makes of them."""
    passes = -(-rows // chunk)
    batch = tf.constant(np.repeat(image, -(-rows // passes), axis=0), tf.float32)

    def run() -> None:
        for _ in range(passes):
            bare(batch)

    return run


def _second_traces(method: Any, subject: tfxai.Subject, image: np.ndarray, target: int) -> int:
    """Programs that a call with another batch size and target compiles."""
    with mock.patch.object(program, "compiled", wraps=program.compiled) as compiled:
        method(subject, np.concatenate([image, image]), (target + 1) % 10)
    return compiled.call_count
