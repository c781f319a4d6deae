"""LIME: a linear model of the score where features are hidden at random."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self, final

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.inputs.layout import Layout
from tfxai.core.options import SEEDS, option
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


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LIME(AttributionMethod):
    """Fits a linear model to the score of the input with random features hidden.

    The model is fitted to copies in which each feature shows with probability 1/2, those with
    few features hidden counting most. Its coefficient of a feature says what the feature adds to
    the score on average.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else.
        samples: Number of copies, the input itself among them; more than features.
        kernel_width: sigma of the weight exp(-D^2 / sigma^2) of a copy, above 0, where D in
            [0, 1] is 1 - sqrt(the share of the features that show), the cosine distance to the
            input. The weight of a copy with half of them is 0.25 at the default.
        alpha: Strength of the ridge penalty, at least 0: alpha |coefficients|^2.
        baseline: What stands in the place of a hidden feature, as for `IntegratedGradients`; the
            mean over `Samples`.
        seed: Of the draws, which all examples share.

    Returns:
        `Attribution` with values shaped like the inputs: at each element the coefficient of its
        feature, signed, in units of the score, with `baseline_score`. `details` holds
        `"features"` (B, M), the coefficients of the M features, in ascending order of their
        numbers; `"intercept"` (B,) and `"r_squared"` (B,), the share of the scores' weighted
        variance that the linear model explains, 1 where they do not vary; with superpixels
        `"mask"` (B, h, w).

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

    name: ClassVar[str] = "lime"
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    mask: Any = option(None, kind=MASK)
    samples: int = option(1000, at_least=1)
    kernel_width: float = option(0.25, above=0)
    alpha: float = option(1.0, at_least=0)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        return dataclasses.replace(self, mask=fitted_mask(self.mask, layout, at))

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        features = Features.of(self.mask, f, x)
        check_several(features.count)
        if self.samples <= features.count:
            raise InvalidInputError(
                f"{self.samples} samples came for {features.count} features, whose coefficients "
                f"{features.count + 1} or more determine. Pass samples={features.count + 1} or "
                "more, or a mask with fewer features."
            )
        z, times = random_coalitions(features.count, self.samples, self.seed)
        distance = 1 - np.sqrt(z.mean(axis=1))
        weights = times * np.exp(-np.square(distance / self.kernel_width))  # pi_x of Eq. 2
        shares = weights / weights.sum()
        centre = shares @ z
        solve = self._ridge(z - centre, weights)

        scores = scores_of_coalitions(f, x, z, features)  # (B, n)
        mean = tf.linalg.matvec(scores, shares)[:, None]
        coefficients = tf.matmul(scores - mean, solve)  # (B, M)
        rest = scores - mean - tf.matmul(coefficients, (z - centre).T)
        unexplained = tf.linalg.matvec(tf.square(rest), shares)
        variance = tf.linalg.matvec(tf.square(scores - mean), shares)
        r_squared = tf.where(variance > 0, 1 - unexplained / variance, 1.0)
        details = {
            "features": coefficients,
            "intercept": mean[:, 0] - tf.linalg.matvec(coefficients, centre),
            "r_squared": r_squared,
        }
        details = {name: tf.cast(one, x.dtype) for name, one in details.items()}
        values = features.spread(f, x, details["features"])
        return values, details | features.detail(f)

    def _ridge(self, z: Array, weights: Array) -> Array:
        """From scores less their mean to coefficients, (n, M), for centred coalitions z."""
        copies, count = z.shape
        if np.linalg.matrix_rank(np.sqrt(weights)[:, None] * z) < count:
            raise InvalidInputError(
                f"{copies} different copies came of the draws, too few of some weight to "
                f"determine the coefficients of {count} features. Pass more samples than "
                f"{self.samples}, a wider kernel_width than {self.kernel_width}, or a mask with "
                "fewer features."
            )
        squares = z.T @ (weights[:, None] * z) + self.alpha * np.eye(count)
        return np.asarray(np.linalg.solve(squares, z.T * weights).T)


def random_coalitions(count: int, samples: int, seed: int) -> tuple[Array, Array]:
    """Coalitions of `count` features that are drawn at random, each with how often it was drawn.

    The first draw is all features, every other one has each feature with probability 1/2.
    """
    z = np.random.default_rng(seed).random((samples, count)) < 0.5
    z[0] = True
    return np.unique(z, axis=0, return_counts=True)
