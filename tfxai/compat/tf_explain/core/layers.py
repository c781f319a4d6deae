"""Layers of a model: their outputs, the gradients by them, and which one is explained."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import keras
import tensorflow as tf

from tfxai.core.model.layer_calls import observe
from tfxai.core.options import declaration
from tfxai.core.score import Score
from tfxai.errors import LayerNotFoundError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import PATH


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerGradients(AttributionMethod, is_named=False):
    """The score's gradient by the output of a layer, and that output, out of one pass.

    Args:
        layer: Path of the layer.
    """

    name: ClassVar[str] = "GradCAM"  # which remarks are in the name of
    is_of_layer: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        activations, gradients = f.layer_gradient(self.layer, x)
        return gradients, {"activations": activations}


class LayerOutputs(keras.Model):
    """What one layer of another model returns; the model is shared, not copied.

    Args:
        model: A model of one input.
        path: Path of the layer, such as `"backbone/conv5"`.
    """

    def __init__(self, model: keras.Model, path: str) -> None:
        super().__init__()
        self._of, self._wanted = model, path

    def call(self, inputs: Any) -> Any:
        """The output of the layer's last call in a pass."""
        found: list[Any] = []

        def visit(path: str, _: keras.Layer, __: int, output: Any) -> Any:
            found.extend([output] if path == self._wanted else [])
            return output

        with observe(visit):
            self._of(inputs, training=False)
        if not found:
            raise LayerNotFoundError(
                f"The model has no layer {self._wanted!r}. Pass the name of one of its layers."
            )
        return found[-1]


def submodel(model: Any, outputs: Any) -> keras.Model:
    """A model from the inputs of another one to a tensor inside of it; it shares the weights."""
    alone = len(model.inputs) == 1 and not isinstance(getattr(model, "input", None), dict)
    return keras.Model(model.inputs[0] if alone else model.input, outputs)


def last_layer_with_maps(model: Any) -> str:
    """Name of the last layer of a model that returns (B, h, w, K).

    Raises:
        LayerNotFoundError: There is none, or nobody knows before the model has been called.
    """
    for layer in reversed(getattr(model, "layers", [])):
        shape = getattr(_output(layer), "shape", ())
        if len(shape) == 4 and not isinstance(layer, keras.layers.InputLayer):
            return str(layer.name)
    raise LayerNotFoundError(
        "The model has no layer of its own that is known to return feature maps (B, h, w, K). "
        "Pass layer_name, a path such as 'backbone/conv5' inside of nested models."
    )


def _output(layer: Any) -> Any:
    """The symbolic output of a layer; None where it has none, or several."""
    try:
        return layer.output
    except (AttributeError, ValueError):  # never called, or called several times
        return None
