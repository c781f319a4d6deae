"""Occlusion: what the score loses when a window of the input is covered."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.occlusion import OcclusionOptions
from tfxai.core.score import Score
from tfxai.core.windows.windows import Windows
from tfxai.methods.perturbation.designed import DesignedMethod, rows_of


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Occlusion(OcclusionOptions, DesignedMethod):
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
        inputs one for each, the others as they are. A window that was chosen for a layer or for
        one of several inputs is in `details["window"]` and `details["stride"]`, `"window/NAME"`
        of an input: (B, axes) integers.

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

    name: ClassVar[str] = OcclusionOptions.name
    keeps_every_layer: ClassVar[bool] = True
    is_by_input: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], is_lenient=f.is_one_of_several)
        left = f.scores_covered(design.windows, x)
        return design.values(left, f(x), None, rows_of(f, x)), self._used(design.windows, x)

    def _used(self, windows: Windows, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """The window and stride of each row where the options do not say them."""
        used = {"window": windows.sides, "stride": windows.strides}
        rows = tf.shape(x)[:1]
        return {
            name: tf.broadcast_to(tf.constant(sides, tf.int32), tf.concat([rows, [len(sides)]], 0))
            for name, sides in used.items()
            if getattr(self, name) != sides and {getattr(self, name)} != set(sides)
        }
