"""LibraGrad: gradient times input, with the backward paths in balance, for transformers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.propagation.balance import GATES, SOFTMAX
from tfxai.core.propagation.steps import NoRuleError, Step
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.propagation.constants import constants, with_constants
from tfxai.methods.propagation.products import balanced_shares
from tfxai.methods.propagation.rescale import slope

_ENDLESS = frozenset({"Digamma", "Inv", "Lgamma", "Log", "Reciprocal", "Rsqrt", "Xlogy"})


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LibraGrad(AttributionMethod):
    """Gradient times input in which no part of the score is counted twice or lost.

    The weights of attentions, gates, and the statistics of normalisations are held as constants;
    a product of two other tensors hands each half of its signal; an activation hands on the share
    (g(u) - g(0)) / u. The values then add up to the score but for what rests on biases, position
    embeddings and other constants, at the cost of a forward and a backward pass.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score. `details` holds
        `"constants"` (B,), the part of the score that the values do not add up to: what rests on
        biases, position embeddings and other constants; and `"positions"` (B,), that of
        constants in it that differ by position, as position embeddings do, where such are added
        on the way.

    Raises:
        UnsupportedModelError: An operation between the input and the score is neither linear, nor
            elementwise, nor a product, or runs in a compiled call or a loop of unknown length.

    Reference:
        Mehri, Baldassarre et al., "LibraGrad: Balancing Gradient Flow for Universally Better
        Vision Transformer Attributions", CVPR 2025. arXiv:2411.16760. Departure: activations
        other than gated ones hand on the slope of the secant from zero, as DeepLIFT's do.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:])
        >>> LibraGrad()(model, np.array([[3.0, 4.0]])).values
        array([[6., 6.]], dtype=float32)
    """

    name: ClassVar[str] = "libra_grad"
    keeps_every_layer: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        propagation = f.propagation(x, hold=(GATES, SOFTMAX))
        back, details = with_constants(propagation, _balanced, tf.ones_like(f(x)), _weight)
        values = x * back
        return values, details | {"constants": constants(f(x), values)}


def _weight(step: Step, signals: list[tf.Tensor]) -> tf.Tensor:
    """What a summand of a step's result counts: as much as any other."""
    return signals[0]


def _balanced(step: Step, signals: list[tf.Tensor]) -> list[tf.Tensor | None]:
    """The signals at the sources of a step."""
    if step.kind == "activation":
        for op in step.ops:
            if op.type in _ENDLESS:
                raise NoRuleError(op, "is endless at zero, from where shares are measured")
        nothing = step.at([tf.zeros_like(step.sources[0])])
        return [signals[0] * slope(step, nothing)]
    if step.kind == "softmax":
        raise NoRuleError(step.ops[0], "is a softmax that weighs nothing")
    shares = step.gradient(signals)
    return balanced_shares(step, shares) if step.kind == "product" else shares
