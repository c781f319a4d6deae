"""Feature ablation: what the score loses without each feature."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.feature_ablation import FeatureAblationOptions
from tfxai.core.score import Score
from tfxai.methods.perturbation.designed import (
    DesignedMethod,
    own_features,
    rows_of,
    scores_of_variants,
)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureAblation(FeatureAblationOptions, DesignedMethod):
    """Replaces one feature after the other by the baseline and reports the drop of the score.

    Args:
        mask: Integers that say which feature each element of an input belongs to, shaped like
            one input, or (h, w) for all channels alike, such as the columns of a table that
            belong together; or a dict of such arrays for several inputs: one number in two inputs
            is one feature of both, which a warning says, and inputs that are left out are taken
            element by element; or `Slic`, superpixels of each image. None takes every element by
            itself, which for images is slow, and is refused for more than 10,000 of them.
            Of texts `"tokens"`, `"words"` or `"sentences"`; None takes token by token.
        baseline: What stands in a feature's place, as for `IntegratedGradients`; the mean over
            `Samples`.

    Returns:
        `Attribution` with values shaped like the inputs: at each element the drop without its
        feature, signed, in units of the score, with `baseline_score`; with superpixels
        `details["mask"]` (B, h, w).

    Raises:
        InvalidInputError: `mask` holds no integers or is shaped like no input, or the baseline
            does not fit.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
        section 4.2, for features of any kind. arXiv:1311.2901. Departure: the drop instead of
        the score, so that what matters is positive.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:2] + inputs[:, 2:])
        >>> x = np.array([[2.0, 3.0, 5.0]])
        >>> FeatureAblation(mask=np.array([0, 0, 1]))(model, x).values
        array([[6., 6., 5.]], dtype=float32)
    """

    name: ClassVar[str] = FeatureAblationOptions.name

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], f.parts)
        left = scores_of_variants(design, f, x)
        return design.values(left, f(x), None, rows_of(f, x)), own_features(f)
