"""Models that Keras 2 saves, with examples and what it answers to them.

Run by the Python of `make old-keras`, which has tf-keras: `python keras_2_models.py FOLDER`.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

KINDS: dict[str, Callable[[], Any]] = {}
TRAINED = ("norm", "norm_fixed", "mobilenet", "mobilenet_head")  # keep the weights they have
ONLY_H5 = ("preprocessed",)  # Keras 2 cannot write an ellipsis into a .keras file
AS_FOLDERS = (
    "bi",
    "compiled",
    "convlstm",
    "dense",
    "mixed",
    "norm",
    "ops",
    "transfer",
    "vocabulary",
)
INTEGERS = ("embedding", "category")
TEXTS = {"vocabulary": [["a"], ["b"], ["c"]], "hashing": [["a", "x"], ["b", "y"], ["c", "z"]]}
keras: Any = None  # tf-keras, and its layers
L: Any = None


def kind(build: Callable[[], Any]) -> Callable[[], Any]:
    """Adds a kind of model under the name of the function that builds it."""
    KINDS[build.__name__] = build
    return build


def seq(shape, *ls, **k):
    return keras.Sequential([keras.Input(shape, **k), *ls])


@kind
def dense():
    return seq((5,), L.Dense(4, activation="relu"), L.Dense(2, activation="softmax"))


@kind
def no_input():
    return keras.Sequential([L.Dense(4, activation="relu", input_shape=(5,)), L.Dense(2)])


@kind
def conv():
    return seq(
        (8, 8, 3),
        L.Conv2D(4, 3, activation="relu"),
        L.BatchNormalization(),
        L.MaxPooling2D(),
        L.SeparableConv2D(3, 2, depth_multiplier=2, activation="hard_sigmoid"),
        L.DepthwiseConv2D(2),
        L.Flatten(),
        L.Dense(2, activation="softmax"),
    )


@kind
def conv1d():
    return seq(
        (8, 3),
        L.SeparableConv1D(4, 3),
        L.Conv1DTranspose(5, 3, strides=2),
        L.Conv1D(3, 2, padding="causal", dilation_rate=2),
        L.GlobalMaxPooling1D(),
    )


@kind
def transposes():
    return seq(
        (4, 4, 4, 2),
        L.Conv3D(3, 2),
        L.Conv3DTranspose(2, 3, strides=2),
        L.GlobalAveragePooling3D(),
    )


@kind
def conv2t():
    return seq(
        (5, 5, 2),
        L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1),
        L.LeakyReLU(),
        L.ReLU(max_value=1.0),
        L.ELU(0.5),
        L.PReLU(shared_axes=[1, 2]),
        L.ThresholdedReLU(0.1),
        L.UpSampling2D(2),
        L.ZeroPadding2D(1),
        L.Cropping2D(1),
        L.AveragePooling2D(2),
    )


@kind
def rnns():
    return seq(
        (6, 3),
        L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid"),
        L.GRU(3, return_sequences=True),
        L.GRU(3, reset_after=False, return_sequences=True),
        L.SimpleRNN(4),
        L.Dense(2),
    )


@kind
def bi():
    return seq(
        (6, 3),
        L.Bidirectional(L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid")),
        L.Bidirectional(L.GRU(3), merge_mode="sum"),
        L.Dense(2),
    )


@kind
def bi_back():
    return seq(
        (6, 3),
        L.Bidirectional(L.LSTM(4), backward_layer=L.LSTM(4, go_backwards=True, activation="relu")),
    )


@kind
def td():
    return seq(
        (4, 8, 8, 3),
        L.TimeDistributed(L.DepthwiseConv2D(3)),
        L.TimeDistributed(L.Flatten()),
        L.TimeDistributed(L.Dense(3, activation="hard_sigmoid")),
        L.LSTM(2),
    )


@kind
def td_model():
    return seq(
        (4, 8, 8, 3),
        L.TimeDistributed(seq((8, 8, 3), L.Conv2D(2, 3), L.GlobalAveragePooling2D())),
        L.GRU(2),
    )


@kind
def convlstm():
    return seq(
        (3, 6, 6, 2),
        L.ConvLSTM2D(3, 2, return_sequences=True),
        L.ConvLSTM2D(2, 2),
        L.GlobalAveragePooling2D(),
    )


@kind
def convlstm1():
    return seq((3, 6, 2), L.ConvLSTM1D(3, 2, activation="hard_sigmoid"), L.Flatten())


@kind
def rnn_cells():
    return seq((6, 3), L.RNN([L.LSTMCell(4), L.GRUCell(3)]), L.Dense(2))


@kind
def rnn_cell():
    return seq(
        (6, 3),
        L.RNN(L.SimpleRNNCell(4), return_sequences=True),
        L.RNN(L.LSTMCell(3, recurrent_activation="hard_sigmoid")),
        L.Dense(2),
    )


def base(name="base"):
    i = keras.Input((8, 8, 3))
    return keras.Model(i, L.Conv2D(4, 3, activation="relu")(i), name=name)


@kind
def transfer():
    i = keras.Input((8, 8, 3))
    return keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(base()(i))))


@kind
def nested_twice():
    i, j = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    b = base()
    return keras.Model(
        [i, j], L.Dense(2)(L.GlobalAveragePooling2D()(L.Concatenate()([b(i), b(j)])))
    )


@kind
def nested_end():
    i = keras.Input((8, 8, 3))
    return keras.Model(i, base()(i))


@kind
def nested_seq():
    i = keras.Input((8, 8, 3))
    s = keras.Sequential([L.Conv2D(2, 3, input_shape=(8, 8, 3)), L.Flatten()], name="s")
    return keras.Model(i, L.Dense(2)(s(i)))


@kind
def nested_seq_end():
    i = keras.Input((8, 8, 3))
    s = keras.Sequential([L.Conv2D(2, 3, input_shape=(8, 8, 3)), L.Flatten()], name="s")
    return keras.Model(i, s(i))


@kind
def nested_seq_noinput():
    i = keras.Input((8, 8, 3))
    s = keras.Sequential([L.Conv2D(2, 3), L.Flatten()], name="s")
    return keras.Model(i, L.Dense(2)(s(i)))


@kind
def deep():
    i = keras.Input((8, 8, 3))
    m = keras.Sequential(
        [keras.Input((8, 8, 3)), base("b2"), L.GlobalAveragePooling2D()], name="mid"
    )
    o = keras.Model(i, m(i), name="outer")
    return keras.Sequential([keras.Input((8, 8, 3)), o, L.Dense(3)])


@kind
def teachable():
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), base(), L.GlobalAveragePooling2D()], name="features"
    )
    head = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="softmax")], name="head")
    return keras.Sequential([keras.Input((8, 8, 3)), inner, head])


@kind
def mha():
    i = keras.Input((5, 6))
    m = keras.Input((4, 6))
    x = L.MultiHeadAttention(2, 3, dropout=0.1)(i, m)
    y = L.MultiHeadAttention(2, 3, value_dim=4, output_shape=7)(x, value=m, key=m)
    y = L.LayerNormalization()(y)
    return keras.Model([i, m], L.GlobalAveragePooling1D()(y))


@kind
def attention():
    i = keras.Input((5, 6))
    m = keras.Input((4, 6))
    return keras.Model(
        [i, m],
        L.Concatenate(axis=1)(
            [L.Attention(use_scale=True)([i, m]), L.AdditiveAttention()([i, m])]
        ),
    )


@kind
def attention_dot():
    i = keras.Input((5, 6))
    m = keras.Input((4, 6))
    return keras.Model([i, m], L.Attention(score_mode="dot")([i, m]))


@kind
def merges():
    i, j = keras.Input((5,)), keras.Input((5,))
    return keras.Model(
        [i, j],
        [
            L.Add()([i, j]),
            L.Subtract()([i, j]),
            L.Multiply()([i, j]),
            L.Average()([i, j]),
            L.Maximum()([i, j]),
            L.Minimum()([i, j]),
            L.Dot(1)([i, j]),
            L.Concatenate()([i, j]),
        ],
    )


@kind
def multi():
    i = keras.Input((5,), name="in_a")
    j = keras.Input((3,), name="in_b")
    x = L.Concatenate()([L.Dense(4)(i), j])
    return keras.Model(
        {"in_a": i, "in_b": j},
        {"o": L.Dense(2, name="o")(x), "p": L.Dense(1, activation="sigmoid", name="p")(x)},
    )


@kind
def embedding():
    return keras.Sequential(
        [
            L.Embedding(10, 4, input_length=6, mask_zero=True),
            L.Bidirectional(L.LSTM(3)),
            L.Dense(1, activation="sigmoid"),
        ]
    )


@kind
def pre():
    return seq(
        (8, 8, 3),
        L.Rescaling(1 / 127.5, offset=-1),
        L.RandomFlip(),
        L.RandomRotation(0.1),
        L.RandomZoom(0.1),
        L.RandomContrast(0.1),
        L.RandomTranslation(0.1, 0.1),
        L.CenterCrop(6, 6),
        L.Resizing(4, 4),
        L.Conv2D(2, 2),
        L.GlobalAveragePooling2D(),
    )


@kind
def norm():
    n = L.Normalization()
    n.adapt(np.random.default_rng(0).normal(2, 3, (50, 5)).astype("f4"))
    return seq((5,), n, L.Dense(2))


@kind
def norm_fixed():
    return seq(
        (5,), L.Normalization(mean=[1.0, 2, 3, 4, 5], variance=[1.0, 2, 3, 4, 5]), L.Dense(2)
    )


@kind
def noise():
    return seq(
        (8, 3),
        L.GaussianNoise(0.1),
        L.GaussianDropout(0.1),
        L.AlphaDropout(0.1),
        L.SpatialDropout1D(0.1),
        L.ActivityRegularization(l2=0.01),
        L.Masking(0.0),
        L.Permute((2, 1)),
        L.Reshape((4, 6)),
        L.Flatten(),
        L.RepeatVector(2),
        L.Dropout(0.2, seed=3),
        L.UnitNormalization(),
        L.Dense(
            2,
            kernel_regularizer="l2",
            bias_constraint="non_neg",
            kernel_initializer=keras.initializers.VarianceScaling(2.0),
            activation="hard_sigmoid",
        ),
    )


@kind
def acts():
    return seq(
        (5,),
        *[
            L.Dense(5, activation=a)
            for a in (
                "elu",
                "selu",
                "softplus",
                "softsign",
                "relu",
                "tanh",
                "sigmoid",
                "hard_sigmoid",
                "exponential",
                "linear",
                "gelu",
                "swish",
                "mish",
                "leaky_relu",
            )[:]
        ],
        L.Activation("hard_sigmoid"),
        L.Softmax(),
    )


@kind
def mixed():
    keras.mixed_precision.set_global_policy("mixed_float16")
    m = seq((8, 8, 3), L.Conv2D(4, 3), L.GlobalAveragePooling2D(), L.Dense(2, dtype="float32"))
    keras.mixed_precision.set_global_policy("float32")
    return m


@kind
def shared():
    i = keras.Input((5,))
    d = L.Dense(5, activation="tanh")
    return keras.Model(i, d(d(d(i))))


@kind
def slash():
    i = keras.Input((5,), name="in/put")
    x = L.Dense(4, name="block/dense")(i)
    y = L.Dense(4, name="block_dense")(i)
    return keras.Model(i, L.Dense(2, name="a/b/c")(L.Add(name="add/1")([x, y])))


@kind
def state():
    i = keras.Input((6, 3))
    x, h, c = L.LSTM(4, return_state=True, return_sequences=True)(i)
    y = L.LSTM(4)(x, initial_state=[h, c])
    return keras.Model(i, L.Dense(2)(y))


@kind
def groups():
    return seq(
        (8, 8, 4),
        L.Conv2D(4, 3, groups=2),
        L.GroupNormalization(2),
        L.LayerNormalization(axis=[1, 2]),
        L.BatchNormalization(axis=-1),
        L.GlobalMaxPooling2D(keepdims=True),
        L.Flatten(),
    )


@kind
def bn_frozen():
    m = seq(
        (8, 8, 3),
        L.Conv2D(4, 3, trainable=False),
        L.BatchNormalization(trainable=False),
        L.Dense(2),
        L.BatchNormalization(),
        L.GlobalAveragePooling2D(),
    )
    return m


@kind
def frozen_inner():
    b = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3),
            L.BatchNormalization(),
            L.Conv2D(4, 3),
            L.BatchNormalization(),
        ],
        name="b",
    )
    b.layers[0].trainable = False
    b.layers[3].trainable = False
    return keras.Sequential([keras.Input((8, 8, 3)), b, L.GlobalAveragePooling2D()])


@kind
def compiled():
    m = dense()
    m.compile("adam", "categorical_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    m.fit(np.ones((4, 5)), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    return m


@kind
def einsum():
    return seq((5, 6), L.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d"))


@kind
def vocabulary():
    return keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            L.StringLookup(vocabulary=["a", "b"]),
            L.Embedding(3, 2),
            L.Flatten(),
        ]
    )


@kind
def category():
    return seq(
        (3,), L.CategoryEncoding(num_tokens=4, output_mode="multi_hot"), L.Dense(2), dtype="int64"
    )


@kind
def discretise():
    return seq(
        (3,), L.Discretization(bin_boundaries=[0.0, 1.0, 2.0]), L.Embedding(4, 2), L.Flatten()
    )


@kind
def hashing():
    return keras.Sequential(
        [keras.Input((2,), dtype="string"), L.Hashing(5), L.Embedding(5, 2), L.Flatten()]
    )


@kind
def ops():
    i = keras.Input((8, 8, 3))
    x = i / 127.5 - 1.0
    x = L.Conv2D(2, 3)(x)
    return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D()(x)))


@kind
def ops2():
    import tensorflow as tf

    i = keras.Input((8, 3))
    x = tf.nn.relu(i)
    y = tf.concat([x, i], axis=-1)
    z = y[:, 1:3]
    w = tf.reduce_mean(z, axis=1) * 2.0 + 1.0
    return keras.Model(i, w)


@kind
def preprocessed():
    i = keras.Input((8, 8, 3))
    x = keras.applications.resnet50.preprocess_input(i)
    y = keras.applications.mobilenet_v2.preprocess_input(i)
    return keras.Model(i, L.Concatenate()([x, y]))


@kind
def functions():
    import tensorflow as tf

    i = keras.Input((4, 6))
    some = [1 - i, 2 * i, i**2, -i, tf.abs(i), tf.exp(i), tf.square(i), tf.maximum(i, 0.1)]
    some += [tf.sigmoid(i), tf.tanh(i), tf.nn.relu6(i), tf.nn.silu(i), tf.nn.elu(i)]
    some += [tf.nn.leaky_relu(i), tf.nn.gelu(i), tf.nn.softmax(i), tf.clip_by_value(i, -0.5, 0.5)]
    some += [tf.multiply(i, i), i + i, tf.sqrt(tf.abs(i)), tf.cast(i, "float64")[:, :, ::-1]]
    x = tf.stack([tf.cast(one, "float32") for one in some], axis=1)
    x = tf.reshape(tf.transpose(x, (0, 2, 3, 1)), (-1, 4, 6 * len(some)))
    y = tf.matmul(x[:, 1:3, tf.newaxis], tf.expand_dims(x[:, 0], 1)[:, :, :, tf.newaxis])
    z = tf.reduce_max(x, axis=1) + tf.reduce_sum(x, axis=[1], keepdims=False)
    return keras.Model(i, [tf.squeeze(y, -1), tf.concat([z, tf.reduce_min(x, axis=1)], -1)])


@kind
def mobilenet():
    return keras.applications.MobileNetV2((32, 32, 3), weights=None, classes=4)


@kind
def mobilenet_head():
    b = keras.applications.MobileNetV2((32, 32, 3), weights=None, include_top=False)
    b.trainable = False
    i = keras.Input((32, 32, 3))
    x = L.RandomFlip("horizontal")(i)
    x = L.Rescaling(1 / 127.5, offset=-1)(x)
    x = b(x, training=False)
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dropout(0.2)(x)
    return keras.Model(i, L.Dense(1)(x))


@kind
def cudnn_like():
    return seq(
        (6, 3),
        keras.layers.LSTM(4, unroll=True, return_sequences=True),
        keras.layers.GRU(3, go_backwards=True),
    )


@kind
def legacy_name():
    return keras.Sequential(
        [
            L.Conv2D(2, 3, input_shape=(8, 8, 3), data_format="channels_last"),
            L.Activation("relu"),
            L.Flatten(),
            L.Dense(2),
            L.Activation("softmax"),
        ],
        name="my model",
    )


def examples(name: str, model: Any) -> list[Any]:
    """Three examples for each input."""
    rng = np.random.default_rng(0)
    if name in TEXTS:
        return [np.array(TEXTS[name])]
    made = []
    for tensor in model.inputs:
        shape = [3, *(size or 6 for size in tensor.shape[1:])]
        whole = name in INTEGERS
        made.append(rng.integers(0, 4, shape) if whole else rng.normal(size=shape).astype("f4"))
    return made


def draw_weights(model: Any) -> None:
    """Weights at large, so that a weight in another's place changes an answer."""
    rng = np.random.default_rng(1)
    for variable in model.weights:
        if variable.dtype.is_floating and "count" not in variable.name:
            drawn = rng.normal(0, 0.5, variable.shape)
            variable.assign(np.abs(drawn) + 0.5 if "variance" in variable.name else drawn)


def main(folder: Path) -> None:
    """Writes each model as `.h5` and `.keras`, and its examples and answers as `.npz`."""
    global keras, L
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    keras = importlib.import_module("tf_keras")
    L = keras.layers
    tf = importlib.import_module("tensorflow")
    for name, build in KINDS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        model = build()
        if name not in TRAINED:
            draw_weights(model)
        given = examples(name, model)
        named = dict(zip(("in_a", "in_b"), given, strict=True)) if name == "multi" else None
        answers = model(named or (given if len(given) > 1 else given[0]), training=False)
        found = {f"y{n}": np.asarray(one) for n, one in enumerate(tf.nest.flatten(answers))}
        found |= {f"x{n}": one for n, one in enumerate(given)}
        np.savez(folder / f"{name}.npz", **found)
        for ending in (".h5",) if name in ONLY_H5 else (".h5", ".keras"):
            model.save(folder / f"{name}{ending}")
        if name in AS_FOLDERS:
            model.save(folder / name, save_format="tf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
