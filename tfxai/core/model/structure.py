"""What one symbolic run of a model shows: its layer calls, its output, how it ends.

Needed before anything is computed: to check a target or a layer path, to choose the layer
of a Grad-CAM, to estimate the memory of a chunk. Traced once per model and input shape.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, cast

import keras
import tensorflow as tf

from tfxai.arrangement import positions
from tfxai.core.graph.dependence import Flow, expected_span
from tfxai.core.graph.tensor_axes import Axes, of_layer, word
from tfxai.core.inputs.layout import Layout
from tfxai.core.model.attention import attention_weights
from tfxai.core.model.cache import ModelCache
from tfxai.core.model.embeddings import embedding_rows, normalised
from tfxai.core.model.final_activation import Ending, ending
from tfxai.core.model.functions import closed_layer
from tfxai.core.model.layer_calls import Arguments, is_readable, observe
from tfxai.core.model.token_places import TokenPlaces, token_places
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
        kind: Class of the layer.
        axes: Axes of the output, as `tfxai.arrangement` has them.
        rests_on: Positions of the model's inputs that the output rests on.
        is_used: Whether an output of the model rests on it.
        is_model: Whether the layer is a model itself.
        is_in_attention: Whether it is an attention layer, or runs inside one.
        patch: (h, w) of the patches that it cuts an image into; nothing for any other layer.
        rows: Rows of the table from which it takes a vector for each id; 0 for any other layer.
        is_normalised: Whether nothing but a normalisation of layers sees its output.
    """

    path: str
    index: int
    layer_id: int
    shape: tuple[int | None, ...] | None
    dtype: str
    kind: str = ""
    axes: str = ""
    rests_on: frozenset[int] = frozenset()
    is_used: bool = True
    is_model: bool = False
    is_in_attention: bool = False
    patch: tuple[int, ...] = ()
    rows: int = 0
    is_normalised: bool = False

    def matches(self, layer: keras.Layer, index: int) -> bool:
        """Whether a call seen in another run is this one."""
        return id(layer) == self.layer_id and index == self.index


@dataclasses.dataclass(frozen=True)
class ModelStructure:
    """The layer calls of a model in the order in which they end, and its outputs.

    Args:
        calls: Every layer call below the model itself.
        outputs: Shape of each output without the batch axis.
        ending: What the output is, for a model with one output.
        axes: Axes of each input, as `tfxai.arrangement` has them.
        jumps: Operations between the inputs and the outputs that jump, by type and layer.
        span: Length of the range of inputs that the first layers expect, where they say so.
        output_dtypes: Names of the outputs' types.
        closed: Why no layer can be had, and what to do; empty where they can.
        hidden_bytes: Bytes of what one example takes in layers that cannot be seen.
        tokens: Where the tokens of each attention lie in the image that is the model's only one,
            in the order of computation; nothing for other models.
    """

    calls: tuple[LayerCall, ...]
    outputs: tuple[tuple[int | None, ...], ...]
    ending: Ending
    axes: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    span: float | None = None
    output_dtypes: tuple[str, ...] = ()
    closed: str = ""
    hidden_bytes: int = 0
    tokens: tuple[TokenPlaces, ...] = ()

    @property
    def activation(self) -> str | None:
        """`"softmax"` or `"sigmoid"` whose operand is the logit, or None."""
        return self.ending.activation

    def find(self, path: str) -> LayerCall:
        """The call at `path`; `"conv#1"` is the second call of a layer that is shared.

        Raises:
            LayerNotFoundError: No layer has that path.
            InvalidInputError: The layer is called several times and no call is chosen.
        """
        self.require_layers()
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

    def first_floating(self) -> str | None:
        """Path of the first layer that makes numbers with a fraction of what has none.

        That is where gradients begin in a model of words: its embedding, if it has one.
        """
        calls = [
            call
            for call in self.calls
            if call.is_used
            and call.rests_on
            and not call.is_model
            and call.shape
            and tf.as_dtype(call.dtype).is_floating
        ]
        calls.sort(key=lambda call: "Embedding" not in call.kind)  # stable: the first of its kind
        return self._path_of(calls[0]) if calls else None

    def token_embedding(self, position: int | None = None) -> str | None:
        """Path of the layer that has a vector for each token, None where there is none.

        Of several layers with a table of vectors it is the one with most rows: segments and
        positions are few beside words. Of two calls of it, the first.

        Args:
            position: Position of the input that holds the ids; None where any may.
        """
        calls = [
            call
            for call in self.calls
            if call.rows
            and call.is_used
            and call.shape
            and not call.is_model
            and (position is None or position in call.rests_on)
        ]
        most = max((call.rows for call in calls), default=0)
        found = [call for call in calls if call.rows == most]
        innermost = max(found, key=lambda call: call.path.count("/"), default=None)
        return None if innermost is None else self._path_of(innermost)

    def _path_of(self, call: LayerCall) -> str:
        """The path by which `find` finds a call."""
        shared = sum(one.path == call.path for one in self.calls) > 1
        return f"{call.path}#{call.index}" if shared else call.path

    def require_layers(self) -> None:
        """Raises `LayerNotFoundError` where no layer of the model can be had."""
        if self.closed:
            raise LayerNotFoundError(self.closed)

    def _not_found(self, path: str) -> UnknownNameError:
        paths = list(dict.fromkeys(call.path for call in self.calls))
        inside = [known for known in paths if known.endswith(f"/{path}")]
        if inside:
            choices = " or ".join(map(repr, inside[:3]))
            return LayerNotFoundError(f"There is no layer {path!r}. Did you mean {choices}?")
        return LayerNotFoundError.of("layer", path, paths)

    @functools.cached_property
    def bytes_per_example(self) -> int:
        """Bytes of all layer outputs of one example: an estimate of a forward pass."""
        sizes = [
            math.prod(n or 1 for n in call.shape) * tf.as_dtype(call.dtype).size
            for call in self.calls
            if call.shape is not None
        ]
        return max(sum(sizes) + self.hidden_bytes, 1)

    @property
    def pass_bytes(self) -> int:
        """Bytes of a pass of one example and back by rules that see every layer's output."""
        return 3 * self.bytes_per_example  # outputs, signals, and what an operation needs beside


_known = ModelCache(64)


def model_structure(model: keras.Model, layout: Layout) -> ModelStructure:
    """The structure of `model` for inputs of `layout`, from a cache where it is known."""
    return cast(ModelStructure, _known.get(model, layout, lambda: _trace(model, layout)))


def _trace(model: keras.Model, layout: Layout) -> ModelStructure:
    found: list[ModelStructure] = []

    def run(*leaves: tf.Tensor) -> None:
        reader = _Reader(leaves)
        with observe(reader.visit, reader.enter):
            raw = model(layout.structure(leaves), training=False)
        found.append(reader.structure(tf.nest.flatten(raw)))

    tf.function(run, autograph=False).get_concrete_function(*layout.specs())
    layer = closed_layer(model)
    if layer is None:
        return found[0]
    closed = f"The model is {layer.what}, whose layers cannot be tapped. {layer.advice}"
    return dataclasses.replace(
        found[0], ending=Ending(), closed=closed, hidden_bytes=layer.hidden_bytes
    )


class _Reader:
    """Follows one symbolic run of a model, and reads its graph when it has ended."""

    def __init__(self, leaves: Sequence[tf.Tensor]) -> None:
        self._leaves = leaves
        self._calls: list[tuple[LayerCall, Any, keras.Layer]] = []
        self._axes: list[tuple[tf.Tensor, str]] = []
        self._hints: list[tuple[tf.Tensor, str]] = []  # of layers that are seldom told

    def enter(self, layer: keras.Layer, given: Arguments) -> None:
        tensors = tf.nest.flatten(given)
        if tensors and is_readable(tensors[0]):
            self._know(layer, tensors[0])

    def visit(self, path: str, layer: keras.Layer, index: int, output: Any) -> Any:
        shape, dtype = None, "float32"
        if isinstance(output, tf.Tensor) and output.shape.rank:
            shape, dtype = tuple(output.shape.as_list()[1:]), output.dtype.name
        kind = type(layer).__name__
        call = LayerCall(path, index, id(layer), shape, dtype, kind)
        self._calls.append((call, output if is_readable(output) else None, layer))
        if is_readable(output):
            self._know(layer, output)
        return output

    def _know(self, layer: keras.Layer, tensor: tf.Tensor) -> None:
        rank = tensor.shape.rank
        axes = of_layer(layer, rank)
        if axes and isinstance(layer, keras.layers.Flatten):
            self._hints += [(tensor, axes)] if rank in (4, 5) else []
        elif axes:
            self._axes.append((tensor, axes))
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        if is_norm and layer.axis == 1 and rank in (4, 5):
            self._hints.append((tensor, word(rank, first=True)))

    def structure(self, outputs: list[Any]) -> ModelStructure:
        """What the run showed."""
        tensors = [t for t in outputs if is_readable(t)]
        leaves = list(self._leaves)
        axes = Axes([*self._axes, *self._hints], [*tensors, *leaves])
        flow = Flow(
            leaves, tensors, [output for _, output, _ in self._calls if output is not None]
        )
        attention = [c.path for c, _, layer in self._calls if "Attention" in c.kind]
        alone = {t.ref() for t in normalised([(layer, out) for _, out, layer in self._calls])}
        calls = []
        for call, output, layer in self._calls:
            more: dict[str, Any] = {"is_model": isinstance(layer, keras.Model)}
            more["patch"] = _patch(layer)
            more["is_in_attention"] = any(
                call.path == path or call.path.startswith(f"{path}/") for path in attention
            )
            if output is not None:
                more["axes"] = axes.of(output)
                more["rests_on"] = flow.rests_on(output)
                more["is_used"] = flow.is_used(output)
                more["rows"] = embedding_rows(layer, output, flow)
                more["is_normalised"] = output.ref() in alone
            calls.append(dataclasses.replace(call, **more))
        inputs = tuple(axes.of_input(leaf, leaf.consumers()) for leaf in leaves)
        return ModelStructure(
            tuple(calls),
            tuple(tuple(t.shape.as_list()[1:]) for t in outputs),
            ending(outputs[0]) if len(outputs) == 1 else Ending(),
            inputs,
            flow.jumps(),
            expected_span([layer for _, _, layer in self._calls]),
            tuple(t.dtype.name for t in outputs),
            tokens=_tokens(leaves, inputs, tensors),
        )


def _tokens(
    leaves: Sequence[tf.Tensor], axes: Sequence[str], outputs: Sequence[tf.Tensor]
) -> tuple[TokenPlaces, ...]:
    """Where the tokens of each attention lie in the only image among the inputs."""
    images = [i for i, one in enumerate(axes) if positions(one) == 2]
    if len(images) != 1:
        return ()
    weights = [one.tensor for one in attention_weights(leaves, outputs)]
    if not weights:
        return ()
    return token_places(leaves[images[0]], axes[images[0]], weights, outputs)


def _patch(layer: keras.Layer) -> tuple[int, ...]:
    """Size of the patches of a layer that cuts an image into them, without overlap."""
    size, strides = (getattr(layer, name, ()) for name in ("kernel_size", "strides"))
    is_patch = isinstance(size, tuple) and size == strides and min(size, default=1) > 1
    return size if is_patch else ()
