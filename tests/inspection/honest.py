"""Models that Keras itself saved: what a scan must let through, and what attacks start from."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
from keras import layers

from tests.builders import KERAS_SAVES


def save(model: keras.Model, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        model.save(path)
    return path


def victim() -> keras.Model:
    """A model with a nested one, a wrapper, a vocabulary's worth of layers and compile state."""
    x = image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Reshape((36, 4), name="rows")(x)
    x = layers.Bidirectional(layers.LSTM(2, name="lstm"), name="both")(x)
    inner = [layers.Dense(5, kernel_regularizer="l2", name="hidden")]
    x = keras.Sequential([keras.Input((4,)), *inner], name="inner")(x)
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="out")(x), name="victim")
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(
        keras.optimizers.Adam(schedule), "categorical_crossentropy", metrics=["accuracy"]
    )
    return model


@keras.saving.register_keras_serializable("mine")
class Gate(layers.Layer):
    """A layer of somebody's own, with layers in it."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units
        self.dense = layers.Dense(units, activation="sigmoid")
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.dense.build(shape)
        self.norm.build((*shape[:-1], self.units))

    def call(self, x):
        return self.norm(self.dense(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("mine")
def doubled(x):
    return 2 * x


def with_custom_layer() -> keras.Model:
    x = inputs = keras.Input((6,))
    x = layers.Dense(4, activation=doubled, name="doubling")(x)
    return keras.Model(inputs, layers.Dense(2)(Gate(3, name="gate")(x)))


def of_many_kinds() -> keras.Model:
    """Two inputs, two outputs, a backbone, arithmetic on tensors, a frozen part."""
    image = keras.Input((12, 10, 3), name="image")
    row = keras.Input((7,), name="row")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    inner = keras.Input((12, 10, 3))
    y = layers.ZeroPadding2D(((1, 0), (2, 3)))(inner)
    y = layers.Conv2D(4, 3, strides=2, padding="same", activation=layers.LeakyReLU(0.1))(y)
    y = layers.DepthwiseConv2D(2, dilation_rate=2, depth_multiplier=2)(y)
    y = layers.Add(name="sum")([layers.SeparableConv2D(8, 1, name="separable")(y), y])
    y = layers.UpSampling2D(2)(y)
    y = layers.Cropping2D(1)(layers.Conv2DTranspose(5, 3, strides=2)(y))
    backbone = keras.Model(inner, layers.BatchNormalization(name="norm")(y), name="backbone")
    backbone.get_layer("separable").trainable = False
    y = backbone(x)
    y = layers.AveragePooling2D(3, padding="same")(y[:, ::2] * 2.0)
    y = layers.GlobalMaxPooling2D(keepdims=True)(keras.ops.relu(y))
    joined = layers.Concatenate()([layers.Flatten()(y), layers.Normalization(name="z")(row)])
    first = layers.Dense(3, kernel_initializer=keras.initializers.HeNormal(), name="first")(joined)
    second = layers.Dense(1, activation="sigmoid", name="second")(joined)
    return keras.Model([image, row], [layers.Softmax(name="prob")(first), second])


def of_text() -> keras.Model:
    x = words = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(20, 8, name="embedding")(x)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both")(x)
    x = layers.TimeDistributed(layers.Dense(5, activation="gelu"), name="each")(x)
    x = layers.LayerNormalization()(layers.LSTM(4)(x))
    model = keras.Model(words, layers.Dense(2)(x))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("rmsprop", loss, metrics=["accuracy"])
    return model


def sequential() -> keras.Model:
    made = [
        keras.Input((16, 2)),
        layers.Conv1D(4, 3, padding="causal"),
        layers.MaxPooling1D(2),
        layers.SpectralNormalization(layers.Dense(6), name="spectral"),
        layers.Permute((2, 1)),
        layers.Reshape((4, -1)),
        layers.Dropout(0.1),
        layers.GlobalAveragePooling1D(),
        layers.RepeatVector(3),
        layers.Activation("relu"),
    ]
    return keras.Sequential(made)


def in_mixed_precision() -> keras.Model:
    x = image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, dtype="mixed_float16")(x)
    x = layers.GlobalAveragePooling2D(dtype="mixed_float16")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", dtype="float32")(x))


def with_vocabulary() -> keras.Model:
    words = keras.Input((), dtype="string")
    x = layers.TextVectorization(output_sequence_length=4, vocabulary=["a", "b"])(words)
    return keras.Model(words, layers.Embedding(6, 3)(x))


def application(name: str) -> keras.Model:
    return getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=10)
