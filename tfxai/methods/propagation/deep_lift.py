"""DeepLIFT: how far each input element drove the score away from what it is at a baseline."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.propagation.rescale import mean_contributions


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepLIFT(AttributionMethod):
    """Compares each activation with its value at a baseline and shares out the differences.

    The values add up to f(x) - f(x') but for rounding, at the price of one forward pass at each
    and one pass back.

    Args:
        baseline: x': None for black before preprocessing (zeros where the preprocessing is not
            known), a number in the model's input units, `"black"`, `"grey"`, `"white"`, `"blur"`,
            `"noise"`, `"mean"`, a record of `tfxai.baselines`, or an array shaped like one input
            or like the batch. `Samples` are several: the attributions to each are averaged.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score` and `completeness_gap`.

    Raises:
        InvalidInputError: The baseline does not fit.
        UnsupportedModelError: An operation between the input and the score has no rule: a
            comparison of tensors that depend on the input, a compiled call, a loop whose number
            of rounds is not known beforehand or above 512.

    Reference:
        Shrikumar, Greenside, Kundaje, "Learning Important Features Through Propagating
        Activation Differences", ICML 2017, sections 3.1, 3.2, 3.5.1 and 3.5.2 (the rescale
        rule). arXiv:1704.02685. Departure: the paper has no rule for max-pooling. Here
        y - y' = l (a_i - a'_i) + (1 - l) (a_j - a'_j) for the largest elements i at x and j at
        x', which gives l in [0, 1]: the part of the line from x' to x on which i exceeds j.
        Class logits are not normalised by their mean. Nor has it one for products of tensors that
        both depend on the input and for softmaxes: a product is shared by the mean of the other
        factor, y - y' = (a - a') (b + b') / 2 + (b - b') (a + a') / 2, a softmax by the rescale
        rule of its exponentials, whose normaliser follows from the sum of 1. Recurrent layers
        are written out, step by step.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, keras.ops.relu(inputs[:, :1] - 2.0 * inputs[:, 1:] - 1.0))
        >>> DeepLIFT()(model, np.array([[9.0, 1.0]])).values
        array([[ 7.714286 , -1.7142857]], dtype=float32)
    """

    name: ClassVar[str] = "deep_lift"
    keeps_every_layer: ClassVar[bool] = True
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    baseline: Any = option(None, kind=BASELINE)

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return mean_contributions(f, x)
