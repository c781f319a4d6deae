"""LRP: by hand, the papers' sums in NumPy, conservation, and rules as records."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_rules import SHAPE, SlowResidual
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from tfxai.methods import LRP, AttributionMethod, DeepLIFT, Saliency
from tfxai.methods.propagation.composites import PRESETS
from tfxai.rules import AlphaBeta, Composite, Epsilon, Flat, Gamma, ZBox, ZPlus

CASES = (
    Case(
        method=LRP,
        linear=lambda s: s.w * s.x,
        others={"rule": "z_plus"},
        refuses={
            "probability": "a softmax that weighs nothing",
            "volumes with channels first": "compiled call",
        },
    ),
)


EXACT = {"rtol": 1e-12, "atol": 1e-13}
X = np.random.default_rng(0).normal(size=(3, *SHAPE))


# The rules of one layer with contributions z_jk = a_j w_jk, as the papers write them.
def ratio(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def epsilon(size):
    def rule(a, w, b, r):
        z = a[:, None] * w
        total = z.sum(axis=0) + b
        return (z * ratio(r, total + size * np.where(total >= 0, 1, -1))).sum(axis=1)

    return rule


def gamma(size):
    def rule(a, w, b, r):
        z, out = a[:, None] * w, np.zeros_like(a)
        for k in range(len(r)):
            total = z[:, k].sum() + b[k]
            sign = np.sign(total)
            favoured = z[:, k] + size * np.where(sign * z[:, k] > 0, z[:, k], 0)
            bias = b[k] + size * (b[k] if sign * b[k] > 0 else 0)
            if total:
                out += favoured / (favoured.sum() + bias) * r[k]
        return out

    return rule


def alpha_beta(alpha, beta):
    def rule(a, w, b, r):
        z, out = a[:, None] * w, np.zeros_like(a)
        for k in range(len(r)):
            up, down = np.maximum(z[:, k], 0), np.minimum(z[:, k], 0)
            all_up, all_down = up.sum() + max(b[k], 0), down.sum() + min(b[k], 0)
            of_up = alpha if all_down < 0 or not beta else 1
            of_down = -beta if all_up > 0 or not beta else 1
            out += r[k] * (of_up * up / all_up if all_up > 0 else 0)
            out += r[k] * (of_down * down / all_down if all_down < 0 else 0)
        return out

    return rule


def flat(a, w, b, r):
    connected = (w != 0).astype(float)
    return (connected * ratio(r, connected.sum(axis=0))).sum(axis=1)


def z_box(low, high):
    def rule(a, w, b, r):
        lowest, highest = (a.min() if low is None else low), (a.max() if high is None else high)
        z = a[:, None] * w - lowest * np.maximum(w, 0) - highest * np.minimum(w, 0)
        return (z * ratio(r, z.sum(axis=0))).sum(axis=1)

    return rule


def in_proportion(size):
    def share(a, b, r):
        s = ratio(r, a + b + size * np.where(a + b >= 0, 1, -1))
        return a * s, b * s

    return share


TINY, LEFT = epsilon(1e-6), in_proportion(1e-6)
SLOW = {
    "epsilon": ([TINY] * 4, LEFT),
    "attn_lrp": ([TINY] * 4, LEFT),
    "gamma": ([gamma(0.25)] * 4, in_proportion(0)),
    "alpha_beta": ([alpha_beta(2, 1)] * 4, in_proportion(0)),
    "z_plus": ([alpha_beta(1, 0)] * 4, in_proportion(0)),
    "flat": ([flat] * 4, in_proportion(0)),
    "epsilon_plus": ([alpha_beta(1, 0)] * 3 + [TINY], LEFT),
    "epsilon_gamma_box": ([z_box(None, None), gamma(0.25), gamma(0.25), TINY], LEFT),
    Epsilon(epsilon=0.3): ([epsilon(0.3)] * 4, in_proportion(0.3)),
    Gamma(gamma=2.0): ([gamma(2.0)] * 4, in_proportion(0)),
    AlphaBeta(alpha=3, beta=2): ([alpha_beta(3, 2)] * 4, in_proportion(0)),
    Composite(dense=Flat(), convolution=ZPlus(), first=ZBox(low=-4.0, high=5.0)): (
        [z_box(-4, 5), alpha_beta(1, 0), alpha_beta(1, 0), flat],
        in_proportion(0),
    ),
}


@pytest.mark.parametrize("rule", SLOW, ids=str)
def test_equals_the_papers_sums_in_numpy(rule):
    network = SlowResidual(2)
    model = network.keras_model("softmax")
    rules, share = SLOW[rule]
    for target in range(3):
        values = LRP(rule=rule)(model, X, target=target).values
        expected = [network.lrp(one, target, rules, share) for one in X]
        np.testing.assert_allclose(values, expected, rtol=1e-7, atol=1e-9)
        assert np.abs(expected).max() > 1e-3


def test_every_preset_is_compared():
    assert set(PRESETS) <= set(SLOW)


def test_one_layer_by_hand():
    # contributions 6, -2, 0; z = 4 + bias 1
    model = builders.linear([[3.0], [-1.0], [5.0]], bias=[1.0])
    x = [[2.0, 2.0, 0.0]]
    by_rule = {
        Epsilon(epsilon=0.0): [6, -2, 0],
        Epsilon(epsilon=1.0): [5, -10 / 6, 0],
        Gamma(gamma=1.0): [12 / 12 * 5, -2 / 12 * 5, 0],  # (5 + 7) with the bias favoured too
        AlphaBeta(alpha=2, beta=1): [2 * 6 / 7 * 5, -5, 0],
        ZPlus(): [6 / 7 * 5, 0, 0],
        Flat(): [5 / 3] * 3,
        # z_j - l w+ - h w- with l = 0, h = 3: 6, 1, 0
        Composite(first=ZBox(low=0, high=3)): [6 / 7 * 5, 1 / 7 * 5, 0],
    }
    for rule, expected in by_rule.items():
        values = LRP(rule=rule)(model, x).values
        np.testing.assert_allclose(values, [expected], rtol=1e-12, err_msg=str(rule))


def test_sum_is_split_in_proportion_and_conserved():
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1]) + keras.ops.relu(3.0 * x[:, 1:]))
    a = LRP(rule="z_plus")(model, [[1.0, 3.0]])
    np.testing.assert_allclose(a.values, [[1.0, 9.0]], **EXACT)


@pytest.mark.parametrize("rule", ["gamma", "alpha_beta", "z_plus", "flat", Epsilon(epsilon=0.0)])
def test_relevance_is_conserved_without_biases(rule):
    model = SlowResidual(5, has_bias=False).keras_model()
    for target in range(3):
        a = LRP(rule=rule)(model, X, target=target)
        positive = a.score > 0  # z_plus has nobody to give a negative output to
        np.testing.assert_allclose(
            a.values.sum(axis=(1, 2, 3))[positive], a.score[positive], rtol=1e-9
        )


def test_what_epsilon_absorbs_vanishes_with_epsilon():
    model = SlowResidual(5, has_bias=False).keras_model()
    lost = []
    for size in (1e-2, 1e-5, 1e-8):
        a = LRP(rule=Epsilon(epsilon=size))(model, X, target=0)
        lost.append(np.abs(a.values.sum(axis=(1, 2, 3)) - a.score).max())
    assert lost[0] > 100 * lost[1] > 10000 * lost[2] > 0


def test_epsilon_0_is_gradient_times_input_and_deep_lift_without_biases():
    model = SlowResidual(7, has_bias=False).keras_model()
    values = LRP(rule=Epsilon(epsilon=0.0))(model, X, target=2).values
    gradient = Saliency(absolute=False)(model, X, target=2).values
    np.testing.assert_allclose(values, X * gradient, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        values, DeepLIFT()(model, X, target=2).values, rtol=1e-8, atol=1e-10
    )


def test_epsilon_0_is_gradient_times_input_with_biases_too():
    # biases absorb their share: the rest is as it was
    network = SlowResidual(8)
    model = network.keras_model()
    values = LRP(rule=Epsilon(epsilon=0.0))(model, X, target=2).values
    gradient = Saliency(absolute=False)(model, X, target=2).values
    np.testing.assert_allclose(values, X * gradient, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rule", ["gamma", "alpha_beta", "z_plus", "epsilon_gamma_box"])
def test_normalisation_is_the_same_in_the_weights(rule):
    def network(merged):
        x = keras.Input((3,), dtype="float64")
        dense = layers.Dense(4, name="dense", dtype="float64")
        last = layers.Dense(2, name="last", dtype="float64")
        norms = [layers.BatchNormalization(epsilon=0.0, dtype="float64") for _ in range(2)]
        h = dense(x) if merged else norms[1](dense(norms[0](x)))
        return keras.Model(x, last(keras.ops.relu(h))), norms

    rng = np.random.default_rng(1)
    model, norms = network(merged=False)
    for norm in norms:
        size = norm.gamma.shape[0]
        norm.set_weights([*rng.normal(size=(3, size)), rng.uniform(0.5, 2, size)])
    plain, _ = network(merged=True)
    (s0, t0), (s1, t1) = (
        (g / np.sqrt(v), b - m * g / np.sqrt(v))
        for g, b, m, v in (norm.get_weights() for norm in norms)
    )
    w, b = model.get_layer("dense").get_weights()
    plain.get_layer("dense").set_weights([s0[:, None] * w * s1, (t0 @ w + b) * s1 + t1])
    plain.get_layer("last").set_weights(model.get_layer("last").get_weights())
    x = rng.normal(size=(4, 3))
    a, expected = (LRP(rule=rule)(one, x, target=1) for one in (model, plain))
    np.testing.assert_allclose(a.score, expected.score, rtol=1e-12)
    np.testing.assert_allclose(a.values, expected.values, rtol=1e-9, atol=1e-12)


LAYERS = {
    "depthwise": lambda: layers.DepthwiseConv2D(2, depth_multiplier=2),
    "separable": lambda: layers.SeparableConv2D(3, 2),
    "transposed": lambda: layers.Conv2DTranspose(3, 2, strides=2),
    "strided and padded": lambda: layers.Conv2D(3, 3, strides=2, padding="same"),
    "zero padding": lambda: layers.ZeroPadding2D(2),
    "nearest": lambda: layers.UpSampling2D(2),
    "max pool": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
    "average pool": lambda: layers.AveragePooling2D(2, padding="same"),
    "global average": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "dense on maps": lambda: layers.Dense(3),
    "einsum": lambda: layers.EinsumDense("abcd,de->abce", output_shape=(6, 5, 3)),
    "permute": lambda: layers.Permute((2, 1, 3)),
    "prelu": lambda: layers.PReLU(alpha_initializer="random_normal"),
    "leaky": lambda: layers.LeakyReLU(),
    "gelu": lambda: layers.Activation("gelu"),
    "silu": lambda: layers.Activation("silu"),
    "series": lambda: keras.Sequential([layers.Reshape((30, 2)), layers.Conv1D(3, 3)]),
    "time distributed": lambda: layers.TimeDistributed(layers.Dense(2)),
}


CONSERVING = [
    (kind, rule)
    for kind in LAYERS
    for rule in ("gamma", "flat", Epsilon(epsilon=0.0))
    # the flat rule of the layer above gives a share to the padding
    if (kind, rule) != ("zero padding", "flat")
]


@pytest.mark.parametrize(("kind", "rule"), CONSERVING, ids=str)
def test_every_layer_conserves_relevance(kind, rule):
    dense = layers.Dense(3)  # biases begin as zeros
    model = keras.Sequential(
        [keras.Input(builders.IMAGE), layers.Conv2D(2, 2, padding="same"), LAYERS[kind](),
         layers.ReLU(), layers.Flatten(), dense]
    )  # fmt: skip
    x = builders.images(3)
    a = LRP(rule=rule)(model, x, target=np.argmax(model(x), axis=1))
    size = np.abs(a.values).reshape(3, -1).sum(axis=1)
    assert (np.abs(a.values.reshape(3, -1).sum(axis=1) - a.score) <= 1e-4 * size).all()
    assert size.min() > 0


@pytest.mark.parametrize("rule", ["epsilon", "epsilon_gamma_box"])
@pytest.mark.parametrize("kind", builders.KINDS)
def test_kind_of_model_changes_nothing(kind, rule):
    like, x = builders.functional(), builders.images()
    expected = LRP(rule=rule)(like, x, target=1).values
    model = builders.same_weights(builders.KINDS[kind], like)
    values = LRP(rule=rule)(model, x, target=1).values
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-5)


def test_each_call_of_a_shared_layer_has_its_rule():
    dense = layers.Dense(3, "relu", dtype="float64", kernel_initializer="random_normal")
    x = keras.Input((3,), dtype="float64")
    model = keras.Model(x, dense(dense(x)))
    w, given = dense.kernel.numpy(), np.array([1.0, -2.0, 0.5])
    h = np.maximum(given @ w, 0)
    out = np.maximum(h @ w, 0)
    for target in range(3):
        r = gamma(0.25)(h, w, np.zeros(3), np.eye(3)[target] * out)
        values = LRP(rule="gamma")(model, given[None], target=target).values[0]
        expected = gamma(0.25)(given, w, np.zeros(3), r)
        np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("rule", ["epsilon", "z_plus", "epsilon_gamma_box"])
def test_mixed_precision_is_close(rule):
    like, x = builders.functional(), keras.Input(builders.IMAGE)
    h = builders.chain(x, builders.conv_parts("mixed_float16"))
    model = keras.Model(x, layers.Dense(3, activation="softmax", dtype="float32")(h))
    model.set_weights(like.get_weights())
    expected = LRP(rule=rule)(like, builders.images(), target=1).values
    a = LRP(rule=rule)(model, builders.images(), target=1)
    assert a.values.dtype == np.float32
    np.testing.assert_allclose(a.values, expected, atol=0.05 * np.abs(expected).max())


def test_a_comparison_is_refused_by_name():
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.sum(keras.ops.where(x > keras.ops.mean(x), x, -x), 1))
    with pytest.raises(UnsupportedModelError, match=r"operation (SelectV2|Greater) "):
        LRP()(model, np.ones((1, 3), "float32"), target=0)


RECORDS = [
    Epsilon(epsilon=0.5),
    AlphaBeta(alpha=1.5, beta=0.5),
    Composite(dense=Epsilon(), convolution=Gamma(gamma=1.0), first=ZBox(low=0.0)),
    Composite(softmax="taylor"),
]


@pytest.mark.parametrize("rule", RECORDS, ids=str)
def test_rule_goes_through_json(rule):
    method = LRP(rule=rule)
    stored = json.loads(json.dumps(method.to_config()))
    assert stored["options"]["rule"]["name"] == rule.name
    back = AttributionMethod.from_config(stored)
    assert back == method
    assert back.rule == rule
    assert hash(back) == hash(method)


WRONG = [
    (lambda: LRP(rule="epsilom"), r"There is no rule 'epsilom'. Did you mean 'epsilon'"),
    (lambda: LRP(rule=3), r"rule=3 was expected to be 'epsilon'"),
    (lambda: LRP(rule={"name": "zplus"}), r"no rule 'zplus'. Did you mean 'z_plus'"),
    (lambda: LRP(rule={"name": "gamma", "options": {"gama": 1}}), r"no option 'gama' of gamma"),
    (lambda: LRP(rule=ZBox()), r"is a rule for inputs of a known range"),
    (lambda: Composite(dense="gamma"), r"rule='gamma' was expected to be"),
    (lambda: Composite(convolution=ZBox()), r"the rule of the first layer"),
    (lambda: Composite(softmax="hold"), r"no rule of a softmax 'hold'. Did you mean 'held'"),
    (lambda: AlphaBeta(alpha=2, beta=2), r"alpha - beta = 1 was expected"),
    (lambda: AlphaBeta(alpha=0.5, beta=-0.5), r"alpha=0.5 does not fit AlphaBeta"),
    (lambda: Epsilon(epsilon=-1), r"epsilon=-1 does not fit Epsilon"),
    (lambda: Gamma(gamma=float("nan")), r"gamma=nan does not fit Gamma"),
    (lambda: ZBox(low="a"), r"low='a' does not fit ZBox"),
    (lambda: ZBox(low=1.0, high=0.0), r"low=1.0 was expected to lie below high=0.0"),
]


@pytest.mark.parametrize(("make", "sentence"), WRONG)
def test_what_is_no_rule_is_refused(make, sentence):
    with pytest.raises((InvalidInputError, UnknownNameError), match=sentence):
        make()


@pytest.mark.slow
@pytest.mark.parametrize("rule", PRESETS)
def test_relevance_of_the_cifar10_network_is_finite(rule):
    import tfxai

    model = tfxai.load("cifar10_cnn").model
    x = builders.images(2, model.input_shape[1:])
    a = LRP(rule=rule)(model, x)
    assert np.isfinite(a.values).all()
    assert np.abs(a.values).max() > 0
