"""Rollouts: closed forms of uniform attention, and two layers of two heads in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests.text.readers import bert, looked_up
from tfxai import AttentionRollout, GradientRollout, Subject
from tfxai.errors import InvalidInputError, UnsupportedModelError


def uniform(depth, tokens=4, width=3, pooled=False):
    """Layers of attention that looks at all tokens alike."""
    x = keras.Input((tokens, width), dtype="float64")
    h = x
    for _ in range(depth):
        attention = layers.MultiHeadAttention(1, width, use_bias=False, dtype="float64")
        h = attention(h, h)
        nothing, eye = np.zeros((width, 1, width)), np.eye(width)
        attention.set_weights([nothing, nothing, eye[:, None], eye[None]])
    read = keras.ops.mean(h, axis=1) if pooled else h[:, 0]
    return keras.Model(x, layers.Dense(1, dtype="float64")(read))


X = np.random.default_rng(0).normal(size=(2, 4, 3))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_uniform_attention_of_any_depth(depth):
    matrix = 0.5**depth * np.eye(4) + (1 - 0.5**depth) / 4
    a = AttentionRollout()(uniform(depth), X)
    np.testing.assert_allclose(a.values, [matrix[0]] * 2, atol=1e-12)
    b = AttentionRollout(row=2)(uniform(depth), X)
    np.testing.assert_allclose(b.values, [matrix[2]] * 2, atol=1e-12)
    pooled = AttentionRollout()(uniform(depth, pooled=True), X)
    np.testing.assert_allclose(pooled.values, np.full((2, 4), 0.25), atol=1e-12)


def test_gradients_of_one_uniform_layer_by_hand():
    model = uniform(1)
    w = model.layers[-1].kernel.numpy()[:, 0]
    a = GradientRollout()(model, X)
    expected = np.maximum(X @ w / 4, 0)
    expected[:, 0] += 1
    np.testing.assert_allclose(a.values, expected, atol=1e-12)


def two_layers():
    """Two layers of two heads with residuals; the first token is read."""
    x = keras.Input((3, 4), dtype="float64")
    first = layers.MultiHeadAttention(2, 2, dtype="float64", name="first")
    second = layers.MultiHeadAttention(2, 2, dtype="float64", name="second")
    h = x + first(x, x)
    h = h + second(h, h)
    return keras.Model(x, layers.Dense(2, dtype="float64")(h[:, 0]))


def slowly(model, x, target):
    """Weights of both layers, and the score's gradient by them by differences, of one example."""
    first, second, dense = (model.get_layer(n) for n in ("first", "second", model.layers[-1].name))

    def parts(layer, h):
        wq, bq, wk, bk, wv, bv, wo, bo = layer.get_weights()
        q, k, v = (np.einsum("td,dhe->hte", h, w) + b[:, None] for w, b in
                   ((wq, bq), (wk, bk), (wv, bv)))  # fmt: skip
        scores = np.einsum("hte,hse->hts", q, k) / np.sqrt(q.shape[-1])
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True), v, wo, bo

    def mixed(weights, v, wo, bo):
        return np.einsum("hts,hse,hed->td", weights, v, wo) + bo

    def score(a=None, b=None):
        own, *rest = parts(first, x)
        h = x + mixed(own if a is None else a, *rest)
        other, *rest = parts(second, h)
        h = h + mixed(other if b is None else b, *rest)
        kernel, bias = dense.get_weights()
        return (h[0] @ kernel + bias)[target], own, other

    _, own, other = score()
    gradients = []
    for weights, name in ((own, "a"), (other, "b")):
        found = np.zeros_like(weights)
        for i in np.ndindex(weights.shape):
            step = np.zeros_like(weights)
            step[i] = 1e-6
            high, low = score(**{name: weights + step})[0], score(**{name: weights - step})[0]
            found[i] = (high - low) / 2e-6
        gradients.append(found)
    return (own, other), gradients


@pytest.mark.parametrize("target", [0, 1])
def test_two_layers_of_two_heads_in_numpy(target):
    model, x = two_layers(), np.random.default_rng(3).normal(size=(2, 3, 4))
    rollout, graded = AttentionRollout()(model, x, target), GradientRollout()(model, x, target)
    for i in range(2):
        weights, gradients = slowly(model, x[i], target)
        a, r = np.eye(3), np.eye(3)
        for weight, gradient in zip(weights, gradients, strict=True):
            a = (0.5 * weight.mean(0) + 0.5 * np.eye(3)) @ a
            r = r + np.maximum(gradient * weight, 0).mean(0) @ r
        np.testing.assert_allclose(rollout.values[i], a[0], atol=1e-9)
        np.testing.assert_allclose(graded.values[i], r[0], atol=1e-6)


def test_texts_are_told_by_token():
    a = GradientRollout()(Subject(bert()), ["a fine film", "bad film"], 1)
    assert [word for word, _ in a.words()[0]] == ["a", "fine", "film"]
    assert a.token_values.shape == (2, 12)
    assert not a.token_values[0, 5:].any()  # nobody looks at padding
    assert (a.token_values >= 0).all()
    shares = AttentionRollout()(Subject(bert()), ["a fine film"]).token_values
    np.testing.assert_allclose(shares.sum(), 1, atol=1e-6)
    alone = GradientRollout()(Subject(bert()), ["bad film"], 1)
    np.testing.assert_allclose(alone.token_values[0], a.token_values[1], atol=1e-6)


def test_patches_of_an_image_lie_on_their_grid():
    image = keras.Input((4, 6, 1))
    patches = layers.Conv2D(3, 2, strides=2, name="patches")(image)
    tokens = layers.Reshape((6, 3))(patches)
    tokens = layers.ZeroPadding1D((1, 0))(tokens)  # a class token
    h = layers.MultiHeadAttention(1, 3)(tokens, tokens)
    model = keras.Model(image, layers.Dense(2)(h[:, 0]))
    x = np.random.default_rng(0).random((2, 4, 6, 1)).astype(np.float32)
    a = AttentionRollout()(model, x, 0)
    weights = tfxai.attention(model, x)[0][:, 0, 0]
    np.testing.assert_allclose(a.values, 0.5 * weights[:, 1:].reshape(2, 2, 3), atol=1e-6)
    assert a.is_map
    assert a.heatmap(size=(4, 6)).shape == (2, 4, 6)
    with pytest.raises(InvalidInputError, match="model's patches are 2 rows of 3"):
        AttentionRollout(reshape=(5, 5))(model, x, 0)


def test_what_has_no_attention_of_the_same_tokens_is_refused():
    with pytest.raises(UnsupportedModelError, match="no attention that can be seen"):
        AttentionRollout()(looked_up(), ["good film"])
    with pytest.raises(InvalidInputError, match="row=4 is outside the 4 tokens"):
        AttentionRollout(row=4)(uniform(1), X)
    x, other = keras.Input((4, 3)), keras.Input((5, 3))
    crossed = layers.MultiHeadAttention(1, 3)(x, other)
    model = keras.Model([x, other], layers.Dense(1)(crossed[:, 0]))
    with pytest.raises(UnsupportedModelError, match="the same tokens through all layers"):
        GradientRollout()(model, [X, np.zeros((2, 5, 3))])


def test_a_wide_image_behind_a_stem_of_convolutions_keeps_its_grid():
    model = tfxai.models.vision_transformer((16, 64, 3), classes=2, blocks=1, dim=4, heads=1)
    x = np.random.default_rng(1).random((1, 16, 64, 3)).astype(np.float32)
    weights = tfxai.attention(model, x)[0][:, 0]
    expected = 0.5 * weights.mean(axis=1) + 0.5 / 64
    a = AttentionRollout()(model, x, 0)
    np.testing.assert_allclose(a.values, expected.reshape(1, 4, 16), atol=1e-6)


def test_patches_whose_places_are_unknown_have_no_map():
    image = keras.Input((4, 6, 1))
    tokens = layers.Reshape((6, 4))(image)  # pieces of rows
    h = layers.MultiHeadAttention(1, 3)(tokens, tokens)
    model = keras.Model(image, layers.Dense(2)(h[:, 0]))
    with pytest.raises(InvalidInputError, match=r"6 tokens, and which patch.*Pass reshape"):
        AttentionRollout()(model, np.ones((1, 4, 6, 1)), 0)
