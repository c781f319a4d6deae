"""Perturbation designs run in the graph: what all methods with a design have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self

import tensorflow as tf

from tfxai.core.designs.design import Design, Options, Rows
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.sampled import refined_scores
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod


@dataclasses.dataclass(frozen=True, kw_only=True)
class DesignedMethod(Options, AttributionMethod):
    """A method that asks for the scores of variants of the input.

    Its fields and their checks are those of its options in `core.designs`, but for a `tolerance`.
    """

    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative."""
        return not self.is_nonnegative

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        return self.for_inputs(layout.parts, at)


def rows_of(f: Score, x: tf.Tensor) -> Rows:
    """What variants of x are made of."""
    return Rows(x, _own_mask(f), GRAPH)


def shown(design: Design, f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
    """The variant of each row of x where each has one for every baseline, those innermost.

    Args:
        design: Design of variants in which each element shows, or shows by a share.
        f: With the baselines and the features of the rows.
        x: (R, ...).
        k: (R,) numbers of copies: R baselines for each variant.
    """
    several = f.num_baselines
    chosen = design.shown(k // several, rows_of(f, x))
    baseline = f.baseline_number(k % several)
    if chosen.dtype != tf.bool and not f.blends:
        chosen = chosen >= 0.5  # there is nothing between two words
    if chosen.dtype == tf.bool:
        return tf.where(chosen, x, baseline)
    return baseline + chosen * (x - baseline)


def scores_of_variants(
    design: Design, f: Score, x: tf.Tensor, dtype: tf.DType | None = None
) -> tf.Tensor:
    """The score of each variant, (B, K), the mean over the baselines; of a type, if given."""
    several = f.num_baselines

    def value(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        return f(shown(design, f, x, k))

    scores = f.scores_of_copies(value, design.count * several, x)
    scores = scores if dtype is None else tf.cast(scores, dtype)
    return tf.reduce_mean(tf.reshape(scores, [-1, design.count, several]), axis=-1)


def estimated(
    design: Any,
    f: Score,
    x: tf.Tensor,
    estimate: Callable[[Any, tf.Tensor], tuple[tf.Tensor, ...]],
    tolerance: float | None,
) -> tuple[tuple[tf.Tensor, ...], dict[str, tf.Tensor]]:
    """What a design of coalitions says, of all of them or of as many as a tolerance takes.

    Args:
        design: With `stages`, which grow up to itself.
        f: The score.
        x: The batch, (B, ...).
        estimate: From a design and the scores of its coalitions, (B, K) float64, to values and
            standard errors, (B, M) each, and what else is told.
        tolerance: Above 0; None takes all.

    Returns:
        What `estimate` gives, in the type of x; and with a tolerance the detail `samples`, (B,).
    """
    if tolerance is None:
        found = estimate(design, scores_of_variants(design, f, x, tf.float64))
        return tuple(tf.cast(one, x.dtype) for one in found), {}
    stages = design.stages()

    def value(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        return f(shown(stages, f, x, k))

    found, used = refined_scores(f, x, value, stages, estimate, tolerance)
    samples = tf.gather(tf.constant([one.drawn for one in stages.designs]), used)
    return tuple(tf.cast(one, x.dtype) for one in found), {"samples": samples}


def own_features(f: Score) -> dict[str, tf.Tensor]:
    """The features of each row by number, where each has its own: for `details`."""
    mask = _own_mask(f)
    return {} if mask is None else {"mask": mask}


def _own_mask(f: Score) -> tf.Tensor | None:
    """The feature of each pixel of a row, where superpixels make a mask of each image."""
    return next((array for how, array in f.given.items() if isinstance(how, Slic)), None)
