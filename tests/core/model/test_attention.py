"""Attention found in a traced graph, against what layers say of themselves and by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tfxai.errors import UnsupportedModelError
from tfxai.methods import Saliency, by_name
from tfxai.methods.base import AttributionMethod

pytestmark = pytest.mark.usefixtures("float64")
X = np.random.default_rng(5).normal(size=(3, 4, 6))


@pytest.fixture
def reader(monkeypatch):
    """Runs a method whose details are the weights of each attention and the gradient by them."""
    monkeypatch.setattr(by_name, "METHODS", dict(by_name.METHODS))
    paths = []

    class AttentionReader(AttributionMethod):
        name = "attention_reader"

        def _attribute(self, f, x):
            found = f.attention(x)
            paths[:] = [one.layer for one in found]
            details = {f"weights{i}": one.weights for i, one in enumerate(found)}
            return x, details | {f"gradient{i}": one.gradient() for i, one in enumerate(found)}

    return lambda model, x=X, **options: (AttentionReader()(model, x, **options).details, paths)


def scored(values):
    """A score that is not linear in the values, one output."""
    return ops.sum(ops.square(values), axis=tuple(range(1, len(values.shape))))[:, None]


def test_weights_of_several_heads_are_those_that_the_layer_returns(reader):
    x = keras.Input((4, 6))
    attention = layers.MultiHeadAttention(2, 3, name="heads")
    model = keras.Model(x, scored(attention(x, x)))
    found, paths = reader(model)
    _, weights = attention(X, X, return_attention_scores=True)
    np.testing.assert_allclose(found["weights0"], weights, rtol=1e-12)  # (B, heads, T, S)
    np.testing.assert_allclose(found["weights0"].sum(-1), np.ones((3, 2, 4)), rtol=1e-12)
    assert paths == ["heads"]


def test_masked_keys_have_no_weight(reader):
    x = keras.Input((4,), dtype="int32")
    vectors = layers.Embedding(9, 6, mask_zero=True, name="embedding")(x)
    attention = layers.MultiHeadAttention(2, 3)
    model = keras.Model(x, scored(attention(vectors, vectors)))
    ids = np.array([[3, 1, 0, 0], [2, 5, 7, 0]])
    found, _ = reader(model, ids, at="embedding")
    assert found["weights0"].shape == (2, 2, 4, 4)
    assert np.abs(found["weights0"][0, :, :2, 2:]).max() == 0  # queries that are no padding
    assert np.abs(found["weights0"][1, :, :3, 3:]).max() == 0
    assert found["weights0"][1, :, :3, :3].min() > 0


@pytest.mark.parametrize(
    ("make", "scores"),
    [
        (layers.Attention, lambda a, q, k: q @ k.transpose(0, 2, 1)),
        (
            lambda: layers.Attention(use_scale=True),
            lambda a, q, k: q @ k.transpose(0, 2, 1) * np.asarray(a.scale),
        ),
        (
            lambda: layers.AdditiveAttention(use_scale=False),
            lambda a, q, k: np.tanh(q[:, :, None] + k[:, None]).sum(-1),
        ),
    ],
    ids=["dot product", "scaled", "additive"],
)
def test_weights_of_one_head_are_the_softmax_of_its_scores(reader, make, scores):
    q, v, k = keras.Input((4, 6), name="q"), keras.Input((5, 6), name="v"), keras.Input((5, 6))
    attention = make()
    model = keras.Model([q, v, k], scored(attention([q, v, k])))
    rng = np.random.default_rng(1)
    given = [rng.normal(size=(2, n, 6)) for n in (4, 5, 5)]
    found, _ = reader(model, given)
    raw = np.exp(scores(attention, given[0], given[2]))
    np.testing.assert_allclose(found["weights0"], raw / raw.sum(-1, keepdims=True), rtol=1e-12)


def softmax_by_hand(z):
    e = ops.exp(z - ops.max(z, axis=-1, keepdims=True))
    return e / ops.sum(e, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    "softmax", [ops.softmax, softmax_by_hand, lambda z: ops.exp(ops.log_softmax(z))]
)
@pytest.mark.parametrize(
    "product",
    [
        ops.matmul,
        lambda w, v: ops.einsum("bts,bsd->btd", w, v),
        lambda w, v: ops.sum(w[..., None] * v[:, None], axis=2),
    ],
    ids=["matmul", "einsum", "sum"],
)
def test_attention_written_by_hand_and_its_gradient(reader, softmax, product):
    x = keras.Input((4, 6))
    weights = softmax(x @ ops.transpose(x, (0, 2, 1)) / 2.0)
    model = keras.Model(x, scored(product(weights, x)))
    if softmax is not ops.softmax and "log" in str(softmax.__code__.co_names):
        with pytest.raises(UnsupportedModelError, match="no attention that can be seen"):
            reader(model)  # exp(log_softmax) is refused, not mistaken
        return
    found, paths = reader(model)
    assert paths == [None]
    raw = np.exp(X @ X.transpose(0, 2, 1) / 2)
    by_hand = raw / raw.sum(-1, keepdims=True)
    np.testing.assert_allclose(found["weights0"], by_hand, rtol=1e-12)
    # f = |W x|^2: df/dW = 2 (W x) x^T
    gradient = 2 * (by_hand @ X) @ X.transpose(0, 2, 1)
    np.testing.assert_allclose(found["gradient0"], gradient, rtol=1e-10)


def test_attentions_come_in_the_order_of_computation_with_their_layers(reader):
    x = keras.Input((4, 6))
    first = layers.MultiHeadAttention(2, 3, name="first")
    block = keras.Sequential([keras.Input((4, 6)), layers.LayerNormalization()], name="block")
    h = block(x + first(x, x))
    second = layers.MultiHeadAttention(3, 2, name="second")
    found, paths = reader(keras.Model(x, scored(second(h, h))))
    assert paths == ["first", "second"]
    assert [found[f"weights{i}"].shape for i in (0, 1)] == [(3, 2, 4, 4), (3, 3, 4, 4)]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: layers.Dense(3, activation="softmax")(layers.Flatten()(x)),
        lambda x: scored(layers.Softmax()(x)),
        lambda x: scored(layers.Softmax()(x) * 2.0),
        lambda x: scored(layers.Dense(3)(layers.Softmax()(x))),
        lambda x: scored(layers.Softmax()(x) * x),
    ],
    ids=["head", "bare", "scaled", "into weights", "gate"],
)
def test_a_softmax_that_adds_up_no_values_is_none(reader, make):
    x = keras.Input((4, 6))
    with pytest.raises(UnsupportedModelError, match="no attention that can be seen"):
        reader(keras.Model(x, make(x)))


def test_what_cannot_be_looked_into_is_named(reader):
    class Compiled(layers.Layer):
        @tf.function
        def call(self, x):
            return tf.matmul(tf.nn.softmax(x @ tf.transpose(x, (0, 2, 1))), x)

    x = keras.Input((4, 6))
    with pytest.raises(UnsupportedModelError, match=r"runs (Stateful)?PartitionedCall, which"):
        reader(keras.Model(x, scored(Compiled()(x))))


def test_reading_attention_leaves_other_methods_as_they_were(reader):
    x = keras.Input((4, 6))
    model = keras.Model(x, scored(layers.MultiHeadAttention(2, 3)(x, x)))
    before = Saliency()(model, X).values
    reader(model)
    np.testing.assert_array_equal(Saliency()(model, X).values, before)
