"""The gradient with another rule for ReLUs, which two methods share."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfxai.core.propagation.steps import Step
from tfxai.core.score import Score
from tfxai.errors import UnsupportedModelError


def propagate_through_relus(
    f: Score, x: tf.Tensor, rule: Callable[[Step, tf.Tensor], tf.Tensor | None]
) -> tf.Tensor:
    """The signal at x where each ReLU passes signals by `rule`, all else by its gradient.

    Raises:
        UnsupportedModelError: There is no ReLU.
    """
    propagation = f.propagation(x, by_gradient=True)
    if not any(step.kind == "activation" for step in propagation.steps):
        raise UnsupportedModelError(
            "No ReLU lies between the input and the score, so this is the gradient and nothing "
            "else. Use Saliency(absolute=False), or an earlier layer with at=."
        )

    def passed(step: Step, signals: list[tf.Tensor]) -> list[tf.Tensor | None]:
        if step.kind == "activation":
            return [rule(step, signals[0])]
        return step.gradient(signals)

    return propagation.back(passed, tf.ones_like(f(x)))
