"""LibraGrad, and LRP through attention and gates: by hand, in NumPy, and what is conserved."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfxai
from tests.contract.case import Case
from tfxai.errors import UnsupportedModelError
from tfxai.methods import LRP, GradientInput, LibraGrad
from tfxai.rules import Composite, Epsilon

CASES = (
    Case(
        method=LibraGrad,
        linear=lambda s: s.w * s.x,
        refuses={
            "probability": "a softmax that weighs nothing",
            "volumes with channels first": "compiled call",
        },
    ),
)
EXACTLY = {"dense": Epsilon(epsilon=0.0), "convolution": Epsilon(epsilon=0.0)}
HELD = LRP(rule=Composite(**EXACTLY))
TAYLOR = LRP(rule=Composite(**EXACTLY, softmax="taylor"))
X = np.random.default_rng(0).normal(size=(2, 5, 8))
EXACT = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


def dense(units, activation=None):
    return layers.Dense(units, activation, use_bias=False, dtype="float64")


def attention():
    return layers.MultiHeadAttention(2, 4, use_bias=False, dtype="float64")


def by_hand(x):
    """Attention of one head, written with operations."""
    q, k, v = (dense(8)(x) for _ in range(3))
    return ops.matmul(ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 8**0.5), v)


def softmax_by_hand(x):
    """The same with the softmax as a quotient."""
    q, k, v = (dense(8)(x) for _ in range(3))
    z = ops.exp(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 8**0.5)
    return ops.matmul(z / ops.sum(z, axis=-1, keepdims=True), v)


def on_a_plane(x):
    """Keras' attention over two axes, whose softmax is an exponential of a difference."""
    attend = layers.MultiHeadAttention(
        2, 4, use_bias=False, attention_axes=(1, 2), dtype="float64"
    )
    plane = ops.expand_dims(x, 2)
    return ops.squeeze(attend(plane, plane), 2)


def in_groups(x):
    return layers.GroupQueryAttention(4, 4, 2, use_bias=False, dtype="float64")(x, x)


NORMS = {
    "layer": lambda: layers.LayerNormalization(center=False, dtype="float64"),
    "rms": lambda: layers.RMSNormalization(dtype="float64"),
    "unit": lambda: layers.UnitNormalization(dtype="float64"),
    "none": lambda: lambda x: x,
}
ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu by tanh": lambda x: keras.activations.gelu(x, approximate=True),
    "silu": "silu",
    "hard silu": "hard_silu",
    "mish": "mish",
    "tanh": "tanh",
    "elu": "elu",
    "leaky": "leaky_relu",
    "clipped": "relu6",
}


def transformer(attend=None, activation="gelu", norm="layer", gate=None):
    """Two blocks without a bias anywhere: what the score is made of comes from x."""
    x = h = keras.Input((5, 8), dtype="float64")
    for _ in range(2):
        n = NORMS[norm]()(h)
        h = h + (attention()(n, n) if attend is None else attend(n))
        n = NORMS[norm]()(h)
        up = dense(16, activation)(n)
        up = up if gate is None else up * gate(dense(16)(n))
        h = h + dense(8)(up)
    return keras.Model(x, dense(3)(ops.mean(NORMS[norm]()(h), axis=1)))


def summed(a):
    return a.values.reshape(len(a.values), -1).sum(axis=1)


MODELS = {
    **{name: lambda a=a: transformer(activation=a) for name, a in ACTIVATIONS.items()},
    **{f"{norm} norm": lambda n=norm: transformer(norm=n) for norm in NORMS},
    "attention by hand": lambda: transformer(by_hand),
    "softmax by hand": lambda: transformer(softmax_by_hand),
    "grouped queries": lambda: transformer(in_groups),
    "swiglu": lambda: transformer(activation="silu", norm="rms", gate=lambda x: x),
    "gated by sigmoid": lambda: transformer(activation="tanh", gate=ops.sigmoid),
    "gated by hard sigmoid": lambda: transformer(activation="relu6", gate=ops.hard_sigmoid),
}


@pytest.mark.parametrize("method", [LibraGrad(), HELD], ids=["libra_grad", "lrp"])
@pytest.mark.parametrize("name", MODELS)
def test_the_score_is_handed_on_whole(method, name):
    model = MODELS[name]()
    a = method(model, X, target=1, score="output")
    np.testing.assert_allclose(summed(a), a.score, rtol=1e-6, atol=1e-9)
    if name not in ("none norm", "relu"):
        plain = summed(GradientInput()(model, X, target=1, score="output"))
        assert (np.abs(plain - a.score) > 0.01 * np.abs(a.score)).all()


def test_a_gelu_hands_on_its_gate_by_hand():
    x = keras.Input((3,), dtype="float64")
    model = keras.Model(x, keras.activations.gelu(x) @ np.array([[1.0], [2.0], [-1.0]]))
    given = np.array([[0.0, 1.5, -2.0]])
    gate = np.array([0.5 * (1 + math.erf(u / 2**0.5)) for u in given[0]])  # one half at 0
    found = LibraGrad()(model, given, target=0, score="output").values
    np.testing.assert_allclose(found[0], given[0] * gate * [1, 2, -1], rtol=1e-6)
    at_zero = model(np.array([[1e-9, 0.0, 0.0]])).numpy() / 1e-9
    np.testing.assert_allclose(at_zero, 0.5, atol=1e-6)


def test_a_gelu_at_zero_hands_on_a_half():
    x = keras.Input((2,), dtype="float64")
    model = keras.Model(x, 3 * keras.activations.gelu(ops.sum(x, axis=1, keepdims=True)))
    given = np.array([[2.0, -2.0], [0.0, 0.0]])
    for method in (LibraGrad(), HELD):
        found = method(model, given, target=0, score="output").values
        expected = [[3.0, -3.0], [0.0, 0.0]] if method == LibraGrad() else np.zeros((2, 2))
        np.testing.assert_allclose(found, expected, rtol=1e-6)  # LRP has 0 to hand back


def rotated(x):
    """Pairs of elements, turned by the position."""
    angles = np.arange(5)[:, None] * np.array([1.0, 0.5, 0.25, 0.1])
    first, second = x[..., :4], x[..., 4:]
    cos, sin = np.cos(angles), np.sin(angles)
    return ops.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def test_rotary_embeddings_are_linear():
    x = keras.Input((5, 8), dtype="float64")
    q, k, v = rotated(dense(8)(x)), rotated(dense(8)(x)), rotated(dense(8)(x))
    weights = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))))
    model = keras.Model(x, dense(3)(ops.mean(ops.matmul(weights, v), axis=1)))
    for method in (LibraGrad(), HELD):
        a = method(model, X, target=1, score="output")
        np.testing.assert_allclose(summed(a), a.score, rtol=1e-6, atol=1e-9)
    taylor = TAYLOR(model, X, target=1, score="output")
    assert np.isfinite(taylor.values).all()
    assert not np.allclose(taylor.values, a.values, rtol=1e-2)


def test_a_layer_normalisation_divides_by_a_constant():
    x = keras.Input((4,), dtype="float64")
    norm = layers.LayerNormalization(center=False, scale=False, epsilon=0.0, dtype="float64")
    weights = np.array([[1.0], [-2.0], [0.5], [3.0]])
    model = keras.Model(x, norm(x) @ weights)
    given = np.array([[1.0, 4.0, 2.0, -3.0]])
    expected = given * (weights[:, 0] - weights.mean()) / given.std()
    found = LibraGrad()(model, given, target=0, score="output").values
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_a_product_is_halved_and_a_quotient_goes_to_its_numerator():
    x = keras.Input((2,), dtype="float64")
    given = np.array([[3.0, 4.0]])
    product = keras.Model(x, x[:, :1] * x[:, 1:])
    quotient = keras.Model(x, x[:, :1] / x[:, 1:])
    for method in (LibraGrad(), TAYLOR):
        np.testing.assert_allclose(method(product, given, target=0).values, [[6, 6]], **EXACT)
        np.testing.assert_allclose(method(quotient, given, target=0).values, [[0.75, 0]], **EXACT)


def test_a_gate_has_nothing_and_what_it_gates_all():
    x = keras.Input((2,), dtype="float64")
    given = np.array([[3.0, 0.7]])
    gated = keras.Model(x, x[:, :1] * ops.sigmoid(x[:, 1:]))
    expected = [[3 / (1 + np.exp(-0.7)), 0.0]]
    for method in (LibraGrad(), TAYLOR):
        np.testing.assert_allclose(method(gated, given, target=0).values, expected, **EXACT)


class SlowAttention:
    """One head: scores z = x Wq Wk' x', weights s, and values, by the sums of the paper."""

    def __init__(self, rng):
        self.q, self.k, self.v = (rng.normal(size=(4, 4)) for _ in range(3))
        self.out = rng.normal(size=4)

    def model(self):
        x = keras.Input((3, 4), dtype="float64")
        weights = ops.softmax((x @ self.q) @ ops.transpose(x @ self.k, (0, 2, 1)))
        return keras.Model(x, ops.sum((weights @ (x @ self.v)) @ self.out[:, None], axis=1))

    def relevance(self, x, through_softmax):
        q, k, v = x @ self.q, x @ self.k, x @ self.v
        z = q @ k.T
        s = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        r = (s @ v) * self.out  # of the attention's output, by element
        pairs = s[:, :, None] * v[None] * self.out  # query, key, element: they add up to r
        r_v = pairs.sum(axis=0) / (2 if through_softmax else 1)
        found = self._back(x, self.v, v, r_v)
        if through_softmax:
            r_s = pairs.sum(axis=2) / 2
            r_z = z * (r_s - s * r_s.sum(axis=1, keepdims=True))
            share = q[:, None] * k[None] * (r_z / z)[:, :, None]
            found = found + self._back(x, self.q, q, share.sum(axis=1) / 2)
            found = found + self._back(x, self.k, k, share.sum(axis=0) / 2)
        assert r.shape == (3, 4)
        return found

    def _back(self, x, w, y, r):
        return x * ((r / y) @ w.T)


@pytest.mark.parametrize("held", [False, True])
def test_relevance_through_an_attention_by_the_sums_of_the_paper(held):
    rng = np.random.default_rng(3)
    slow = SlowAttention(rng)
    x = rng.normal(size=(1, 3, 4))
    found = (HELD if held else TAYLOR)(slow.model(), x, target=0, score="output")
    expected = slow.relevance(x[0], through_softmax=not held)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-8, atol=1e-10)
    if held:
        libra = LibraGrad()(slow.model(), x, target=0, score="output").values[0]
        np.testing.assert_allclose(libra, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("method", [LibraGrad(), HELD], ids=["libra_grad", "lrp"])
def test_squeeze_and_excitation(method):
    x = keras.Input((6, 6, 3), dtype="float64")
    h = layers.Conv2D(8, 3, use_bias=False, activation="silu", dtype="float64")(x)
    gate = dense(8, "sigmoid")(dense(2, "relu")(layers.GlobalAveragePooling2D(dtype="float64")(h)))
    h = layers.Multiply(dtype="float64")([h, layers.Reshape((1, 1, 8), dtype="float64")(gate)])
    model = keras.Model(x, dense(2)(layers.GlobalAveragePooling2D(dtype="float64")(h)))
    a = method(model, np.random.default_rng(1).normal(size=(2, 6, 6, 3)), target=1)
    np.testing.assert_allclose(summed(a), a.score, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("make", ["MobileNetV3Small", "EfficientNetV2B0"])
def test_networks_with_gates_are_explained(make):
    build = getattr(keras.applications, make)
    model = build(weights=None, input_shape=(32, 32, 3), classes=4, include_preprocessing=False)
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    for method in (LibraGrad(), HELD):
        a = method(model, x, target=1)
        assert np.isfinite(a.values).all()
        # biases of new networks are zero
        np.testing.assert_allclose(summed(a), a.score, rtol=1e-2, atol=1e-6)


def test_a_softmax_by_hand_has_no_first_order():
    with pytest.raises(UnsupportedModelError, match="a softmax that is written by hand"):
        TAYLOR(transformer(softmax_by_hand), X, target=1, score="output")


@pytest.mark.parametrize(
    "method", [LibraGrad(), HELD, TAYLOR], ids=["libra_grad", "lrp", "attn_lrp"]
)
def test_attention_over_two_axes_is_refused(method):
    with pytest.raises(UnsupportedModelError, match="operation StopGradient"):
        method(transformer(on_a_plane), X, target=1, score="output")


@pytest.mark.slow
def test_a_backbone_of_kerashub():
    hub = pytest.importorskip("keras_hub")
    backbone = hub.models.LlamaBackbone(
        vocabulary_size=20, num_layers=2, num_query_heads=4, num_key_value_heads=2, hidden_dim=8,
        intermediate_dim=16, dtype="float32",
    )  # fmt: skip
    ids = {"token_ids": np.array([[3, 7, 1, 12]]), "padding_mask": np.ones((1, 4), "int32")}
    pooled = layers.Dense(2, use_bias=False)(ops.mean(backbone.output, axis=1))
    model = keras.Model(backbone.input, pooled)
    for method in (LibraGrad(), HELD):  # no bias and no position embedding
        a = method(model, ids, target=1, at="token_embedding")
        np.testing.assert_allclose(summed(a), a.score, rtol=1e-3, atol=1e-6)


def test_a_softmax_that_weighs_nothing_is_refused():
    x = keras.Input((3,))
    model = keras.Model(x, layers.Dense(2)(ops.softmax(x)))
    with pytest.raises(UnsupportedModelError, match="a softmax that weighs nothing"):
        LibraGrad()(model, np.ones((1, 3), "float32"))
    model = keras.Model(x, layers.Dense(2)(ops.log(x)))
    with pytest.raises(UnsupportedModelError, match=r"operation Log .* endless at zero"):
        LibraGrad()(model, np.ones((1, 3), "float32"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_sentences_of_a_real_model(test_data):
    from tests.text.readers import minilm

    card = tfxai.Card(name="sst2", classes=("negative", "positive"))
    subject = tfxai.Subject(minilm(test_data), card)
    texts = ["a fine film", "a dull and endless mess of a film, and far too loud"]
    for method in (LibraGrad(), LRP(), LRP(rule="attn_lrp")):
        both = method(subject, texts, target="positive")
        assert np.isfinite(both.values).all()
        alone = method(subject, texts[:1], target="positive")
        length = alone.values.shape[1]
        # padding changes nothing
        np.testing.assert_allclose(
            both.values[0, :length], alone.values[0], atol=1e-4 * np.abs(alone.values).max()
        )
        assert len(both.words()) == 2
