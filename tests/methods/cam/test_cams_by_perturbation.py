"""Score-CAM, Ablation-CAM and Guided Grad-CAM: by hand, in NumPy, and on cut models."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork, convolve
from tfxai.errors import InvalidInputError
from tfxai.methods import AblationCAM, GradCAM, GuidedBackprop, GuidedGradCAM, HiResCAM, ScoreCAM

X = np.random.default_rng(12).normal(size=(4, 5, 6, 2))


def relu(z):
    return np.maximum(z, 0)


def ablation_cam(s):
    """The drop of the score without a map is the sum of that map's part of it."""
    drops = (s.w * s.x).reshape(len(s.x), -1, s.w.shape[-1]).sum(axis=1)
    return relu(np.einsum("bk,b...k->b...", drops, s.x))


def score_cam(s):
    """Maps as masks from 0 to 1, weighed by the softmax of the scores of what they let through."""
    found = []
    for x in s.x:
        spatial = tuple(range(x.ndim - 1))
        low, high = x.min(axis=spatial), x.max(axis=spatial)
        masks = (x - low) / (high - low)
        masks = masks if s.blends else masks >= 0.5
        scores = np.array(
            [(s.w * x * mask[..., None]).sum() for mask in np.moveaxis(masks, -1, 0)]
        )
        weights = np.exp(scores - scores.max())
        found.append(relu(x @ (weights / weights.sum())))
    return np.stack(found)


def guided_grad_cam(s):
    maps = relu(s.x @ s.w.reshape(-1, s.w.shape[-1]).mean(axis=0))
    return relu(s.w) * maps[..., None]


OPTIONS = {"layer": "conv1", "reshape": (10, 2)}
RESHAPE = {"reshape": {"layer": "conv2"}}
TABLES = {"tables": "no layer with feature maps"}
CASES = (
    Case(method=AblationCAM, linear=ablation_cam, others=OPTIONS, beside=RESHAPE, refuses=TABLES),
    Case(
        method=GuidedGradCAM,
        linear=guided_grad_cam,
        others=OPTIONS,
        beside=RESHAPE,
        refuses={
            **TABLES,
            "tokens": "by the inputs",
            "volumes with channels first": "compiled call",
        },
    ),
    Case(
        method=ScoreCAM,
        linear=score_cam,
        others={**OPTIONS, "channels": 1},
        beside=RESHAPE,
        refuses=TABLES,
        blends=True,
    ),
)


def behind(network, layer, a):
    """The outputs from a layer's activations on."""
    if layer == "first":
        a = relu(convolve(a, network.kernels[1], network.biases[1]))
    return a.reshape(-1) @ network.weights + network.offsets


@pytest.mark.parametrize("layer", ["first", "second"])
def test_ablation_cam_equals_its_definition(layer):
    network = SlowNetwork(11)
    values = AblationCAM(layer=layer)(network.keras_model("softmax"), X, target=2).values
    for x, found in zip(X, values, strict=True):
        a = relu(network.forward(x)[0 if layer == "first" else 1])
        total = np.zeros(a.shape[:2])
        for k in range(a.shape[2]):
            without = a.copy()
            without[..., k] = 0
            drop = behind(network, layer, a)[2] - behind(network, layer, without)[2]
            total += drop * a[..., k]
        np.testing.assert_allclose(found, relu(total), rtol=1e-10, atol=1e-11)


def bilinear(mask, shape):
    """`mask` at another resolution, pixel by pixel, half-pixel centres."""
    out = np.zeros(shape)
    for i, j in np.ndindex(shape):
        u = np.clip((i + 0.5) * mask.shape[0] / shape[0] - 0.5, 0, mask.shape[0] - 1)
        v = np.clip((j + 0.5) * mask.shape[1] / shape[1] - 0.5, 0, mask.shape[1] - 1)
        p, q = int(u), int(v)
        p1, q1 = min(p + 1, mask.shape[0] - 1), min(q + 1, mask.shape[1] - 1)
        upper = (1 - v + q) * mask[p, q] + (v - q) * mask[p, q1]
        lower = (1 - v + q) * mask[p1, q] + (v - q) * mask[p1, q1]
        out[i, j] = (1 - u + p) * upper + (u - p) * lower
    return out


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("layer", ["first", "second"])
@pytest.mark.parametrize("channels", [None, 2, 99])
def test_score_cam_equals_its_definition(layer, channels, score):
    network = SlowNetwork(11)
    method = ScoreCAM(layer=layer, channels=channels)
    values = method(network.keras_model("softmax"), X, target=2, score=score).values
    for x, found in zip(X, values, strict=True):
        a = relu(network.forward(x)[0 if layer == "first" else 1])
        used = np.argsort(-a.var(axis=(0, 1)))[:channels]
        scores = []
        for k in used:
            one = a[..., k]
            spread = one.max() - one.min()
            mask = (one - one.min()) / spread if spread else 0 * one
            logits = network.forward(x * bilinear(mask, (5, 6))[..., None])[2]
            chances = np.exp(logits) / np.exp(logits).sum()
            scores.append((logits if score == "logit" else chances)[2])
        weights = np.exp(scores) / np.exp(scores).sum()
        expected = relu(sum(w * a[..., k] for w, k in zip(weights, used, strict=True)))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_guided_grad_cam_is_the_product():
    network = SlowNetwork(11)
    model = network.keras_model("softmax")
    values = GuidedGradCAM(layer="second")(model, X, target=2).values
    maps = GradCAM(layer="second")(model, X, target=2).values
    guided = GuidedBackprop()(model, X, target=2).values
    expected = guided * np.stack([bilinear(one, (5, 6)) for one in maps])[..., None]
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-13)


def test_drops_behind_a_linear_layer_are_shares_of_the_score():
    network = SlowNetwork(3)
    model = network.keras_model()
    shares = HiResCAM(layer="second")(model, X, target=1)
    for x, found in zip(X, AblationCAM(layer="second")(model, X, target=1).values, strict=True):
        a = relu(network.forward(x)[1])
        drops = (a * network.weights[:, 1].reshape(a.shape)).sum(axis=(0, 1))
        np.testing.assert_allclose(found, relu(a @ drops), rtol=1e-10, atol=1e-12)
    assert shares.values.shape == (4, 2, 3)


def residual(nested):
    """A connection runs around the layer, so that what is behind it needs more than its output."""
    x = keras.Input((4, 6, 2), dtype="float64")
    stem = layers.Conv2D(3, 1, activation=keras.ops.cos, name="stem", dtype="float64")(x)
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv", dtype="float64")
    h = layers.Add(dtype="float64")([stem, conv(stem)])
    h = layers.Conv2D(2, 3, activation="tanh", name="late", dtype="float64")(h)
    body = keras.Model(x, layers.Flatten(dtype="float64")(h), name="body")
    dense = layers.Dense(3, dtype="float64", name="head")
    if not nested:
        return keras.Model(x, dense(body.output))
    y = keras.Input((4, 6, 2), dtype="float64")
    return keras.Model(y, dense(body(y)))


def test_model_that_can_be_cut_and_one_that_cannot_give_the_same():
    whole, cut = residual(nested=True), residual(nested=False)
    cut.set_weights(whole.get_weights())
    images = builders.images(3, (4, 6, 2)).astype(np.float64)
    for name in ("conv", "late"):
        a = AblationCAM(layer=f"body/{name}")(whole, images, target=0)
        b = AblationCAM(layer=name)(cut, images, target=0)
        assert a.values.max() > 0
        np.testing.assert_allclose(a.values, b.values, rtol=1e-10, atol=1e-13)


def test_what_comes_before_the_layer_is_not_in_the_loop(monkeypatch):
    from tfxai.core import program

    made = []

    def kept(*arguments, **options):
        made.append(compiled(*arguments, **options))
        return made[-1]

    compiled = program.compiled
    monkeypatch.setattr(program, "compiled", kept)
    model = residual(nested=False)
    images = builders.images(3, (4, 6, 2)).astype(np.float64)
    AblationCAM(layer="conv")(model, images, target=0)
    graph = made[-1].graph.as_graph_def()
    types = [{node.op for node in function.node_def} for function in graph.library.function]
    loops = [found for found in types if "Tanh" in found]  # of what is behind the layer
    assert loops
    assert not any("Cos" in found for found in loops)
    assert "Cos" in {node.op for node in graph.node}


@pytest.mark.parametrize("channels", [0, -1, 1.5, True])
def test_number_of_channels_that_is_none_is_refused(channels):
    with pytest.raises(
        InvalidInputError, match="was expected to be an integer of at least 1, or None"
    ):
        ScoreCAM(channels=channels)


@pytest.mark.parametrize("method", [ScoreCAM, GuidedGradCAM])
def test_map_that_cannot_be_laid_over_the_input_is_refused(method):
    x = keras.Input((12,))
    image = layers.Reshape((3, 4, 1))(x)
    conv = layers.Conv2D(2, 2, activation="relu", name="conv")(image)
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(conv)))
    with pytest.raises(
        InvalidInputError, match=r"conv have 2 axes and are laid over the input, wh"
    ):
        method(layer="conv")(model, builders.images(2, (12,)), target=0)


def test_half_precision_is_close():
    like = builders.functional()
    x = keras.Input(builders.IMAGE)
    h = builders.chain(x, builders.conv_parts("mixed_float16"))
    model = keras.Model(x, layers.Dense(3, activation="softmax", dtype="float32")(h))
    model.set_weights(like.get_weights())
    for method in (AblationCAM(layer="conv1"), ScoreCAM(layer="conv1")):
        expected = method(like, builders.images(), target=1).values
        found = method(model, builders.images(), target=1).values
        assert found.dtype == tf.float32.as_numpy_dtype
        np.testing.assert_allclose(found, expected, atol=0.03 * expected.max())
