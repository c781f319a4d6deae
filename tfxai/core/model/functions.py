"""Functions from a batch to its outputs, in the place of a model whose insides are not at hand.

A function becomes the one layer of a Keras model, so that everything else treats it as such.
Programs of such a model are not compiled: they run step by step in the caller's thread.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.columns import is_frame
from tfxai.core.inputs.frames import frame_array
from tfxai.errors import InvalidInputError

PredictFunction: TypeAlias = Callable[[Array], Any]
"""From a batch (B, ...) to its outputs, (B,), (B, N) or more axes."""


def is_function(model: Any) -> bool:
    """Whether `model` is a plain function, of which nothing is known but its answers."""
    known = isinstance(model, keras.layers.Layer) or any(
        base.__module__.split(".")[0] == "tf_keras" for base in type(model).__mro__
    )
    return callable(model) and not known and not inspect.isclass(model)


def function_model(function: PredictFunction, inputs: Any) -> tuple[keras.Model, Array]:
    """The model of a function, and the inputs in float64, in which they are varied.

    Args:
        function: Called with a batch in the type of `inputs`: (B, ...) of any size B. Values
            between whole numbers are rounded for it where the inputs are whole numbers.
        inputs: (B, ...) numbers; the function is called once with the first of them.

    Raises:
        InvalidInputError: The inputs are no batch of numbers, or the function does not return
            one row of finite numbers for each example.
    """
    try:
        given = frame_array(inputs) if is_frame(inputs) else np.asarray(inputs)
    except InvalidInputError:
        raise
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"The inputs of a function are no array: {error}. Pass one batch of numbers."
        ) from error
    if given.dtype.kind not in "fiub" or given.ndim == 0 or len(given) == 0:
        raise InvalidInputError(
            f"The inputs of a function have type {given.dtype} and shape {given.shape}, and one "
            "batch of numbers (B, ...) was expected. Pass an array with at least one example."
        )
    layer = FunctionLayer(function, given)
    x = keras.Input(given.shape[1:], dtype="float64", name="input")
    return keras.Model(x, layer(x), name="model_of_function"), given.astype(np.float64)


def is_of_function(model: keras.Model) -> bool:
    """Whether a model stands for a function, which has to be called from the caller's thread.

    TensorFlow's own threads would all wait for one another if the function used TensorFlow too.
    """
    return isinstance(closed_layer(model), FunctionLayer)


class ClosedLayer(keras.layers.Layer):
    """The one layer of a model into which nobody can look.

    Args:
        what: What the model is.
        advice: What to do for more than its inputs, a sentence.
        hidden_bytes: Bytes of all that it computes for one example, 0 where nobody knows.
    """

    def __init__(self, what: str, advice: str, hidden_bytes: int = 0, **options: Any) -> None:
        super().__init__(autocast=False, **options)
        self.what, self.advice, self.hidden_bytes = what, advice, hidden_bytes


@contextlib.contextmanager
def errors_as_they_are() -> Iterator[None]:
    """Lets errors pass through Keras, which would put one with the layer's arguments in place."""
    try:
        yield
    except Exception as error:
        error._keras_call_info_injected = True  # type: ignore[attr-defined]
        raise


def closed_layer(model: keras.Model) -> ClosedLayer | None:
    """The layer of a model into which nobody can look, None for any other."""
    last = model.layers[-1] if model.layers else None
    return last if isinstance(last, ClosedLayer) else None


class FunctionLayer(ClosedLayer):
    """A function, called while a program runs step by step.

    Args:
        function: As for `function_model`.
        example: (B, ...) in the type in which the function takes batches.
    """

    def __init__(self, function: PredictFunction, example: Array) -> None:
        advice = "Pass the Keras model itself."
        super().__init__("a function", advice, name="function", dtype="float64")
        self._takes = example.dtype
        self._function = function
        self._row: tuple[int, ...] = ()
        self._row = self._answer(example[:1]).shape[1:]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The function's outputs, (B, ...)."""
        if tf.inside_function():  # for the shape alone
            return tf.zeros((tf.shape(x)[0], *self._row), tf.float64)
        with errors_as_they_are():
            return tf.constant(self._answer(self._as_given(x.numpy())), tf.float64)

    def _as_given(self, x: Array) -> Array:
        if self._takes.kind == "f":
            return x.astype(self._takes)
        if self._takes.kind == "b":
            return x >= 0.5
        limits = np.iinfo(self._takes)
        return np.clip(np.rint(x), limits.min, limits.max).astype(self._takes)

    def _answer(self, x: Array) -> Array:
        """What the function says of a batch, checked."""
        outputs = np.asarray(self._function(x))
        if outputs.ndim == 1:
            outputs = outputs[:, None]
        expected = (len(x), *(self._row or outputs.shape[1:]))
        if outputs.dtype.kind not in "fiub" or outputs.shape != expected or 0 in expected:
            wanted = ", ".join(map(str, expected[1:] if self._row else ["N"]))
            raise InvalidInputError(
                f"The function returned {outputs.dtype} of shape {outputs.shape} for {len(x)} "
                f"examples, and numbers of shape ({len(x)}, {wanted}) were expected. Let it "
                "return one row of numbers for each example."
            )
        if not np.isfinite(outputs).all():
            raise InvalidInputError(
                f"The function returned NaN or infinity for one of {len(x)} examples. "
                "Let it return finite numbers, or choose a baseline for which it does."
            )
        return outputs
