"""What one symbolic run of a model shows: its layer calls, its output, how it ends.

Needed before anything is computed: to check a target or a layer path, to choose the layer
of a Grad-CAM, to estimate the memory of a chunk. Traced once per model and input shape.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, cast

import keras
import tensorflow as tf

from tfxai.core.functions import closed_layer
from tfxai.core.heads import final_activation
from tfxai.core.inputs import Layout
from tfxai.core.kept import Kept
from tfxai.core.taps import observe
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnknownNameError


@dataclasses.dataclass(frozen=True)
class LayerCall:
    """One call of one layer.

    Args:
        path: Names from the outermost model inwards: `"backbone/conv5"`.
        index: How often the same layer was called before in the same run.
        layer_id: `id` of the layer object.
        shape: Output shape without the batch axis, None where an axis is free or where the
            output is not one tensor.
        dtype: Name of the output's type.
    """

    path: str
    index: int
    layer_id: int
    shape: tuple[int | None, ...] | None
    dtype: str

    def matches(self, layer: keras.Layer, index: int) -> bool:
        """Whether a call seen in another run is this one."""
        return id(layer) == self.layer_id and index == self.index


@dataclasses.dataclass(frozen=True)
class Anatomy:
    """The layer calls of a model in the order in which they end, and its outputs.

    Args:
        calls: Every layer call below the model itself.
        outputs: Shape of each output without the batch axis.
        activation: `"softmax"`, `"sigmoid"` or None, for a model with one output.
        closed: Why no layer can be had, and what to do; empty where they can.
        hidden_bytes: Bytes of what one example takes in layers that cannot be seen.
    """

    calls: tuple[LayerCall, ...]
    outputs: tuple[tuple[int | None, ...], ...]
    activation: str | None
    closed: str = ""
    hidden_bytes: int = 0

    def find(self, path: str) -> LayerCall:
        """The call at `path`; `"conv#1"` is the second call of a layer that is shared.

        Raises:
            LayerNotFoundError: No layer has that path.
            InvalidInputError: The layer is called several times and no call is chosen.
        """
        self._require_layers()
        name, _, number = path.partition("#")
        found = [call for call in self.calls if call.path == name]
        if not found:
            raise self._not_found(path)
        if number:
            if not number.isdigit() or int(number) >= len(found):
                raise LayerNotFoundError(
                    f"There is no call {number!r} of layer {name!r}, which is called "
                    f"{len(found)} times. Pass a number from 0 to {len(found) - 1}."
                )
            return found[int(number)]
        if len(found) > 1:
            choices = " or ".join(repr(f"{name}#{i}") for i in range(len(found)))
            raise InvalidInputError(
                f"Layer {name!r} is called {len(found)} times. Choose one call: {choices}."
            )
        return found[0]

    def _require_layers(self) -> None:
        if self.closed:
            raise LayerNotFoundError(self.closed)

    def _not_found(self, path: str) -> UnknownNameError:
        paths = list(dict.fromkeys(call.path for call in self.calls))
        inside = [known for known in paths if known.endswith(f"/{path}")]
        if inside:
            choices = " or ".join(map(repr, inside[:3]))
            return LayerNotFoundError(f"There is no layer {path!r}. Did you mean {choices}?")
        return LayerNotFoundError.of("layer", path, paths)

    def last_spatial(self) -> str:
        """Path of the last layer with two spatial axes and more than one position.

        Raises:
            LayerNotFoundError: There is none.
        """
        self._require_layers()
        for call in reversed(self.calls):
            shape = call.shape or ()
            if len(shape) == 3 and math.prod(n or 2 for n in shape[:2]) > 1:
                same = [other for other in self.calls if other.path == call.path]
                return call.path if len(same) == 1 else f"{call.path}#{same.index(call)}"
        raise LayerNotFoundError(
            "The model has no layer with two spatial axes, where class activation maps look "
            "unless told otherwise. Name a layer with layer=, or use a gradient method."
        )

    @property
    def bytes_per_example(self) -> int:
        """Bytes of all layer outputs of one example: an estimate of a forward pass."""
        sizes = [
            math.prod(n or 1 for n in call.shape) * tf.as_dtype(call.dtype).size
            for call in self.calls
            if call.shape is not None
        ]
        return max(sum(sizes) + self.hidden_bytes, 1)


_known = Kept(64)


def anatomy(model: keras.Model, layout: Layout) -> Anatomy:
    """The anatomy of `model` for inputs of `layout`, from a cache where it is known."""
    return cast(Anatomy, _known.get(model, layout, lambda: _trace(model, layout)))


def _trace(model: keras.Model, layout: Layout) -> Anatomy:
    calls: list[LayerCall] = []
    ends: list[tuple[tuple[tuple[int | None, ...], ...], str | None]] = []

    def visit(path: str, layer: keras.Layer, index: int, output: Any) -> Any:
        shape, dtype = None, "float32"
        if isinstance(output, tf.Tensor) and output.shape.rank:
            shape, dtype = tuple(output.shape.as_list()[1:]), output.dtype.name
        calls.append(LayerCall(path, index, id(layer), shape, dtype))
        return output

    def run(*leaves: tf.Tensor) -> None:
        with observe(visit):
            raw = model(layout.structure(leaves), training=False)
        flat = tf.nest.flatten(raw)
        shapes = tuple(tuple(t.shape.as_list()[1:]) for t in flat)
        ends.append((shapes, final_activation(flat[0]) if len(flat) == 1 else None))

    tf.function(run, autograph=False).get_concrete_function(*layout.specs())
    outputs, activation = ends[0]
    layer = closed_layer(model)
    if layer is None:
        return Anatomy(tuple(calls), outputs, activation)
    closed = f"The model is {layer.what}, whose layers cannot be tapped. {layer.advice}"
    return Anatomy(tuple(calls), outputs, activation, closed, layer.hidden_bytes)
