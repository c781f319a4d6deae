"""A model that computes in bfloat16, and how far its explanations then are from float32's."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.cut import runs_its_graph
from tfxai.core.model.functions import is_function
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.methods import AttributionMethod, create
from tfxai.model_copies import copy_of
from tfxai.subject import Subject

_POLICY = "mixed_bfloat16"
_CALLS = 3  # that are timed


@dataclasses.dataclass(frozen=True)
class InBfloat16:
    """A model in bfloat16, with what it loses and gains on a sample.

    Args:
        subject: The model, to be explained in place of the one in float32.
        method: Name of the method by which it was tried.
        error: (B,) largest difference of an example's values from those in float32, as a share of
            its largest value in float32; 0 where both are 0 everywhere.
        correlation: (B,) Pearson's correlation of the values with those in float32; NaN where they
            are constant.
        time_ratio: Time of a call over that in float32, on this machine and for this sample: the
            fastest of three each.
    """

    subject: Subject
    method: str
    error: Array
    correlation: Array
    time_ratio: float

    def __repr__(self) -> str:
        return (
            f"InBfloat16({self.method} on {len(self.error)} examples: values within "
            f"{self.error.max():.1%} of the largest, correlation at least "
            f"{self.correlation.min():.3f}, {self.time_ratio:.2f} of the time)"
        )


def in_bfloat16(
    model: Any,
    sample: Any,
    method: str | AttributionMethod = "integrated_gradients",
    target: Any = None,
    *,
    score: Any = None,
    at: str | None = None,
) -> InBfloat16:
    """A copy of a model that computes in bfloat16, tried against the model itself.

    Products, convolutions and activations have 8 bits of mantissa in place of 24 (Keras'
    `mixed_bfloat16`); weights, sums within a product, and the layers that give the outputs of a
    model with a graph stay in float32. A method that averages many passes loses less than one of
    a single pass. A processor without bfloat16 of its own, or a model of depthwise convolutions,
    may be slower: look at `error` and `time_ratio` before the copy is used.

    Args:
        model: A built Keras 3 model in float32, or a `Subject`; it is left as it is.
        sample: A batch (B, ...) of what the model takes, as for a method: a few examples.
        method: A method, or its registry name.
        target: As for a method. None is the class that the model predicts in float32; the copy is
            asked for the same one.
        score: As for a method.
        at: As for a method.

    Returns:
        The copy, with its error and its time on the sample.

    Raises:
        InvalidInputError: The sample does not fit, or holds texts.
        UnsupportedModelError: The model cannot be copied, is no Keras model, or is not in float32.
        UnknownNameError: There is no method of that name.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
        >>> model = keras.Model(inputs, keras.layers.Dense(2)(x))
        >>> images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
        >>> tried = tfxai.in_bfloat16(model, images)
        >>> bool(tried.error.max() < 0.1)
        True
        >>> attribution = tfxai.SmoothGrad()(tried.subject, images)
    """
    if is_function(model):
        raise UnsupportedModelError("A function came, which cannot be copied. Pass a Keras model.")
    subject = Subject.of(model)
    if subject.texts(sample) is not None:
        raise InvalidInputError(
            "The sample holds texts, which are not computed with. Pass ids and masks, and the "
            "model behind the tokenizer."
        )
    chosen = create(method) if isinstance(method, str) else method
    copy = _copied(subject, sample)
    question = {"score": score, "at": at, "progress": False}
    exact, exact_time = _timed(lambda: chosen(subject, sample, target, **question))
    is_of_output = isinstance(score, str | None) and (exact.target >= 0).all()
    same = exact.target if is_of_output else target
    rough, rough_time = _timed(lambda: chosen(copy, sample, same, **question))
    error, correlation = _compared(_rows(exact), _rows(rough))
    return InBfloat16(copy, chosen.name, error, correlation, rough_time / exact_time)


def _copied(subject: Subject, sample: Any) -> Subject:
    """The subject with a copy of its model, whose layers compute in bfloat16 where they may."""
    model = subject.model
    layers = [one for one in model._flatten_layers() if one.weights]
    others = sorted({one.dtype_policy.name for one in layers} - {"float32"})
    if others:
        raise UnsupportedModelError(
            f"Layers of the model are in {', '.join(others)} already. Pass a model in float32."
        )
    layout, leaves = read_inputs(model, subject.prepare(sample))
    copy = copy_of(model, layout, leaves, seed=0).model
    last = {id(one) for one in _last_layers(copy)}
    for layer in copy._flatten_layers():
        if id(layer) not in last and layer.dtype_policy.name == "float32":
            layer.dtype_policy = _POLICY
    return dataclasses.replace(subject, model=copy)


def _last_layers(model: keras.Model) -> list[Any]:
    """The layers that give the outputs of a model with a graph."""
    if not runs_its_graph(model):
        return []
    ends = [tensor._keras_history.operation for tensor in model.outputs]
    inner = [_last_layers(end) for end in ends if isinstance(end, keras.Model)]
    return [*ends, *(layer for found in inner for layer in found)]


def _timed(call: Callable[[], Attribution]) -> tuple[Attribution, float]:
    """The answer, and the seconds of the fastest call after the first, which traces."""
    found, seconds = call(), []
    with warnings.catch_warnings(action="ignore"):  # the first call has said it
        for _ in range(_CALLS):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return found, min(seconds)


def _rows(attribution: Attribution) -> Array:
    """The values of each example in a row, (B, N)."""
    values = attribution.values
    parts = values.values() if isinstance(values, dict) else [values]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _compared(exact: Array, rough: Array) -> tuple[Array, Array]:
    """Error and correlation of each row, (B,) each."""
    largest, apart = np.abs(exact).max(axis=1), np.abs(rough - exact).max(axis=1)
    error = np.divide(apart, largest, out=np.where(apart > 0, np.inf, 0.0), where=largest > 0)
    with np.errstate(invalid="ignore", divide="ignore"):  # of constant maps
        found = [np.corrcoef(one, other)[0, 1] for one, other in zip(exact, rough, strict=True)]
    return error, np.array(found)
