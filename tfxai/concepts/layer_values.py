"""The activations of a layer, and the score's gradient by them, as two methods."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.options import declaration
from tfxai.core.propagation.steps import NoRuleError
from tfxai.core.score import Score
from tfxai.errors import UnsupportedModelError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import PATH

_LINEAR = frozenset({"affine", "mix", "sum", "join", "same"})


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerActivations(AttributionMethod, is_named=False):
    """The output of a layer, channels last.

    Args:
        layer: Path of the layer.
    """

    name: ClassVar[str] = "layer_activations"
    is_of_layer: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return f.activations(self.layer, x)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerGradient(AttributionMethod, is_named=False):
    """The score's gradient by the output of a layer, channels last.

    Args:
        layer: Path of the layer.

    Raises:
        UnsupportedModelError: Only linear operations follow the layer.
    """

    name: ClassVar[str] = "layer_gradient"
    is_of_layer: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        behind, activations = f.behind(self.layer, x)
        if _is_linear(behind, activations):
            raise UnsupportedModelError(
                f"Only a linear head lies between layer {self.layer!r} and the score, so the "
                "derivative along a concept is the same for every image and each concept would "
                "score 0 or 1. Choose an earlier layer."
            )
        return behind.gradient(activations)


def _is_linear(f: Score, activations: tf.Tensor) -> bool:
    """Whether every operation from the activations to the score is linear, up to constants."""
    try:
        steps = f.propagation(activations).steps
    except NoRuleError:  # an operation that no rule knows is not linear
        return False
    return all(step.kind in _LINEAR for step in steps)
