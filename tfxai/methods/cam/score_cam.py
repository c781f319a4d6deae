"""Score-CAM: feature maps weighted by the score of what they let through of the image."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.graph.resize import linear_resize
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.cam.base import ClassActivationMap, check_axes, over_input


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreCAM(ClassActivationMap):
    """Weights each feature map by the score of the input that is masked with it.

    Takes no gradient, and runs the whole network once for each feature map.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.
        channels: How many feature maps are used: those with the most variance over the
            positions, chosen for each example. None is all of them.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the activations,
        unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path, or has other axes than the
            input; `reshape` does not fit it; `channels` is below 1.

    Reference:
        Wang et al., "Score-CAM", CVPR workshops 2020, section 3 and Algorithm 1.
        arXiv:1910.01279; the maps of most variance are chosen as in Li, "Faster-Score-CAM",
        2020. Departure: the score of the baseline, which every increase is measured from, is
        left out, for the softmax over the feature maps does not change with it.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> ScoreCAM(layer="conv")(model, x).values  # one map, so its weight is 1
        array([[[1., 0.],
                [3., 4.]]], dtype=float32)
    """

    name: ClassVar[str] = "score_cam"
    channels: int | None = option(None, kind=int, at_least=1)

    def _map(self, f: Score, x: tf.Tensor, path: str) -> tf.Tensor:
        f, x, _ = over_input(f, x, path)
        activations = f.activations(path, x)
        a = self._positions(activations)
        if self.channels is not None:
            variance = tf.math.reduce_variance(a, axis=1)
            chosen = tf.math.top_k(variance, min(self.channels, a.shape[-1])).indices
            a = tf.gather(a, chosen, axis=2, batch_dims=1)
        count = a.shape[-1]
        low, high = (r(a, axis=1, keepdims=True) for r in (tf.reduce_min, tf.reduce_max))
        masks = tf.transpose(tf.math.divide_no_nan(a - low, high - low), [0, 2, 1])  # (B, K, P)
        is_words = x.shape.rank == 2  # positions without a channel
        seen = x[..., None] if is_words else x
        check_axes(self._on_grid(masks[:, 0], activations), seen, path)

        def masked(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            example = tf.range(tf.shape(x)[0]) % tf.shape(masks)[0]
            mask = tf.gather_nd(masks, tf.stack([example, k], axis=1))
            mask = linear_resize(self._on_grid(mask, activations), seen.shape[1:-1])
            mask = tf.cast(mask, x.dtype) if is_words else tf.cast(mask, x.dtype)[..., None]
            if not f.blends:
                mask = tf.cast(mask >= 0.5, x.dtype)  # there is nothing between two words
            return f(x * mask)

        scores = f.scores_of_copies(masked, count, x)
        weights = tf.cast(tf.nn.softmax(scores), a.dtype)
        return self._on_grid(tf.nn.relu(tf.einsum("bk,bpk->bp", weights, a)), activations)
