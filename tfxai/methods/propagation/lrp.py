"""Layer-wise relevance propagation: the score handed back layer by layer, by rules."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.graph.operations import DENSE
from tfxai.core.model.head import at_least_float32
from tfxai.core.options import option
from tfxai.core.propagation.balance import GATES, SOFTMAX
from tfxai.core.propagation.signed_weights import Affine
from tfxai.core.propagation.steps import NoRuleError, Step
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.propagation.composites import RULE, Composite, composite
from tfxai.methods.propagation.constants import Signal, constants, with_constants
from tfxai.methods.propagation.products import balanced_shares
from tfxai.methods.propagation.rules import Epsilon, Rule, quotient


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LRP(AttributionMethod):
    """Hands the score back from layer to layer in proportion to what contributed to it.

    A layer is a convolution or matrix product together with the batch normalisations, paddings
    and biases next to it. Relevance is conserved where nothing is absorbed by biases or by
    epsilon: the sum of the values against `score` says how much arrived, which after many batch
    normalisations can be little. Made for ReLU networks: behind an activation with f(0) != 0,
    shares can be large.

    Args:
        rule: `"epsilon"`, `"gamma"`, `"alpha_beta"` (2, 1), `"z_plus"` or `"flat"` for all
            layers; `"epsilon_plus"`: epsilon for dense layers, z_plus for convolutions;
            `"epsilon_gamma_box"`: epsilon, gamma, and z_box for the layer that reads the input;
            `"attn_lrp"`: epsilon, with half of the relevance going through the weights of
            attentions, which are constants for all other words; or a record of `tfxai.rules`:
            `Epsilon`, `Gamma`, `AlphaBeta`, `ZPlus`, `Flat`, or a `Composite` of them, which also
            says how relevance passes the weights of attentions.

    Returns:
        `Attribution` with values shaped like the inputs: relevance, in units of the score.
        `details` holds `"constants"` (B,), the part of the score that does not arrive: what
        biases, position embeddings, other constants and epsilon absorb; and `"positions"` (B,),
        that of constants in it that differ by position, as position embeddings do, where such
        are added on the way and the epsilon rule holds.

    Raises:
        InvalidInputError: An unknown rule, or numbers that do not fit it.
        UnsupportedModelError: An operation between the input and the score has no rule: a
            compiled call, a comparison of tensors that depend on the input, a loop whose number
            of rounds is not known beforehand or above 512.

    Reference:
        Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by
        Layer-Wise Relevance Propagation", PLOS ONE 10(7), 2015, Eqs. 58 and 60; Montavon et al.,
        "Layer-Wise Relevance Propagation: An Overview", 2019, Table 1. Departure: relevance
        passes elementwise activations unchanged and goes to the largest element of a
        max-pooling. Sums (residual connections), averages and batch normalisations with no
        layer next to them have the epsilon rule, with the epsilon of the dense layers, 0 where
        their rule has none. `Gamma` favours negative contributions where z < 0.
        Attention: Achtibat et al., "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for
        Transformers", ICML 2024, arXiv:2402.05602: a product hands each factor half, gates and
        the statistics of normalisations are held. Its rule of the softmax does not conserve the
        score, so that it is `"attn_lrp"` alone; to hold the weights is Ali et al., ICML 2022,
        arXiv:2202.07304. Recurrent layers are written out, and their gates held, so that the
        signal takes all: Arras et al., "Explaining Recurrent Neural Network Predictions in
        Sentiment Analysis", 2017, arXiv:1706.07206. So are masks of padding.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, keras.ops.relu(inputs @ np.array([[3.0], [-1.0]], "f4")))
        >>> LRP()(model, np.array([[1.0, 2.0]], "float32")).values.round(4)
        array([[ 3., -2.]], dtype=float32)
    """

    name: ClassVar[str] = "lrp"
    keeps_every_layer: ClassVar[bool] = True
    rule: Any = option("epsilon", kind=RULE)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        rules = composite(self.rule)
        hold = (GATES, SOFTMAX) if rules.softmax == "held" else (GATES,)
        propagation = f.propagation(x, hold=hold)
        epsilon = rules.dense.epsilon if isinstance(rules.dense, Epsilon) else 0.0

        def relevance(step: Step, signals: list[tf.Tensor]) -> list[tf.Tensor | None]:
            if step.kind == "activation":
                return list(signals)
            if step.kind == "softmax" and rules.softmax == "held":
                raise NoRuleError(step.ops[0], "is a softmax that weighs nothing")
            if step.kind == "softmax":
                return [_through_softmax(step, signals[0])]
            if step.weighted is not None:
                rule = _rule_of(step, step.weighted, rules, propagation.x)
                return [rule.relevance(Affine(step), signals[0])]
            if step.kind in ("same", "join", "pool") or set(step.kinds) == {"move"}:
                return step.gradient(signals)
            shares = step.gradient([quotient(signals[0], step.results[0], epsilon)])
            if step.kind == "product":
                shares = balanced_shares(step, shares)
            pairs = zip(step.sources, shares, strict=True)
            return [None if s is None else tf.cast(a, s.dtype) * s for a, s in pairs]

        weights = _weights(rules, epsilon, propagation.x)
        values, details = with_constants(propagation, relevance, f(x), weights)
        return values, details | {"constants": constants(f(x), values)}


def _rule_of(step: Step, weighted: tf.Operation, rules: Composite, x: tf.Tensor) -> Rule:
    if rules.first is not None and step.sources[0] is x:
        return rules.first
    return rules.dense if weighted.type in DENSE else rules.convolution


def _weights(rules: Composite, epsilon: float, x: tf.Tensor) -> Signal:
    """What a summand of a step's result counts by the epsilon rule; None by any other rule."""

    def weight(step: Step, signals: list[tf.Tensor]) -> tf.Tensor | None:
        rule: Rule = Epsilon(epsilon=epsilon)
        if step.weighted is not None:
            rule = _rule_of(step, step.weighted, rules, x)
        if not isinstance(rule, Epsilon):
            return None
        return quotient(signals[0], step.results[0], rule.epsilon)

    return weight


def _through_softmax(step: Step, relevance: tf.Tensor) -> tf.Tensor:
    """The first order of the weights s in their operands x: x (R - s sum(R))."""
    x, s = (at_least_float32(t) for t in (step.sources[0], step.results[0]))
    return x * (relevance - s * tf.reduce_sum(relevance, axis=-1, keepdims=True))
