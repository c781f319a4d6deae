"""Means of random samples with their standard errors, of as many samples as a tolerance takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfxai.core.designs.staged import FIRST, Staged
from tfxai.core.sampling import passes
from tfxai.core.sampling.moments import Moments, start
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError

Value = Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor]
Estimate = Callable[[Moments, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""From the moments and the number of samples to the values and their standard errors."""


def check_tolerance(tolerance: float | None, samples: int) -> None:
    """Raises `InvalidInputError` where samples are too few to be judged by a tolerance."""
    if tolerance is not None and samples < FIRST:
        raise InvalidInputError(
            f"tolerance={tolerance} came with samples={samples}, and {FIRST} are taken before the "
            f"first judgement. Pass samples={FIRST} or more, the most that may be taken."
        )


def sampled_mean(  # noqa: PLR0913 - what is drawn, how often, and how precisely
    f: Score,
    x: tf.Tensor,
    value: Value,
    samples: int,
    tolerance: float | None,
    *,
    like: tf.Tensor | None = None,
    strata: int = 1,
    weight: float | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The sum of `value(f, x, k)` over samples k, each times a weight, and details of it.

    Args:
        f: The score.
        x: The batch, (B, ...).
        value: As for `f.sum_over_copies`; one tensor.
        samples: Number of samples; the most of them with a tolerance.
        tolerance: As for `refined`; None draws all samples.
        like: Tensor shaped like the values of one copy; x by default.
        strata: R, sample k being of stratum k % R, of which each has its own mean.
        weight: What each of all the samples counts; 1 / samples by default. Fewer of them count
            so much more.

    Returns:
        The values, (B, ...), and `standard_error`, shaped like them, where there are two samples
        for each stratum; with a tolerance also `samples`, (B,) int32.
    """
    like = x if like is None else like
    strata = strata if samples >= 2 * strata else 1
    weight = 1 / samples if weight is None else weight
    scale = weight * samples

    def estimate(found: Moments, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return scale * found.mean(count), scale * found.standard_error(count)

    if tolerance is not None:
        return refined(f, x, value, estimate, samples, tolerance, (like, strata, 2))
    values, found = f.sum_and_moments(value, [weight] * samples, x, like, strata=strata)
    if samples < 2:
        return values, {}
    return values, {"standard_error": scale * found.standard_error(tf.constant(samples))}


def refined(
    f: Score,
    x: tf.Tensor,
    value: Value,
    estimate: Estimate,
    samples: int,
    tolerance: float,
    form: tuple[tf.Tensor, int, int],
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Draws half as many samples more, again and again, until the values are certain enough.

    Each example stops on its own where its largest standard error is at most the tolerance times
    its largest value. One loop in the graph: nothing is traced again.

    Args:
        f: The score.
        x: The batch, (B, ...).
        value: As for `f.sum_over_copies`; one tensor.
        estimate: What becomes of the moments.
        samples: Most samples.
        tolerance: Above 0.
        form: Tensor shaped like the values of one copy, the number of strata, and the highest
            power whose sums `estimate` needs, at least 2.

    Returns:
        The values, (B, ...), and the details `standard_error`, shaped like them, and `samples`,
        (B,) int32.
    """
    like, strata, order = form
    first = max(FIRST, 2 * strata)
    every = tf.ones(tf.shape(x)[:1], tf.bool)
    known = start(value(f, x, tf.zeros(tf.shape(x)[:1], tf.int32)), strata, order)
    known = known._replace(shift=tf.ensure_shape(known.shift, like.shape))

    def more(n: tf.Tensor, active: tf.Tensor, used: tf.Tensor, known: Moments) -> tuple[Any, ...]:
        end = tf.minimum(tf.maximum(n + n // 2, first), samples)
        found = f.moments_where(value, active, (n, end - n), known, x)
        used = tf.where(active, end, used)
        values, error = estimate(found, used)
        axes = list(range(1, error.shape.rank))
        largest = tf.reduce_max(tf.abs(values), axes)
        is_open = tf.reduce_max(error, axes) > tolerance * largest
        return end, active & is_open, used, found

    def goes_on(n: tf.Tensor, active: tf.Tensor, *_: Any) -> tf.Tensor:
        return tf.reduce_any(active) & (n < samples)

    begin = (tf.constant(1), every, tf.cast(every, tf.int32), known)
    with passes.unforeseen():
        _, _, used, found = tf.while_loop(goes_on, more, begin, parallel_iterations=1)
    values, error = estimate(found, used)
    return values, {"standard_error": error, "samples": used}


def refined_scores(
    f: Score,
    x: tf.Tensor,
    value: Value,
    design: Staged,
    estimate: Callable[[Any, tf.Tensor], tuple[tf.Tensor, ...]],
    tolerance: float,
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """Scores more coalitions, again and again, until what they say is certain enough.

    Args:
        f: The score.
        x: The batch, (B, ...).
        value: From f, rows of x and (R,) numbers of copies, a coalition before each baseline in
            turn, to scores, (R,).
        design: The coalitions.
        estimate: From one of its designs and the scores of that design's coalitions, (B, K)
            float64, to values and standard errors, (B, M) each, and what else is told of them.
        tolerance: As for `refined`, over the M features.

    Returns:
        What `estimate` gives of the last design that each example needed, and (B,) its number.
    """
    batch, several = tf.shape(x)[0], f.num_baselines
    ends = tf.constant([0, *design.ends])
    every = tf.ones([batch], tf.bool)
    scores = tf.zeros([batch, design.count], tf.float64)

    def of(stage: int, scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
        own = tf.gather(scores, design.places(stage), axis=1)
        return estimate(design.designs[stage], own)

    def more(
        i: tf.Tensor, active: tf.Tensor, used: tf.Tensor, scores: tf.Tensor, found: Any
    ) -> Any:
        window = (ends[i] * several, (ends[i + 1] - ends[i]) * several)
        scores = f.scores_where(value, active, window, scores, x)
        now = tf.switch_case(
            i, [functools.partial(of, stage, scores) for stage in range(len(design.designs))]
        )
        found = tuple(
            tf.ensure_shape(tf.where(_wide(active, old.shape.rank), new, old), old.shape)
            for new, old in zip(now, found, strict=True)
        )
        used = tf.where(active, i, used)
        largest = tf.reduce_max(tf.abs(found[0]), axis=1)
        is_open = tf.reduce_max(found[1], axis=1) > tolerance * largest
        return i + 1, active & is_open, used, scores, found

    def goes_on(i: tf.Tensor, active: tf.Tensor, *_: Any) -> tf.Tensor:
        return tf.reduce_any(active) & (i < len(design.designs))

    nothing = tuple(tf.zeros_like(one) for one in of(0, scores))
    begin = (tf.constant(0), every, tf.zeros([batch], tf.int32), scores, nothing)
    with passes.unforeseen():
        _, _, used, _, found = tf.while_loop(goes_on, more, begin, parallel_iterations=1)
    return found, used


def _wide(active: tf.Tensor, rank: int) -> tf.Tensor:
    """(B, 1, ...) of (B,), of that rank."""
    return tf.reshape(active, [-1] + [1] * (rank - 1))
