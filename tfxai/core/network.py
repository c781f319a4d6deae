"""A model as a function of x, and of the output of any of its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tfxai.core.graph.tensor_axes import channels_back
from tfxai.core.model.cut import cut
from tfxai.core.model.layer_calls import is_readable, observe, unreadable
from tfxai.core.model.structure import ModelStructure
from tfxai.core.tracing import Run
from tfxai.errors import UnsupportedModelError

Before: TypeAlias = Callable[
    [tf.Tensor, tuple[tf.Tensor, ...]], tuple[tf.Tensor, tuple[tf.Tensor, ...]]
]
"""From x and what is held to a layer's output, and what the network behind it needs beside it."""


class Network:
    """What a model returns for x and the tensors held beside it.

    Args:
        run: The pass itself.
        structure: The structure of the model.
        halves: From a layer's path to the passes before and behind it, or None where the model
            cannot be cut there; None for a network that is never cut.
    """

    def __init__(
        self,
        run: Run,
        structure: ModelStructure,
        halves: Callable[[str], tuple[Before, Run] | None] | None = None,
    ) -> None:
        self._run = run
        self._structure = structure
        self._halves = halves

    @classmethod
    def of(
        cls,
        model: keras.Model,
        structure: ModelStructure,
        inputs: Callable[[tf.Tensor, tuple[tf.Tensor, ...]], Any],
        *,
        may_cut: bool,
    ) -> Network:
        """The network of a model.

        Args:
            model: The model.
            structure: Its structure.
            inputs: From x and what is held to what the model is called with.
            may_cut: Whether the model may be cut. Layers before a cut are not seen in its passes.
        """

        def run(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return model(inputs(x, held), training=False)

        def halves(path: str) -> tuple[Before, Run] | None:
            found = cut(model, path)
            if found is None:
                return None

            def before(
                x: tf.Tensor, held: tuple[tf.Tensor, ...]
            ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
                activations, *bypasses = found.prefix(tf.nest.flatten(inputs(x, held)))
                return activations, tuple(bypasses)

            return before, lambda x, held: found.tail([x, *held])

        return cls(run, structure, halves if may_cut else None)

    def __call__(self, x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
        """What the model returns."""
        return self._run(x, held)

    def behind(self, path: str) -> tuple[Network, Before | None]:
        """The network as a function of the output of the layer at `path`, and what comes before.

        Where the model cannot be cut there, nothing comes before: the model runs whole, with the
        layer's output replaced and x held as the first tensor beside it.
        """
        halves = self._halves(path) if self._halves else None
        if halves is not None:
            return Network(halves[1], self._structure), halves[0]

        def replaced(activations: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return self._tapped(path, held[0], held[1:], activations)[0]

        return Network(replaced, self._structure), None

    def turned(self, axes: str, dtype: tf.DType) -> Network:
        """The network as a function of x with channels last, cast to the type that it takes."""

        def run(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return self(tf.cast(channels_back(x, axes), dtype), held)

        return Network(run, self._structure)

    def layer_output(
        self, path: str, x: tf.Tensor, held: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """As what comes before, for a model that runs whole."""
        return self._tapped(path, x, held, None)[1], (x, *held)

    def _tapped(
        self,
        path: str,
        x: tf.Tensor,
        held: tuple[tf.Tensor, ...],
        replacement: tf.Tensor | None,
    ) -> tuple[Any, tf.Tensor]:
        """What the model returns, and what the layer itself returned in that pass."""
        call, seen = self._structure.find(path), []

        def visit(_: str, layer: keras.Layer, index: int, output: Any) -> Any:
            if not call.matches(layer, index):
                return output
            if not is_readable(output):
                raise UnsupportedModelError(unreadable(call.path))
            seen.append(output)
            return output if replacement is None else replacement

        with observe(visit):
            raw = self(x, held)
        if not seen:
            raise UnsupportedModelError(unreadable(call.path))
        return raw, seen[0]
