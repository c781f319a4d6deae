"""A model as it is called with keyword arguments, and with the input of a layer as a layer."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.layer_calls import Arguments, observe
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError


class CalledModel(keras.Model):
    """Calls a model, which is shared and not copied.

    Args:
        model: The model.
        keywords: Names of the keyword arguments that it is called with. Inputs are then a dict:
            the inputs by `input_name(0)`, `input_name(1)`, ..., the arguments by `keyword_name`.
        tapped: A layer whose input is to be seen as the output of `tap`, a layer of its own.
    """

    def __init__(
        self, model: keras.Model, keywords: Sequence[str], tapped: keras.Layer | None
    ) -> None:
        super().__init__(dtype=model.dtype_policy, autocast=False)
        self._of, self._keywords = model, tuple(keywords)
        self._tapped = tapped
        self.built = model.built
        self.tap = _Tap(name="layer_input", dtype=model.dtype_policy, autocast=False)

    @property
    def is_tapped(self) -> bool:
        """Whether the input of a layer is to be seen."""
        return self._tapped is not None

    def call(self, inputs: Any) -> Any:
        """What the model returns."""
        given, keywords = inputs, {}
        if self._keywords:
            keywords = {name: inputs[keyword_name(name)] for name in self._keywords}
            count = len(inputs) - len(keywords)
            leaves = [inputs[input_name(i)] for i in range(count)]
            given = leaves if count > 1 else leaves[0]
        with contextlib.ExitStack() as stack:
            if self._tapped is not None:
                stack.enter_context(observe(lambda *seen: seen[-1], self._enter))
            return self._of(given, training=False, **keywords)

    def _enter(self, layer: keras.Layer, given: Arguments) -> Arguments | None:
        """The arguments of the tapped layer, its input passed through `tap`."""
        if self._tapped is None or layer is not self._tapped:
            return None
        args, keywords = given
        if not args or not isinstance(args[0], tf.Tensor):
            raise UnsupportedModelError(
                f"Layer {layer.name!r} does not take one tensor, so its input cannot be "
                "explained. Leave out attribute_to_layer_inputs, or choose another layer."
            )
        return (self.tap(args[0]), *args[1:]), keywords


class _Tap(keras.layers.Layer):
    """Gives what it is given, as a tensor of the graph in which it is called."""

    def call(self, inputs: Any) -> Any:
        return tf.identity(inputs)


def input_name(number: int) -> str:
    """Name of an input beside keyword arguments."""
    return f"input_{number}"


def keyword_name(name: str) -> str:
    """Name of the input that is a keyword argument."""
    return f"keyword_{name}"


def path_of(model: keras.Model, layer: keras.Layer, inputs: Any) -> str:
    """The path of a layer in a model, as tfxai names it.

    Raises:
        LayerNotFoundError: The model does not call it.
        InvalidInputError: The model calls it several times.
    """
    layout, _ = read_inputs(model, inputs)
    calls = model_structure(model, layout.plain).calls
    paths = [call.path for call in calls if call.layer_id == id(layer)]
    if not paths:
        raise LayerNotFoundError(
            f"The model does not call layer {layer.name!r}. Pass a layer out of model.layers, or "
            "one inside of them."
        )
    if len(paths) > 1:
        raise InvalidInputError(
            f"The model calls layer {layer.name!r} {len(paths)} times. Pass one that it calls "
            f"once, or explain a call with tfxai.IntegratedGradients and at='{paths[0]}#0'."
        )
    return paths[0]
