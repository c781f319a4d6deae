"""Windows recomputed by patches against whole passes, one for each window."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers

import tfxai
from tfxai.core import score
from tfxai.core.windows import patch_plan
from tfxai.core.windows.patches import Patches
from tfxai.core.windows.windows import Windows
from tfxai.methods import Occlusion

pytestmark = pytest.mark.usefixtures("float64")
# One part in 1e9 of float64: sums of the same numbers in another order.
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture(params=[0.4, 1.0])
def forced(request, monkeypatch):
    """Patches wherever they fill at most that share of a map, gain or not; and how they ran."""
    plans = []

    def plan(x, outputs, windows):
        plans.append(patch_plan.planned(x, outputs, windows, request.param))
        return plans[-1], 0.3

    monkeypatch.setattr("tfxai.core.windows.patches.plan", plan)
    return plans


def conv_bn(x, filters, kernel=3, activation="relu", **options):
    x = layers.Conv2D(filters, kernel, padding="same", **options)(x)
    return layers.Activation(activation)(layers.BatchNormalization()(x))


def vgg(x):
    for filters in (4, 6):
        x = conv_bn(conv_bn(x, filters, activation="tanh"), filters)
        x = layers.MaxPooling2D(2)(x)
    return layers.Dense(5, activation="relu")(layers.Flatten()(x))


def resnet(x):
    x = conv_bn(layers.ZeroPadding2D(3)(x), 6, 7, strides=2)
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stride in (1, 2):
        y = conv_bn(conv_bn(x, 3, 1, strides=stride), 3)
        y = layers.Conv2D(8, 1)(y)
        x = layers.ReLU()(layers.Conv2D(8, 1, strides=stride)(x) + y)
    return layers.GlobalAveragePooling2D()(x)


def mobilenet(x):
    x = conv_bn(x, 4, strides=2, activation="relu6")
    y = layers.DepthwiseConv2D(3, padding="same")(conv_bn(x, 8, 1, "relu6"))
    x = layers.Add()([x, layers.Conv2D(4, 1)(layers.BatchNormalization()(y))])
    x = layers.DepthwiseConv2D(3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    return layers.GlobalAveragePooling2D()(layers.Activation("hard_swish")(x))


def densenet(x):
    for _ in range(2):
        y = conv_bn(conv_bn(x, 4, 1), 3)
        x = layers.Concatenate()([x, y])
        x = layers.AveragePooling2D(2)(x)
    return layers.GlobalMaxPooling2D()(x)


def atrous(x):
    x = layers.Conv2D(4, (3, 2), dilation_rate=(2, 3), padding="same", activation="elu")(x)
    x = layers.Conv2D(4, (2, 4), strides=(3, 1), activation="gelu")(x)
    return layers.Flatten()(layers.SeparableConv2D(3, 3, padding="same")(x))


def branches(x):
    """Of other strides and reaches, joined; means at the edges are of fewer numbers."""
    a = layers.Conv2D(3, 5, strides=2, padding="same")(x)
    b = layers.MaxPooling2D(3, 2, padding="same")(layers.Conv2D(2, 1)(x))
    c = layers.AveragePooling2D(3, 2, padding="same")(x)
    x = layers.Concatenate()([a, b, c])
    return layers.Flatten()(layers.PReLU(shared_axes=[1, 2])(x * 0.5 + 0.25))


def excited(x):
    """A squeeze and excitation: every position rests on every other one."""
    x = conv_bn(x, 4)
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = x * layers.Conv2D(4, 1, activation="sigmoid")(s)
    return layers.GlobalAveragePooling2D()(conv_bn(x, 4))


def attentive(x):
    x = layers.Conv2D(4, 3, strides=2)(x)
    _, h, w, c = x.shape
    tokens = layers.Reshape((h * w, c))(x)
    tokens = tokens + layers.MultiHeadAttention(2, 2)(tokens, tokens)
    x = layers.Conv2D(2, 3)(layers.Reshape((h, w, c))(layers.LayerNormalization()(tokens)))
    return layers.Flatten()(x)


def positional(x):
    """Constants that differ from place to place, and operations with no place of their own."""
    x = layers.Conv2D(3, 3, padding="same")(x)
    x = x + np.random.default_rng(0).normal(size=x.shape[1:])
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2DTranspose(2, 3, strides=2)(x)
    x = keras.ops.roll(layers.Cropping2D(3)(x), 2, axis=1)
    return layers.Flatten()(layers.Conv2D(2, 4, strides=4)(x))


NETWORKS = [vgg, resnet, mobilenet, densenet, atrous, branches, excited, attentive, positional]


def made(network, shape=(16, 18, 2)):
    x = keras.Input(shape)
    scaled = layers.Rescaling(0.5, offset=-0.1)(x)
    model = keras.Model(x, layers.Dense(3, activation="softmax")(network(scaled)))
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.2, 2, weight.shape))
        elif not weight.path.endswith(("kernel", "seed_generator_state")):
            weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return model


def images(count=2, shape=(16, 18, 2), seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape))


def slow(model, x, window, stride, baseline):
    """What the model returns with each window covered, (B, rows, columns, N)."""
    starts = [
        sorted({*range(0, side - w, s), side - w})
        for side, w, s in zip(x.shape[1:3], window, stride, strict=True)
    ]
    rows = []
    for top, left in itertools.product(*starts):
        covered = x.copy()
        part = (slice(None), slice(top, top + window[0]), slice(left, left + window[1]))
        covered[part] = np.broadcast_to(baseline, x.shape)[part]
        rows.append(covered)
    found = np.asarray(model(np.concatenate(rows))).reshape(*map(len, starts), len(x), -1)
    return np.moveaxis(found, 2, 0)


def occluded(model, x, window, stride, baseline, target=1):
    """What Occlusion's windows leave of the score; with stride = window each pixel has one."""
    a = Occlusion(window=window, stride=stride, baseline=baseline)(model, x, target=target)
    return a.score[:, None, None] - a.values


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_equals_a_pass_for_each_window(network, forced):
    model, x = made(network), images()
    baseline = np.random.default_rng(1).normal(size=x.shape[1:])
    found = occluded(model, x, (4, 6), (4, 6), baseline)[:, ::4, ::6]
    expected = slow(model, x, (4, 6), (4, 6), baseline)
    assert np.ptp(expected[..., 1]) > 1e-4
    np.testing.assert_allclose(found, expected[..., 1], **CLOSE)
    (plan,) = forced
    assert any(task.how in ("each", "slide") for task in plan.tasks)


@pytest.mark.parametrize("window", [(1, 1), (3, 4), (7, 2), (8, 9)])
def test_windows_of_all_sides(window, forced):
    model, x = made(resnet, (8, 9, 2)), images(shape=(8, 9, 2))
    a = Occlusion(window=window, stride=1, baseline=0.3, reduce="max")(model, x, target=0)
    drops = a.score[:, None, None] - slow(model, x, window, (1, 1), 0.3)[..., 0]
    expected = np.full(a.values.shape, -np.inf)
    for top, column in np.ndindex(drops.shape[1:]):
        part = (slice(None), slice(top, top + window[0]), slice(column, column + window[1]))
        expected[part] = np.maximum(expected[part], drops[:, top, column, None, None])
    np.testing.assert_allclose(a.values, expected, **CLOSE)
    assert forced


SIDES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    side=st.tuples(st.integers(6, 11), st.integers(6, 11)),
    window=SIDES,
    kernel=SIDES,
    strides=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    dilations=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["same", "valid"]),
    kind=st.sampled_from([layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D]),
)
def test_any_kernel_stride_padding_and_dilation(
    side, window, kernel, strides, dilations, padding, kind
):
    is_pool = kind is not layers.Conv2D
    strides = (1, 1) if dilations != (1, 1) and not is_pool else strides
    reach = (
        kernel if is_pool else [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    )
    assume(padding == "same" or all(r <= n for r, n in zip(reach, side, strict=True)))
    x = keras.Input((*side, 2))
    if is_pool:
        y = kind(kernel, strides, padding)(x)
    else:
        y = kind(3, kernel, strides, padding, dilation_rate=dilations)(x)
    rng = np.random.default_rng(1)
    weighted = y * rng.normal(size=y.shape[1:])  # every position counts otherwise
    model = keras.Model(x, keras.ops.sum(weighted, axis=(1, 2, 3), keepdims=True)[:, 0, 0])
    pair = images(shape=(*side, 2))
    pairs = zip(side, window, strict=True)
    windows = Windows(side, window, tuple(tuple(range(n - w + 1)) for n, w in pairs))
    count, hows = math.prod(windows.counts), []

    @tf.function(input_signature=[tf.TensorSpec((None, *side, 2), tf.float64)], autograph=False)
    def left(x):
        raw = model(x)
        plan = patch_plan.planned(x, [raw], windows, 1.0)
        hows.append(plan.tasks[0].how)
        k = tf.range(count)
        patches = Patches(plan, x, windows, k, tf.zeros_like(k))
        (score,) = patches.outputs(patches.window_of(x, tf.ones_like(k)), [raw])
        return score[:, 0]

    found = left(pair).numpy().reshape(windows.counts)
    expected = slow(model, pair[:1], window, (1, 1), pair[1])[0, ..., 0]
    np.testing.assert_allclose(found, expected, **CLOSE)
    cuts_means = kind is layers.AveragePooling2D and padding == "same"
    assert hows == ["slide"] or (hows == ["whole"] and cuts_means)


def test_baselines_targets_and_scores_of_all_kinds(forced):
    """Sets of baselines, one for each example, other targets, and small chunks."""
    model, x = made(mobilenet), images(3)
    options = {"window": (5, 4), "stride": (5, 4), "reduce": "max"}
    several = images(4, seed=1)
    a = Occlusion(baseline=tfxai.baselines.Samples(several), **options)(model, x, target=[0, 2, 1])
    left = np.mean([slow(model, x, (5, 4), (5, 4), one) for one in several], axis=0)
    own = np.mean(x, axis=(1, 2), keepdims=True)
    b = Occlusion(baseline="mean", **options)(model, x, target=[0, 2, 1], chunk_size=7)
    each = slow(model, x, (5, 4), (5, 4), own)
    chosen = np.array([0, 2, 1])
    for found, expected in ((a, left), (b, each)):
        expected = np.stack([one[..., t] for one, t in zip(expected, chosen, strict=True)])
        drops = found.score[:, None, None] - expected
        np.testing.assert_allclose(found.values[:, 0, 0], drops[:, 0, 0], **CLOSE)
        np.testing.assert_allclose(found.values[:, 6, 10], drops[:, 1, 2], **CLOSE)
    assert forced


@tfxai.register_score("two_first_classes")
def rivals(probabilities):
    """What the two first classes have together."""
    return probabilities[:, 0] + probabilities[:, 1] ** 2


def test_scores_of_several_kinds(forced):
    model, x = made(vgg), images()
    method = Occlusion(window=4, stride=4, baseline=0.0)
    left = slow(model, x, (4, 4), (4, 4), 0.0)
    a = method(model, x, score="two_first_classes")
    expected = a.score[:, None, None] - left[..., 0] - left[..., 1] ** 2
    np.testing.assert_allclose(a.values[:, :13:4, :13:4], expected[:, :4, :4], **CLOSE)
    b = method(model, x, target=2, score="logit")
    model.layers[-1].activation = keras.activations.linear
    expected = b.score[:, None, None] - slow(model, x, (4, 4), (4, 4), 0.0)[..., 2]
    np.testing.assert_allclose(b.values[:, :13:4, :13:4], expected[:, :4, :4], **CLOSE)
    assert len(forced) == 2


def test_activations_of_a_layer_are_occluded_by_patches_too(forced):
    model, x = made(vgg), images()
    layer = next(one for one in model.layers if isinstance(one, layers.MaxPooling2D))
    a = Occlusion(window=3, stride=3, baseline=0.5)(model, x, target=0, at=layer.name)
    split = keras.Model(model.input, layer.output)
    behind = keras.Model(layer.output, model.output)
    baseline = np.asarray(split(np.full_like(x, 0.5)))
    left = slow(behind, np.asarray(split(x)), (3, 3), (3, 3), baseline)[..., 0]
    expected = a.score[:, None, None] - left
    np.testing.assert_allclose(a.values[:, :4:3, :4:3], expected[:, :2, :2], **CLOSE)
    assert forced


def test_neurons_run_whole(forced):
    model, x = made(vgg), images()
    layer = next(one for one in model.layers if isinstance(one, layers.Dense))
    neuron = tfxai.Neuron(layer.name, 1)
    a = Occlusion(window=4, stride=4, baseline=0.0)(model, x, score=neuron)
    left = slow(keras.Model(model.input, layer.output), x, (4, 4), (4, 4), 0.0)[..., 1]
    expected = a.score[:, None, None] - left
    np.testing.assert_allclose(a.values[:, :13:4, :13:4], expected[:, :4, :4], **CLOSE)
    assert not forced


def test_most_of_a_map_is_read_and_not_computed():
    """Sides are those of the receptive field, min(ceil((w + d (k - 1)) / s), out)."""
    x = keras.Input((40, 40, 2))
    maps = [x]
    for kernel, stride, dilation in [(3, 1, 1), (5, 2, 1), (3, 1, 3), (2, 2, 1), (3, 3, 1)]:
        options = {"strides": stride, "dilation_rate": dilation, "padding": "same"}
        maps.append(layers.Conv2D(2, kernel, use_bias=False, **options)(maps[-1]))
    model = keras.Model(x, maps[1:])
    windows = Windows.over((40, 40, 2), 6, 1)

    @tf.function(input_signature=[tf.TensorSpec((None, 40, 40, 2), tf.float64)], autograph=False)
    def sides(x):
        raw = model(x)
        plan = patch_plan.planned(x, raw, windows, 1.0)
        found.extend(plan.states[one.ref()].sides for one in raw)
        return raw

    found = []
    sides.get_concrete_function()
    # 6 + 2 = 8; (8 + 4) / 2 = 6; 6 + 3 * 2 = 12; ceil(13 / 2) = 7; ceil(9 / 3) = 3
    assert found == [(8, 8), (6, 6), (12, 12), (7, 7), (3, 3)]


@pytest.mark.parametrize(("share", "rows"), [(0.3, 10), (0.01, 50), (None, 3)])
def test_more_patches_than_whole_passes_run_at_once(share, rows, monkeypatch):
    asked, real = [], score.copies_per_chunk

    def recorded(count, batch, chunk):
        asked.append(chunk)
        return real(count, batch, chunk)

    def plan(*given):
        return share and (patch_plan.planned(*given, 1.0), share)

    monkeypatch.setattr(score, "copies_per_chunk", recorded)
    monkeypatch.setattr("tfxai.core.windows.patches.plan", plan)
    Occlusion(window=4)(made(vgg), images(), chunk_size=3)
    assert asked == [rows]


@pytest.mark.parametrize(
    ("network", "first"), [(excited, "Mean"), (attentive, "StridedSlice"), (positional, "AddV2")]
)
def test_all_runs_whole_behind_what_looks_everywhere(network, first, forced):
    """The slice is of a shape, for the reshape to tokens."""
    Occlusion(window=4)(made(network), images())
    tasks = forced[0].tasks
    is_whole = [task.how == "whole" for task in tasks]
    begin = is_whole.index(True)
    assert begin > 0
    assert all(is_whole[begin:])
    assert tasks[begin].op.type == first


def test_same_under_xla(forced, monkeypatch):
    model, x = made(mobilenet), images()
    monkeypatch.setattr(tfxai.config, "jit_compile", True)
    found = occluded(model, x, (4, 6), (4, 6), 0.1)[:, ::4, ::6]
    np.testing.assert_allclose(found, slow(model, x, (4, 6), (4, 6), 0.1)[..., 1], **CLOSE)
    assert forced
