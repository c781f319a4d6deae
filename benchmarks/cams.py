"""Score-CAM and Ablation-CAM beside what is written first, compiled: the whole model, map by map.

The plain versions are one `tf.function` each, with the same chunk of maps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.table import Table

import tfxai
from benchmarks.timing import interleaved, milliseconds, ratio

AGREEMENT = 1e-4  # of the largest value
Plain = Callable[[tf.Tensor], tf.Tensor]


def cam_table(
    subject: tfxai.Subject,
    image: np.ndarray,
    layers: tuple[str, str],
    channels: int | None,
    chunk: int,
    rounds: int,
) -> Table:
    """Both methods on one image: their time over that of the plain version.

    Args:
        subject: The model, Functional or Sequential, with a dense softmax at its end.
        image: (1, H, W, C) as the model takes it.
        layers: That of Score-CAM, and that of Ablation-CAM.
        channels: Feature maps that Score-CAM takes, None for all.
        chunk: Most maps at once.
        rounds: Of interleaved runs.

    Raises:
        ValueError: A method and its plain version differ.
    """
    target = int(tfxai.Saliency()(subject, image).target[0])
    x = tf.constant(image, tf.float32)
    pairs: list[tuple[tfxai.methods.AttributionMethod, Plain]] = [
        (
            tfxai.ScoreCAM(layer=layers[0], channels=channels),
            plain_score_cam(subject.model, layers[0], channels, target, chunk),
        ),
        (
            tfxai.AblationCAM(layer=layers[1]),
            plain_ablation_cam(subject.model, layers[1], target, chunk),
        ),
    ]
    table = Table(title=f"{subject.model.name}, one image, {rounds} rounds: CAMs by perturbation")
    for column in ("method", "layer", "maps", "ms", "plain ms", "over plain", "min-max"):
        table.add_column(column, justify="left" if column in ("method", "layer") else "right")
    for (method, plain), layer in zip(pairs, layers, strict=True):
        _check(method.name, method(subject, image, target).values, plain(x))
        times = interleaved(
            {
                "ours": lambda method=method: method(subject, image, target),
                "plain": lambda plain=plain: plain(x).numpy(),
            },
            rounds,
        )
        middle, low, high = ratio(times["ours"], times["plain"])
        maps = subject.model.get_layer(layer).output.shape[-1]
        used = min(channels or maps, maps) if method.name == "score_cam" else maps
        table.add_row(
            method.name,
            layer,
            str(used),
            milliseconds(times["ours"]),
            milliseconds(times["plain"]),
            f"{middle:.2f}",
            f"{low:.2f}-{high:.2f}",
        )
    return table


def _check(name: str, ours: Any, plain: tf.Tensor) -> None:
    """Raises `ValueError` unless two maps agree: times of different things say nothing."""
    plain = plain.numpy()
    difference = float(np.abs(ours - plain).max() / np.abs(plain).max())
    if not difference <= AGREEMENT:
        raise ValueError(
            f"{name} differs from its plain version by {difference:.1e} of the largest."
        )


def plain_score_cam(
    model: keras.Model, layer: str, channels: int | None, target: int, chunk: int
) -> Plain:
    """Masks the image with each feature map, and runs the whole model on it."""
    whole = copy(model)
    features = keras.Model(whole.input, whole.get_layer(layer).output)

    @tf.function(autograph=False)
    def score_cam(x: tf.Tensor) -> tf.Tensor:
        maps = tf.transpose(features(x, training=False)[0], [2, 0, 1])  # (K, h, w)
        if channels is not None:
            variance = tf.math.reduce_variance(maps, axis=(1, 2))
            maps = tf.gather(maps, tf.math.top_k(variance, channels).indices)
        low, high = (r(maps, axis=(1, 2), keepdims=True) for r in (tf.reduce_min, tf.reduce_max))
        masks = tf.math.divide_no_nan(maps - low, high - low)[..., None]

        def scores(some: tf.Tensor) -> tf.Tensor:
            large = tf.image.resize(tf.gather(masks, some), x.shape[1:3])
            return whole(x * large, training=False)[:, target]

        weights = tf.nn.softmax(_in_chunks(scores, masks.shape[0], chunk))
        return tf.nn.relu(tf.einsum("k,khw->hw", weights, maps))[None]

    return score_cam


def plain_ablation_cam(model: keras.Model, layer: str, target: int, chunk: int) -> Plain:
    """Runs the whole model with each feature map of the layer set to zero."""
    kept: list[tf.Tensor] = []
    whole = copy(model, {layer: kept})
    features = keras.Model(whole.input, whole.get_layer(layer).output)
    count = model.get_layer(layer).output.shape[-1]

    @tf.function(autograph=False)
    def ablation_cam(x: tf.Tensor) -> tf.Tensor:
        maps = features(x, training=False)[0]

        def scores(some: tf.Tensor) -> tf.Tensor:
            kept.append((1 - tf.one_hot(some, count))[:, None, None])
            rows = tf.repeat(x, tf.shape(some)[0], axis=0)
            answer = whole(rows, training=False)[:, target]
            kept.clear()
            return answer

        drops = whole(x, training=False)[:, target] - _in_chunks(scores, count, chunk)
        return tf.nn.relu(tf.einsum("k,hwk->hw", drops, maps))[None]

    return ablation_cam


def _in_chunks(scores: Callable[[tf.Tensor], tf.Tensor], count: int, chunk: int) -> tf.Tensor:
    """The score of each map, (count,), at most a chunk of maps at once."""
    rounds = -(-count // chunk)
    size = -(-count // rounds)
    number = tf.minimum(tf.range(rounds * size), count - 1)  # the last one fills the last chunk
    found = tf.map_fn(
        scores,
        tf.reshape(number, [rounds, size]),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((size,), tf.float32),
    )
    return tf.reshape(found, [-1])[:count]


class Ablated(keras.layers.Layer):
    """A layer whose output is multiplied by what lies in a list while a graph is traced."""

    def __init__(self, inner: keras.Layer, kept: list[tf.Tensor]) -> None:
        super().__init__(name=inner.name)
        self.inner = inner
        self._kept = lambda: kept  # no list that Keras would track

    def call(self, x: Any) -> Any:
        """The layer's output, multiplied where there is something to multiply it by."""
        y = self.inner(x)
        return y * self._kept()[0] if self._kept() else y


def copy(model: keras.Model, ablated: dict[str, list[tf.Tensor]] | None = None) -> keras.Model:
    """The model with weights of its own, without the softmax at its end.

    Args:
        model: Functional or Sequential.
        ablated: Layers that are wrapped in `Ablated`, by name.
    """

    def cloned(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer is model.layers[-1]:
            config["activation"] = "linear"
        own = layer.__class__.from_config(config)
        kept = (ablated or {}).get(layer.name)
        return own if kept is None else Ablated(own, kept)

    whole = keras.models.clone_model(model, clone_function=cloned)
    whole.set_weights(model.get_weights())
    return whole
