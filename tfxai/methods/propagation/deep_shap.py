"""DeepSHAP: DeepLIFT averaged over a background, an estimate of Shapley values."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BACKGROUND
from tfxai.core.options import declaration
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.propagation.rescale import mean_contributions


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepSHAP(AttributionMethod):
    """Mean of DeepLIFT over a background, for which every input element is in turn absent.

    The values add up to the score minus the background's mean score but for rounding. They are
    Shapley values where the score is a sum of functions of single elements, an estimate of them
    elsewhere.

    Args:
        background: (R, ...) inputs that stand for the data, in the model's own units; a dict of
            them for a model with several inputs. Time grows with R; a hundred are usual.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score`, the mean over the background, and `completeness_gap`.

    Raises:
        InvalidInputError: The background does not fit.
        UnsupportedModelError: An operation between the input and the score has no rule, as for
            `DeepLIFT`.

    Reference:
        Lundberg, Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017,
        section 4.2. arXiv:1705.07874. Departure: the paper composes multipliers from the mean
        of the background; here each background example is a baseline of its own and the
        attributions are averaged, so that they are complete. Maxima, products and softmaxes have
        the rules of `DeepLIFT`, not the Shapley values of a maximum.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> background = np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> DeepSHAP(background=background)(model, np.array([[2.0, 2.0]])).values
        array([[ 4.5, -3. ]], dtype=float32)
    """

    name: ClassVar[str] = "deep_shap"
    keeps_every_layer: ClassVar[bool] = True
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("background",)
    background: Any = dataclasses.field(metadata=declaration(kind=BACKGROUND))

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return mean_contributions(f, x)
