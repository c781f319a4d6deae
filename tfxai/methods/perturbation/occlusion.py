"""Occlusion: what the score loses when a window of the input is covered."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, option
from tfxai.core.score import Score
from tfxai.core.windows.positions import REDUCTIONS
from tfxai.core.windows.windows import Windows
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Occlusion(AttributionMethod):
    """Slides a window over the input and reports the drop of the score at what it covers.

    Args:
        window: Side of the window in pixels or time steps, or one for each axis. It covers all
            channels. None is an eighth of each axis.
        stride: Distance between windows, at most the window, or one for each axis. The last
            window of an axis ends where the axis ends, so that the edges are covered. None is
            half the window.
        baseline: What covers, as for `IntegratedGradients`; the mean over `Samples`.
        reduce: `"mean"` or `"max"` of the drops of all windows that cover a position.

    Returns:
        `Attribution` with values (B, h, w) at the resolution of the input, (B, t) for series and
        (B, F) for tables, signed, in units of the score, with `baseline_score`; of several
        inputs one for each, the others as they are.

    Raises:
        InvalidInputError: The window is larger than the input or smaller than the stride, or the
            baseline does not fit.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
        section 4.2. arXiv:1311.2901. Departure: the drop instead of the score itself, so that
        what matters is positive.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((1, 4, 1))
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
        >>> x = np.array([4.0, 8.0, 0.0, 4.0]).reshape(1, 1, 4, 1)
        >>> Occlusion(window=(1, 2), stride=1, baseline=0.0)(model, x).values  # of 12/4, 8/4, 4/4
        array([[[3. , 2.5, 1.5, 1. ]]], dtype=float32)
    """

    name: ClassVar[str] = "occlusion"
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    is_map: ClassVar[bool] = True
    is_by_input: ClassVar[bool] = True
    window: int | tuple[int, ...] | None = option(None, kind=COUNTS)
    stride: int | tuple[int, ...] | None = option(None, kind=COUNTS)
    baseline: Any = option(None, kind=BASELINE)
    reduce: str = option("mean", choices=REDUCTIONS, noun="reduction")

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        windows = Windows.over(x, self.window, self.stride, is_lenient=f.is_one_of_several)
        left = f.scores_covered(windows, x)
        drops = tf.reshape(f(x), [-1] + [1] * len(windows.counts)) - left
        return windows.spread(drops, self.reduce)
