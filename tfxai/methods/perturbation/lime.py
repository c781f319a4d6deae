"""LIME: a linear model of the score where features are hidden at random."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.lime import LIMEOptions, Ridge
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.perturbation.designed import (
    DesignedMethod,
    estimated,
    own_features,
    rows_of,
)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LIME(LIMEOptions, DesignedMethod):
    """Fits a linear model to the score of the input with random features hidden.

    The model is fitted to copies in which each feature shows with probability 1/2, those with
    few features hidden counting most. Its coefficient of a feature says what the feature adds to
    the score on average.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else. Of texts `"tokens"`,
            `"words"` or `"sentences"`; None takes token by token.
        samples: Number of copies, the input itself among them; more than features.
        kernel_width: sigma of the weight exp(-D^2 / sigma^2) of a copy, above 0, where D in
            [0, 1] is 1 - sqrt(the share of the features that show), the cosine distance to the
            input. The weight of a copy with half of them is 0.25 at the default.
        alpha: Strength of the ridge penalty, at least 0: alpha |coefficients|^2.
        baseline: What stands in the place of a hidden feature, as for `IntegratedGradients`; the
            mean over `Samples`.
        seed: Seed of the draws, which all examples share.
        tolerance: Largest standard error that the value of a feature may have, as a fraction of
            the example's largest value, above 0. Each example then takes copies until that is
            reached, at first 16 or twice as many as coefficients, in all at most `samples`. None:
            `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs: at each element the coefficient of its
        feature, signed, in units of the score, with `baseline_score`. `details` holds
        `"features"` (B, M), the coefficients of the M features, in ascending order of their
        numbers; `"intercept"` (B,) and `"r_squared"` (B,), the share of the scores' weighted
        variance that the linear model explains, 1 where they do not vary; `"standard_error"`,
        shaped like the values: how far they may be off because the copies were drawn; with
        superpixels `"mask"` (B, h, w); with `tolerance` `"samples"` (B,), the copies taken.

    Raises:
        InvalidInputError: An option is out of range, the mask fits no input or has one feature,
            or the samples are too few to determine the coefficients.

    Reference:
        Ribeiro, Singh, Guestrin, "Why Should I Trust You?", KDD 2016, Eq. 2 and Algorithm 1.
        arXiv:1602.04938. Departures: ridge regression on all features instead of the K best; the
        cosine distance of the binary vectors for images too, as in the authors' program, which
        takes the root of the weight besides, so that its kernel width of 0.25 is 0.35 here; a
        baseline for hidden superpixels, where that program takes each one's mean colour.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> LIME(alpha=0.0)(model, np.array([[1.0, 2.0]])).values.round(4)
        array([[ 3., -4.]], dtype=float32)
    """

    name: ClassVar[str] = LIMEOptions.name
    fits_features: ClassVar[bool] = True

    tolerance: float | None = option(None, kind=float, above=0)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], f.parts)
        rows, spread = rows_of(f, x), design.features.spread
        found, details = estimated(design, f, x, _fitted, self.tolerance)
        names = ("features", "standard_error", "intercept", "r_squared")
        details |= dict(zip(names, found, strict=True))
        details["standard_error"] = spread(details["standard_error"], rows)
        return spread(details["features"], rows), details | own_features(f)


def _fitted(design: Ridge, scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Coefficients, their standard errors, the intercept and the share that is explained."""
    coefficients, *rest = design.fit(scores, GRAPH)
    return coefficients, design.standard_error(scores, GRAPH), *rest
