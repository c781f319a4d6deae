"""Shapley values of features by random orders in which they join."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.shapley_sampling import JoiningFeatures, ShapleySamplingOptions
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
class ShapleySampling(ShapleySamplingOptions, DesignedMethod):
    """What each feature adds to the score as features join one after the other, on average.

    Estimates the Shapley values from random orders of the features, and says how far to trust
    them. The values add up to the score's difference to the baseline whatever the orders.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else. Of texts `"tokens"`,
            `"words"` or `"sentences"`; None takes token by token.
        samples: Number of orders, even and at least 4: each order comes with its reverse. Where
            there are no more than that, every order is taken once and the values are exact: up to
            4 features at the default.
        baseline: What stands in the place of a feature that has not joined, as for
            `IntegratedGradients`; the mean over `Samples`.
        seed: Seed of the orders, which all examples share.
        tolerance: Largest standard error that the value of a feature may have, as a fraction of
            the example's largest value, above 0. Each example then takes orders
            until that is reached, 16 at first, in all at most `samples`.
            None: `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in units of the score: the
        Shapley value of a feature in equal shares for its elements; with `baseline_score` and
        `completeness_gap`, which is 0 up to rounding. `details` holds `"standard_error"`, shaped
        like the values; `"features"` (B, M), the Shapley values of the M features in ascending
        order of their numbers; with superpixels `"mask"` (B, h, w); with `tolerance` `"samples"`
        (B,), the orders taken.

    Raises:
        InvalidInputError: An option is out of range, or the mask fits no input or has one
            feature.

    Reference:
        Castro, Gomez, Tejada, "Polynomial calculation of the Shapley value based on sampling",
        Computers & Operations Research 36(5), 2009; Strumbelj, Kononenko, "An Efficient
        Explanation of Individual Classifications using Game Theory", JMLR 11, 2010, section 3.
        Departures: orders in pairs of one and its reverse, so that the standard error is that of
        the mean over independent pairs, and 0 where all orders are taken; a baseline in the place
        of values drawn from the data.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:2] + inputs[:, 2:])
        >>> ShapleySampling()(model, np.array([[2.0, 3.0, 5.0]])).values.round(4)
        array([[3., 3., 5.]], dtype=float32)
    """

    name: ClassVar[str] = ShapleySamplingOptions.name

    tolerance: float | None = option(None, kind=float, above=0)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], f.parts)
        (values, error), details = estimated(design, f, x, _effects, self.tolerance)
        rows, features = rows_of(f, x), design.features
        details |= {"standard_error": features.shares(error, rows), "features": values}
        return features.shares(values, rows), details | own_features(f)


def _effects(design: JoiningFeatures, scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """What each feature adds, and the standard error of it."""
    values, error = design.effects(scores, GRAPH)
    return values, error
