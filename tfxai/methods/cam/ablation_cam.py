"""Ablation-CAM: feature maps weighted by what the score loses without them."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.score import Score
from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class AblationCAM(ClassActivationMap):
    """Weights each feature map by the drop of the score when that map is set to zero.

    Takes no gradient. The network before the layer runs once; what follows it, once for each
    feature map.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Desai, Ramaswamy, "Ablation-CAM", WACV 2020, section 3. Departure: the drop is not
        divided by the score, which scales the map and turns its sign where the score is negative.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> AblationCAM(layer="conv")(model, x).values  # the score, 6, is lost without the map
        array([[[ 6.,  0.],
                [18., 24.]]], dtype=float32)
    """

    name: ClassVar[str] = "ablation_cam"

    def _map(self, f: Score, x: tf.Tensor, path: str) -> tf.Tensor:
        head, activations = f.behind(path, x)
        count = activations.shape[-1]

        def without(head: Score, a: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            ablated = tf.one_hot(k, count, dtype=a.dtype)
            shape = [-1, *[1] * (a.shape.rank - 2), count]
            return head(a * tf.reshape(1 - ablated, shape))

        weights = f(x)[:, None] - head.scores_of_copies(without, count, activations)
        a = self._positions(at_least_float32(activations))
        return self._on_grid(tf.nn.relu(tf.einsum("bk,bpk->bp", weights, a)), activations)
