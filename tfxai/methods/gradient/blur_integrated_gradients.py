"""Blur Integrated Gradients: the score's difference to a blurred input, shared out on the way."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self, final

import tensorflow as tf

from tfxai.arrangement import moved_shape, positions
from tfxai.core.inputs.baseline_records import Blur
from tfxai.core.inputs.layout import Layout
from tfxai.core.options import option
from tfxai.core.sampling.quadrature import RULES, check_rule
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod

_MOST = 1000.0  # elements: the widest Gaussian, whose kernel has 8,001 of them


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class BlurIntegratedGradients(AttributionMethod):
    """Integrates the gradient on the way from a blurred input to the input itself.

    The path stays among inputs that look natural, and no baseline has to be chosen: details that
    count are found at the scale at which they appear. The values add up to the score's difference
    to the blurred input, as far as the quadrature reaches.

    Args:
        max_sigma: Standard deviation of the Gaussian at which the path starts, in pixels or time
            steps, above 0 and at most 1,000. None is half of the longest axis, at which little
            but the mean colour is left; the paper takes 50 for images of 299 pixels.
        steps: Number of gradients per example, at least 1 (2 for the trapezoid).
        rule: The quadrature rule, as for `IntegratedGradients`.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score`, that of the blurred input, and `completeness_gap`.

    Raises:
        InvalidInputError: An option is out of range, or the input has no axes of positions or is
            one of several.

    Reference:
        Xu, Venugopalan, Sundararajan, "Attribution in Scale and Space", CVPR 2020, Eqs. 5-6.
        arXiv:2004.03383. Departures: the integral runs over a in [0, 1] with
        sigma = max_sigma (1 - a)^2, which places more gradients where details appear; the
        derivative of the blur is that of the Gaussian's weights and no finite difference.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3, 1))
        >>> model = keras.Model(inputs, inputs[:, 1])
        >>> x = np.array([[[0.0], [4.0], [0.0]]])
        >>> a = BlurIntegratedGradients(max_sigma=100.0)(model, x)
        >>> a.values[0, :, 0].round(1)  # the middle is the sharpened peak
        array([0., 4., 0.], dtype=float32)
    """

    name: ClassVar[str] = "blur_integrated_gradients"
    completes: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    max_sigma: float | None = option(None, kind=float, above=0)
    steps: int = option(50, at_least=1)
    rule: str = option("gauss_legendre", choices=RULES, noun="quadrature rule")

    def _check_together(self) -> None:
        check_rule(self.rule, self.steps)
        if self.max_sigma is not None and self.max_sigma > _MOST:
            raise InvalidInputError(
                f"max_sigma={self.max_sigma!r} was expected to be at most {_MOST:g}, or None."
            )

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        parts = layout.parts
        if len(parts) != 1 or not positions(parts[0].axes):
            shapes = " and ".join(str(part.shape) for part in parts)
            raise InvalidInputError(
                f"{self.name} blurs one input along its axes of positions, and inputs of shape "
                f"{shapes} are explained. Use IntegratedGradients."
            )
        longest = max(n or 1 for n in moved_shape(parts[0].shape, parts[0].axes)[:-1])
        sigma = self.max_sigma or min(longest / 2, _MOST)
        return dataclasses.replace(self, max_sigma=float(sigma))

    def _baselines(self) -> list[Any]:
        return [Blur(sigma=self.max_sigma)]

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        largest = float(self.max_sigma or 0)

        def path(x: tf.Tensor, _: Any, a: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            left = 1 - tf.reshape(a, [-1])
            point, by_sigma = f.blurred(x, largest * tf.square(left), largest)
            return point, by_sigma * tf.reshape(-2 * largest * left, tf.shape(a))

        def share(f: Score, point: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
            return change * f.gradient(point)  # Eq. 6

        return f.integrate_path(share, path, self.rule, self.steps, x)
