"""Kinds of honest models, each as small as it can be: none may raise an alarm."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers as L

KINDS: dict[str, Callable[[], keras.Model]] = {}
IMAGE, SERIES, ROW = (8, 8, 3), (6, 3), (5,)


def kind(build: Callable[[], keras.Model]) -> Callable[[], keras.Model]:
    """Adds a kind of model under the name of the function that builds it."""
    KINDS[build.__name__] = build
    return build


def stack(shape: tuple[int | None, ...], *layers: Any, dtype: str = "float32") -> keras.Model:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def functional(shape: tuple[int, ...], call: Callable[[Any], Any]) -> keras.Model:
    x = keras.Input(shape)
    return keras.Model(x, call(x))


STACKS: dict[str, tuple[tuple[int | None, ...], Callable[[], list[Any]]]] = {
    "dense": (ROW, lambda: [L.Dense(4, activation="relu"), L.Dense(2, activation="softmax")]),
    "convolutions": (
        IMAGE,
        lambda: [L.Conv2D(2, 3), L.SeparableConv2D(2, 3), L.DepthwiseConv2D(2)],
    ),
    "transposed": (SERIES, lambda: [L.Conv1DTranspose(2, 3, strides=2), L.Conv1D(2, 2)]),
    "volumes": ((4, 4, 4, 1), lambda: [L.Conv3D(2, 2), L.Conv3DTranspose(1, 2), L.MaxPooling3D()]),
    "normalised": (
        IMAGE,
        lambda: [
            L.BatchNormalization(),
            L.LayerNormalization(axis=[1, 2]),
            L.GroupNormalization(1),
            L.RMSNormalization(),
            L.UnitNormalization(),
        ],
    ),
    "spectral": (IMAGE, lambda: [L.SpectralNormalization(L.Conv2D(2, 3)), L.Flatten()]),
    "activations": (
        ROW,
        lambda: [
            *(L.Dense(3, activation=a) for a in ("elu", "gelu", "hard_sigmoid", "mish", "silu")),
            L.Activation("hard_tanh"),
            L.PReLU(),
            L.ELU(),
            L.ReLU(6.0),
            L.Softmax(),
        ],
    ),
    "layer_as_activation": (ROW, lambda: [L.Dense(3, activation=L.LeakyReLU(0.1))]),
    "recurrent": (
        SERIES,
        lambda: [
            L.LSTM(3, return_sequences=True),
            L.GRU(2, return_sequences=True),
            L.SimpleRNN(2),
        ],
    ),
    "bidirectional": (
        SERIES,
        lambda: [L.Bidirectional(L.GRU(2), backward_layer=L.GRU(2, go_backwards=True))],
    ),
    "cells": (SERIES, lambda: [L.RNN([L.LSTMCell(2), L.GRUCell(2)]), L.Dense(1)]),
    "distributed": (
        (4, *IMAGE),
        lambda: [L.TimeDistributed(stack(IMAGE, L.Conv2D(2, 3), L.Flatten())), L.LSTM(2)],
    ),
    "conv_lstm": ((3, 6, 6, 1), lambda: [L.ConvLSTM2D(2, 2), L.GlobalAveragePooling2D()]),
    "regularised": (
        ROW,
        lambda: [
            L.Dense(
                3,
                kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
                bias_regularizer="l1",
                activity_regularizer=keras.regularizers.OrthogonalRegularizer(),
                kernel_constraint=keras.constraints.MinMaxNorm(),
                bias_constraint="non_neg",
            ),
            L.ActivityRegularization(0.1),
        ],
    ),
    "initialised": (
        ROW,
        lambda: [
            L.Dense(5, kernel_initializer="orthogonal", bias_initializer="ones"),
            L.Dense(5, kernel_initializer=keras.initializers.VarianceScaling(2.0, seed=3)),
            L.Dense(5, kernel_initializer=keras.initializers.Identity(0.5)),
            L.Dense(5, bias_initializer=keras.initializers.Constant(0.25)),
        ],
    ),
    "noise": (
        SERIES,
        lambda: [
            L.GaussianNoise(0.1),
            L.GaussianDropout(0.1),
            L.AlphaDropout(0.1, seed=3),
            L.SpatialDropout1D(0.2),
            L.Dropout(0.1),
            L.Masking(),
        ],
    ),
    "shapes": (
        SERIES,
        lambda: [L.Permute((2, 1)), L.Reshape((-1, 2)), L.Flatten(), L.RepeatVector(2)],
    ),
    "pools": (
        IMAGE,
        lambda: [
            L.ZeroPadding2D(1),
            L.AveragePooling2D(2),
            L.UpSampling2D(2, interpolation="bilinear"),
            L.Cropping2D(1),
            L.AdaptiveAveragePooling2D(2),
            L.GlobalMaxPooling2D(keepdims=True),
        ],
    ),
    "augmentation": (
        IMAGE,
        lambda: [
            L.RandomFlip("horizontal"),
            L.RandomRotation(0.1),
            L.RandomZoom(0.1),
            L.RandomTranslation(0.1, 0.1),
            L.RandomContrast(0.1),
            L.RandomBrightness(0.1),
            L.RandomCrop(6, 6),
        ],
    ),
    "augmentation_pipeline": (
        IMAGE,
        lambda: [
            L.Pipeline([L.Rescaling(1 / 255), L.RandomHue(0.1, value_range=(0, 1))]),
            L.RandAugment(),
            L.Flatten(),
        ],
    ),
    "resized": (
        IMAGE,
        lambda: [L.Resizing(6, 6), L.CenterCrop(4, 4), L.Rescaling([0.1, 0.2, 0.3], [1, 2, 3])],
    ),
    "standardised": (ROW, lambda: [L.Normalization(mean=[1.0] * 5, variance=[2.0] * 5)]),
    "einsum": (SERIES, lambda: [L.EinsumDense("abc,cd->abd", (None, 2), bias_axes="d")]),
    "spectrogram": (
        (64, 1),
        lambda: [L.STFTSpectrogram(frame_length=16, frame_step=8, fft_length=16)],
    ),
    "discretised": (ROW, lambda: [L.Discretization([0.0, 1.0], output_mode="one_hot")]),
    "frozen": (IMAGE, lambda: [L.Conv2D(2, 3, trainable=False), L.BatchNormalization()]),
    "half_precision": (
        IMAGE,
        lambda: [L.Conv2D(2, 3, dtype="mixed_float16"), L.Conv2D(2, 3, dtype="mixed_bfloat16")],
    ),
    "named_activation_in_lambda": (ROW, lambda: [L.Lambda(keras.activations.relu)]),
}
for name, (shape, made) in STACKS.items():
    KINDS[name] = functools.partial(lambda shape, made: stack(shape, *made()), shape, made)


@kind
def merged() -> keras.Model:
    a, b = keras.Input(ROW), keras.Input(ROW)
    some = (L.Add(), L.Subtract(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum(), L.Dot(1))
    return keras.Model([a, b], L.Concatenate()([layer([a, b]) for layer in some]))


@kind
def attention() -> keras.Model:
    q, v = keras.Input(SERIES), keras.Input((4, 3))
    x = L.MultiHeadAttention(2, 3, dropout=0.1)(q, value=v, key=v)
    x = L.Attention(use_scale=True, score_mode="dot")([x, v])
    x = L.AdditiveAttention()([x, v])
    return keras.Model([q, v], L.GroupQueryAttention(2, 2, 1)(x, x))


@kind
def operations() -> keras.Model:
    def call(x: Any) -> Any:
        y = keras.ops.concatenate([x / 2.0 - 1.0, keras.ops.relu(x)], axis=-1)
        y = keras.ops.mean(y[:, 1:, ::2], axis=1, keepdims=True) ** 2
        return keras.ops.where(y > 0.5, y, keras.ops.zeros_like(y))

    return functional(SERIES, call)


@kind
def nested() -> keras.Model:
    inner = functional(IMAGE, L.Conv2D(2, 3))
    middle = stack(IMAGE, inner, L.Flatten())
    a, b = keras.Input(IMAGE), keras.Input(IMAGE)
    return keras.Model([a, b], L.Dense(2)(L.Concatenate()([middle(a), middle(b)])))


@kind
def nested_and_compiled() -> keras.Model:
    inner = functional(ROW, L.Dense(3))
    inner.compile("adam", own_loss, metrics=[lambda y, p: keras.ops.mean(y - p)])
    return stack(ROW, inner, L.Dense(2))


@kind
def shared_layer() -> keras.Model:
    layer = L.Dense(5, activation="tanh")
    return functional(ROW, lambda x: layer(layer(x)))


@kind
def named_ends() -> keras.Model:
    ends = {name: keras.Input(ROW, name=name) for name in ("left", "right")}
    x = L.Concatenate()(list(ends.values()))
    return keras.Model(ends, {"a": L.Dense(1, name="a")(x), "b": L.Dense(2, name="b")(x)})


@kind
def states() -> keras.Model:
    x = keras.Input(SERIES)
    y, h, c = L.LSTM(3, return_state=True, return_sequences=True)(x)
    return keras.Model(x, L.LSTM(3)(y, initial_state=[h, c]))


@kind
def embedding() -> keras.Model:
    return stack((None,), L.Embedding(9, 3, mask_zero=True), L.GRU(2), dtype="int32")


def quantised(mode: str, *layers: Any, dtype: str = "float32") -> keras.Model:
    made = stack(ROW, *layers, dtype=dtype)
    made.quantize(mode)
    return made


for mode in ("int8", "int4", "float8"):
    KINDS[f"{mode}_dense"] = functools.partial(
        lambda mode: quantised(mode, L.Dense(4), L.Dense(2)), mode
    )
for mode in ("int8", "int4"):
    KINDS[f"{mode}_embedding"] = functools.partial(
        lambda mode: quantised(mode, L.Embedding(8, 4), L.Flatten(), dtype="int32"), mode
    )


@kind
def words_counted() -> keras.Model:
    layer = L.TextVectorization(vocabulary=["a", "b"], output_mode="multi_hot")
    return keras.Sequential([keras.Input((), dtype="string"), layer, L.Dense(2)])


@kind
def words_weighed() -> keras.Model:
    layer = L.TextVectorization(output_mode="tf_idf")
    layer.adapt(["a b", "b c"])
    return keras.Sequential([keras.Input((), dtype="string"), layer, L.Dense(2)])


@kind
def words_looked_up() -> keras.Model:
    layer = L.StringLookup(vocabulary=["a", "b"], num_oov_indices=2)
    return keras.Sequential([keras.Input((2,), dtype="string"), layer, L.Embedding(4, 2)])


@kind
def numbers_looked_up() -> keras.Model:
    return stack((2,), L.IntegerLookup(vocabulary=[3, 5]), L.Embedding(3, 2), dtype="int64")


@kind
def categories() -> keras.Model:
    return stack((2,), L.CategoryEncoding(4, "multi_hot"), L.Dense(2), dtype="int64")


@kind
def hashed() -> keras.Model:
    return keras.Sequential([keras.Input((2,), dtype="string"), L.Hashing(5), L.Embedding(5, 2)])


def own_loss(y: Any, p: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y - p))


def psnr(y: Any, p: Any) -> Any:
    return -keras.ops.log(keras.ops.mean((y - p) ** 2))


def norm(y: Any, p: Any) -> Any:
    return keras.ops.sqrt(keras.ops.sum((y - p) ** 2))


class OwnMetric(keras.metrics.MeanSquaredError):
    """A metric that is registered nowhere."""


COMPILED: dict[str, dict[str, Any]] = {
    "classifier": {
        "optimizer": "adam",
        "loss": "categorical_crossentropy",
        "metrics": ["accuracy", keras.metrics.AUC(), keras.metrics.TopKCategoricalAccuracy(2)],
    },
    "regressor": {
        "optimizer": lambda: keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.1, 5), momentum=0.9
        ),
        "loss": keras.losses.Huber(),
        "metrics": ["mae", "cosine_similarity"],
    },
    "own_loss": {"optimizer": "rmsprop", "loss": own_loss},
    "lambda_loss": {"optimizer": "sgd", "loss": lambda y, p: keras.ops.mean(y - p)},
    "own_metrics": {"optimizer": "lion", "loss": "mse", "metrics": [psnr, norm, OwnMetric()]},
    "metric_in_a_lambda": {
        "optimizer": "adamw",
        "loss": "mse",
        "metrics": [lambda y, p: keras.ops.max(y - p)],
    },
    "scaled_loss": {
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        "loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        "weighted_metrics": ["mse"],
    },
}


def compiled(options: dict[str, Any]) -> keras.Model:
    """A model that was trained a little."""
    made = stack(ROW, L.Dense(3, activation="sigmoid"))
    optimizer = options["optimizer"]
    optimizer = optimizer if isinstance(optimizer, str) else optimizer()
    made.compile(**{**options, "optimizer": optimizer})
    made.train_on_batch(np.ones((2, 5), np.float32), np.ones((2, 3), np.float32))
    return made


for name, options in COMPILED.items():
    KINDS[f"trained_as_{name}"] = functools.partial(compiled, options)


# Of somebody's own.


@keras.saving.register_keras_serializable("kinds")
class Scale(L.Layer):
    """A layer with an activation and a layer in it."""

    def __init__(self, activation: Any = None, inner: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.activation = keras.activations.get(activation)
        self.inner = L.Dense(2) if inner is None else inner

    def build(self, shape: Any) -> None:
        if not self.inner.built:
            self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.activation(self.inner(x))

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        own = {"activation": serialize(self.activation), "inner": serialize(self.inner)}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Scale:
        config["inner"] = keras.saving.deserialize_keras_object(config["inner"])
        return cls(**config)


@keras.saving.register_keras_serializable("kinds")
class Whole(keras.Model):
    """A model written as a class."""

    def __init__(self, units: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.head = units, L.Dense(units)
        self.blocks = [L.Dense(3, activation="relu"), L.Dense(3)]

    def call(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x)

    def build(self, shape: Any) -> None:
        for block in self.blocks:
            block.build(shape)
            shape = (*shape[:-1], 3)
        self.head.build(shape)
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("kinds")
def double(x: Any) -> Any:
    return 2 * x


@kind
def own_layer() -> keras.Model:
    return stack(ROW, Scale("tanh"), L.Dense(2, activation=double))


@kind
def own_model() -> keras.Model:
    made = Whole(2)
    made(np.ones((1, 5), np.float32))
    return made


@kind
def own_function_in_lambda() -> keras.Model:
    return stack(ROW, L.Lambda(double), L.Dense(2))


OWN = {"own_layer", "own_model", "own_function_in_lambda"}
SUPPLIED = {"Scale": Scale, "Whole": Whole, "double": double}
NOT_IN_H5 = {  # what Keras cannot save there, or not load from there by itself
    *(name for name in KINDS if name.startswith(("words_", "numbers_", "int", "float8"))),
    "augmentation",
    "own_model",
}
