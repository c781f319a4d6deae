"""Shapley values of features by random orders in which they join."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.inputs.layout import Layout
from tfxai.core.options import SEEDS, option
from tfxai.core.sampling.coalitions import orders_of, walks
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.perturbation.groups import (
    MASK,
    Features,
    check_several,
    fitted_mask,
    scores_of_coalitions,
)

_MOST = 2**28  # orders times features times features: bytes of all coalitions


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ShapleySampling(AttributionMethod):
    """What each feature adds to the score as features join one after the other, on average.

    Estimates the Shapley values from random orders of the features, and says how far to trust
    them. The values add up to the score's difference to the baseline whatever the orders.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else.
        samples: Number of orders, even and at least 4: each order comes with its reverse. Where
            there are no more than that, every order is taken once and the values are exact: up to
            4 features at the default.
        baseline: What stands in the place of a feature that has not joined, as for
            `IntegratedGradients`; the mean over `Samples`.
        seed: Of the orders, which all examples share.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in units of the score: the
        Shapley value of a feature in equal shares for its elements; with `baseline_score` and
        `completeness_gap`, which is 0 up to rounding. `details` holds `"standard_error"`, shaped
        like the values; `"features"` (B, M), the Shapley values of the M features in ascending
        order of their numbers; with superpixels `"mask"` (B, h, w).

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

    name: ClassVar[str] = "shapley_sampling"
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    completes: ClassVar[bool] = True
    mask: Any = option(None, kind=MASK)
    samples: int = option(24, at_least=4)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        if self.samples % 2:
            raise InvalidInputError(
                f"samples={self.samples} was expected to be even and at least 4: two pairs of an "
                "order of the features and its reverse."
            )

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        return dataclasses.replace(self, mask=fitted_mask(self.mask, layout, at))

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        features = Features.of(self.mask, f, x)
        check_several(features.count)
        if self.samples * features.count**2 > _MOST:
            raise InvalidInputError(
                f"{self.samples} orders of {features.count:,} features make "
                f"{self.samples * features.count:,} coalitions, more than memory has room for. "
                "Pass a mask of integers with fewer features, or fewer samples."
            )
        orders, is_all = orders_of(features.count, self.samples, self.seed)
        coalitions, before, after = walks(orders)
        scores = scores_of_coalitions(f, x, coalitions, features)
        added = tf.gather(scores, after, axis=1) - tf.gather(scores, before, axis=1)  # (B, S, M)
        mean = tf.reduce_mean(added, axis=1)
        pairs = tf.reduce_mean(
            tf.reshape(added, [-1, len(orders) // 2, 2, features.count]), axis=2
        )
        variance = tf.reduce_sum(tf.square(pairs - mean[:, None]), axis=1)
        error = tf.sqrt(variance / (pairs.shape[1] * max(pairs.shape[1] - 1, 1)))
        if is_all:
            error = tf.zeros_like(error)
        values, error = (tf.cast(one, x.dtype) for one in (mean, error))
        details = {"standard_error": features.shares(f, x, error), "features": values}
        return features.shares(f, x, values), details | features.detail(f)
