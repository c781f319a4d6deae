"""KernelSHAP: Shapley values of features by one weighted regression over coalitions."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.kernel_shap import KernelSHAPOptions, Regression
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.perturbation.designed import (
    DesignedMethod,
    estimated,
    own_features,
    rows_of,
    shown,
)

_MOST_OUTPUTS = 2**18  # features times outputs of the details, a number each


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelSHAP(KernelSHAPOptions, DesignedMethod):
    """Shares the score's difference to the baseline fairly among features.

    A feature's Shapley value is what it adds to the score when it joins the features before it,
    averaged over all orders in which features may join. The regression of the scores of
    coalitions on who is in them gives all of these values at once: exactly where `samples` reach
    for all coalitions, else as an estimate. The values add up to the difference in either case.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else. Of texts `"tokens"`,
            `"words"` or `"sentences"`; None takes token by token.
        samples: Most coalitions that are run beside the full and the empty one, at least twice
            as many as features. All 2^M - 2 coalitions of M features are run where they are no
            more than that: up to 10 features at the default.
        baseline: What stands in the place of a feature that is not in a coalition, as for
            `IntegratedGradients`; the mean over `Samples`.
        seed: Seed of the coalitions, which all examples share.
        tolerance: Largest standard error that the value of a feature may have, as a fraction of
            the example's largest value, above 0. Each example then takes pairs of coalitions
            until that is reached, 16 draws at first, in all at most `samples`.
            None: `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in units of the score: the
        Shapley value of a feature in equal shares for its elements; with `baseline_score` and
        `completeness_gap`, which is 0 up to rounding. `details` holds `"features"` (B, M), the
        Shapley values of the M features in ascending order of their numbers; `"outputs"`
        (B, M, N), those for each of the N outputs that a target chooses from, where features
        times outputs are at most 262,144; with superpixels `"mask"` (B, h, w); and
        `"standard_error"`, shaped like the values: how far they may be off because pairs of
        coalitions were drawn, 0 where all coalitions were run. With `tolerance` there are no
        `"outputs"`, and `"samples"` (B,) are the coalitions that were run.

    Raises:
        InvalidInputError: An option is out of range, the mask fits no input or has one feature,
            or the samples are too few to determine the values.

    Reference:
        Lundberg, Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017,
        Theorem 2. arXiv:1705.07874. Departures: no l1 penalty; the two coalitions of infinite
        weight are a constraint; sizes of coalitions whose share of the budget reaches for all of
        them (the outermost always) are enumerated. The others are drawn in pairs of a coalition
        and its complement: Covert, Lee, "Improving KernelSHAP", AISTATS 2021, arXiv:2012.01536.
        Departures: they draw every coalition; here a pair drawn again counts again but is not run
        again. The standard error is that of a weighted regression whose pairs are independent
        draws (CR3: Bell, McCaffrey, Survey Methodology 28, 2002), not theirs.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:2] + inputs[:, 2:])
        >>> KernelSHAP()(model, np.array([[2.0, 3.0, 5.0]])).values.round(4)
        array([[3., 3., 5.]], dtype=float32)
    """

    name: ClassVar[str] = KernelSHAPOptions.name
    fits_features: ClassVar[bool] = True

    tolerance: float | None = option(None, kind=float, above=0)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], f.parts)
        if self.tolerance is not None:
            (values, error), details = estimated(design, f, x, _solved, self.tolerance)
            rows, share = rows_of(f, x), design.features.shares
            details |= {"features": values, "standard_error": share(error, rows)}
            return share(values, rows), details | own_features(f)
        several, features = f.num_baselines, design.features
        outputs = _outputs(f, x, features.count)

        count = len(design.coalitions)

        def shares(f: Score, x: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            variant = shown(design, f, x, k)
            games = [f(variant)[:, None]]  # (R, 1), and all outputs beside it
            if outputs:
                games.append(tf.cast(f.outputs(variant), games[0].dtype))
            played = tf.cast(tf.concat(games, axis=1), tf.float64)
            solve = tf.constant(design.solve)  # one matrix for every score and output
            in_its_place = tf.one_hot(k // several, count, dtype=tf.float64) * played[:, :1]
            return tf.gather(solve, k // several)[:, :, None] * played[:, None, :], in_its_place

        weight = 1 / several
        batch, rows = tf.shape(x)[0], rows_of(f, x)
        like = tuple(
            tf.zeros([batch, *shape], tf.float64)
            for shape in ((features.count, 1 + outputs), (count,))
        )
        exact, scores = f.sum_over_copies(shares, [weight] * (count * several), x, like=like)
        solved = tf.cast(exact, x.dtype)
        details = {"features": solved[:, :, 0]} | own_features(f)
        error = tf.cast(design.standard_error(scores, exact[:, :, 0], GRAPH), x.dtype)
        details["standard_error"] = features.shares(error, rows)
        if outputs:
            details["outputs"] = solved[:, :, 1:]
        return features.shares(details["features"], rows), details


def _solved(design: Regression, scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The Shapley values, and their standard errors."""
    values = tf.matmul(scores, tf.constant(design.solve))
    return values, design.standard_error(scores, values, GRAPH)


def _outputs(f: Score, x: tf.Tensor, features: int) -> int:
    """Number of the outputs whose values are given too: 0 where the score is none of (B, N)."""
    outputs = f.outputs(x)
    if outputs is None or outputs.shape.rank != 2 or not outputs.shape[1]:
        return 0
    count = int(outputs.shape[1])
    return count if count * features <= _MOST_OUTPUTS else 0
