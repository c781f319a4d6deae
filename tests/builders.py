"""Small models whose answers are known by hand, and one small network in every way to write it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

# keras.Variable.__array__ and NumPy 2, when a model is saved
KERAS_SAVES = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
IMAGE = (6, 5, 2)
CLASSES = 3


def images(count: int = 3, shape: tuple[int, ...] = IMAGE, seed: int = 7) -> np.ndarray:
    """(count, ...) float32, standard normal."""
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)


def formula(function: Any, size: int = 2, dtype: str = "float64") -> keras.Model:
    """The model of a function of x (B, size) in Keras operations."""
    x = keras.Input((size,), dtype=dtype)
    return keras.Model(x, function(x))


def product() -> keras.Model:
    """f(x) = x0 x1, in float64."""
    return formula(lambda x: x[:, :1] * x[:, 1:])


def linear(weights: Any, bias: Any = 0.0, activation: str | None = None) -> keras.Model:
    """f(x) = x W + b in float64; W is (features, outputs)."""
    weights = np.asarray(weights, np.float64)
    x = keras.Input((weights.shape[0],), dtype="float64")
    dense = layers.Dense(weights.shape[1], activation=activation, name="dense", dtype="float64")
    model = keras.Model(x, dense(x))
    dense.set_weights([weights, np.broadcast_to(np.asarray(bias, float), weights.shape[1:])])
    return model


def conv_parts(dtype: Any = None, prefix: str = "") -> list[keras.Layer]:
    """The layers of the small network up to its feature vector."""
    return [
        layers.Conv2D(4, 3, padding="same", activation="tanh", name=f"{prefix}conv1", dtype=dtype),
        layers.Conv2D(3, 2, activation="relu", name=f"{prefix}conv2", dtype=dtype),
        layers.Flatten(name=f"{prefix}flat", dtype=dtype),
    ]


def chain(x: Any, parts: list[Any]) -> Any:
    for part in parts:
        x = part(x)
    return x


def functional(activation: str | None = "softmax", dtype: Any = None, units: int = CLASSES):
    """Two convolutions and a dense head, Functional."""
    x = keras.Input(IMAGE, dtype="float64" if dtype == "float64" else None)
    head = layers.Dense(units, activation=activation, name="head", dtype=dtype)
    return keras.Model(x, head(chain(x, conv_parts(dtype))))


def sequential(activation: str | None = "softmax") -> keras.Model:
    head = layers.Dense(CLASSES, activation=activation, name="head")
    return keras.Sequential([keras.Input(IMAGE), *conv_parts(), head])


def nested(activation: str | None = "softmax") -> keras.Model:
    """The convolutions are at `backbone/conv1` and `backbone/conv2`."""
    inner = keras.Input(IMAGE)
    backbone = keras.Model(inner, chain(inner, conv_parts()), name="backbone")
    x = keras.Input(IMAGE)
    return keras.Model(x, layers.Dense(CLASSES, activation=activation, name="head")(backbone(x)))


def doubly_nested(activation: str | None = "softmax") -> keras.Model:
    """The convolutions are at `outer/backbone/conv1` and `outer/backbone/conv2`."""
    inner = keras.Input(IMAGE)
    backbone = keras.Model(inner, chain(inner, conv_parts()), name="backbone")
    outer = keras.Sequential([keras.Input(IMAGE), backbone], name="outer")
    x = keras.Input(IMAGE)
    return keras.Model(x, layers.Dense(CLASSES, activation=activation, name="head")(outer(x)))


class Subclassed(keras.Model):
    """The small network with a `call` of its own."""

    def __init__(self, activation: str | None = "softmax") -> None:
        super().__init__()
        self.parts = conv_parts()
        self.head = layers.Dense(CLASSES, activation=activation, name="head")

    def call(self, x):
        return self.head(chain(x, self.parts))


def subclassed(activation: str | None = "softmax") -> keras.Model:
    model = Subclassed(activation)
    model(np.zeros((1, *IMAGE), np.float32))
    return model


def operations(activation: str | None = "softmax") -> keras.Model:
    """As `subclassed`, the activation an operation in `call`."""

    class Ending(Subclassed):
        def call(self, x):
            scores = super().call(x)
            return getattr(keras.ops, activation)(scores) if activation else scores

    model = Ending(None)
    model(np.zeros((1, *IMAGE), np.float32))
    return model


def softmax_layer(activation: str | None = "softmax") -> keras.Model:
    """The activation is a layer of its own, and a reshape follows it."""
    last = [layers.Activation(activation), layers.Reshape((CLASSES,))] if activation else []
    return keras.Sequential([keras.Input(IMAGE), *conv_parts(), layers.Dense(CLASSES), *last])


KINDS = {
    build.__name__: build
    for build in (
        sequential,
        functional,
        nested,
        doubly_nested,
        subclassed,
        operations,
        softmax_layer,
    )
}
"""Ways to write the same network: same weights in the same order, same values expected."""
CONV2 = {
    "nested": "backbone/conv2",
    "doubly_nested": "outer/backbone/conv2",
}
"""Path of its second convolution where it is not `conv2`."""


def same_weights(build: Any, like: keras.Model, activation: str | None = "softmax") -> keras.Model:
    """The network written another way, with the weights of `like`."""
    model = build(activation)
    model.set_weights(like.get_weights())
    return model


def shared(activation: str | None = "softmax") -> keras.Model:
    """One convolution called twice, with a tanh between: `conv#0` and `conv#1`."""
    x = keras.Input(IMAGE)
    conv = layers.Conv2D(2, 3, padding="same", name="conv")
    hidden = layers.Flatten()(conv(keras.ops.tanh(conv(x))))
    return keras.Model(x, layers.Dense(CLASSES, activation=activation)(hidden))


def residual() -> keras.Model:
    """A residual connection runs around `conv2`; another one around everything."""
    x = keras.Input(IMAGE)
    first = layers.Conv2D(2, 3, padding="same", activation="tanh", name="conv1")(x)
    second = layers.Conv2D(2, 3, padding="same", activation="tanh", name="conv2")(first)
    joined = layers.Add(name="join")([first, second])
    third = layers.Conv2D(2, 3, padding="same", activation="relu", name="conv3")(joined)
    both = layers.Multiply(name="both")([third, x])
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(both)))


def two_inputs(style: str) -> keras.Model:
    """f = sum(a) b0 + 3 b1, two float inputs `b` (2,) and `a` (2, 2), and integers `n` (1,).

    The integer multiplies the result.
    """
    b = keras.Input((2,), name="b", dtype="float64")
    a = keras.Input((2, 2), name="a", dtype="float64")
    n = keras.Input((1,), name="n", dtype="int32")
    value = keras.ops.sum(a, axis=(1, 2))[:, None] * b[:, :1] + 3.0 * b[:, 1:]
    value = value * keras.ops.cast(n, "float64")
    inputs = {"b": b, "a": a, "n": n} if style == "dict" else [b, a, n]
    return keras.Model(inputs, value)
