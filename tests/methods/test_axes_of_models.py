"""Channels first, images without channels, series and volumes: values as with channels last."""

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.cases import NAMES, case_of, make
from tfxai import methods
from tfxai.errors import TfxaiError
from tfxai.methods import (
    RISE,
    FeatureAblation,
    GradCAM,
    KernelSHAP,
    Occlusion,
    ScoreCAM,
)
from tfxai.methods.cam.base import ClassActivationMap

SHAPES = {1: (7, 2), 2: (6, 5, 2), 3: (4, 5, 3, 2)}
KINDS = {1: "series", 2: "images", 3: "volumes"}


def network(rank, first):
    """A convolution and a dense layer; with channels first the numbers are the same."""
    shape = SHAPES[rank]
    data_format = "channels_first" if first else "channels_last"
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    pool = {
        1: layers.GlobalMaxPooling1D,
        2: layers.GlobalMaxPooling2D,
        3: layers.GlobalMaxPooling3D,
    }
    x = keras.Input((shape[-1], *shape[:-1]) if first else shape)
    conv = kind(3, 2, activation="tanh", data_format=data_format, name="conv1")(x)
    pooled = pool[rank](data_format=data_format)(layers.Activation("relu")(conv))
    model = keras.Model(x, layers.Dense(3, activation="softmax", name="head")(pooled))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def moved(x):
    return np.moveaxis(x, -1, 1)


def pair(rank):
    return network(rank, False), network(rank, True)


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_every_method_gives_the_same_values_with_channels_first(name, rank):
    last, first = pair(rank)
    x = builders.images(2, SHAPES[rank])
    options = {}
    if "background" in [*methods.get(name).__dataclass_fields__]:
        options = {"background": builders.images(3, SHAPES[rank], seed=2)}
    laid = {option: moved(one) for option, one in options.items()}
    for kind in (KINDS[rank], f"{KINDS[rank]} with channels first"):
        if kind in case_of(name).refuses:
            with pytest.raises(TfxaiError, match=case_of(name).refuses[kind]):
                make(name, **laid)(first, moved(x), 1)
            return
    one = make(name, **options)(last, x, 1)
    options = laid
    other = make(name, **options)(first, moved(x), 1)
    is_map = methods.get(name).is_map
    expected = one.values if is_map else moved(one.values)
    np.testing.assert_allclose(other.values, expected, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(other.heatmap(), one.heatmap(), rtol=2e-3, atol=1e-4)
    assert other.axes == {1: "CT", 2: "CHW", 3: "CDHW"}[rank]
    assert one.axes == {1: "TC", 2: "HWC", 3: "DHWC"}[rank]
    for key, detail in one.details.items():
        wanted = moved(detail) if detail.ndim == x.ndim and not is_map else detail
        np.testing.assert_allclose(other.details[key], wanted, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("rank", SHAPES)
def test_a_layer_with_channels_first_is_explained_as_one_with_channels_last(rank):
    last, first = pair(rank)
    x = builders.images(2, SHAPES[rank])
    for method in (methods.Saliency(), FeatureAblation(), methods.SmoothGrad(samples=1)):
        if isinstance(method, methods.SmoothGrad):
            continue
        one = method(last, x, 1, at="conv1")
        other = method(first, moved(x), 1, at="conv1")
        np.testing.assert_allclose(other.values, moved(one.values), rtol=2e-4, atol=1e-6)
        assert other.layer_axes == {1: "CT", 2: "CHW", 3: "CDHW"}[rank]


def test_a_channel_of_a_neuron_is_a_channel_wherever_channels_lie():
    from tfxai import Neuron

    last, first = pair(2)
    x = builders.images(2)
    one = methods.Saliency()(last, x, score=Neuron("conv1", 2))
    other = methods.Saliency()(first, moved(x), score=Neuron("conv1", 2))
    np.testing.assert_allclose(other.score, one.score, rtol=1e-5)
    np.testing.assert_allclose(other.values, moved(one.values), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("baseline", ["blur", "mean", "noise", None, 0.25])
def test_baselines_are_made_along_the_axes_of_the_input(baseline):
    last, first = pair(2)
    x = builders.images(2)
    method = methods.IntegratedGradients(steps=4, baseline=baseline)
    one, other = method(last, x, 1), method(first, moved(x), 1)
    if baseline != "noise":  # drawn in the order of the array
        np.testing.assert_allclose(other.values, moved(one.values), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 6, 5), (6, 5)])
def test_masks_are_laid_out_as_the_input(shape):
    last, first = pair(2)
    x = builders.images(2)
    mask = np.arange(60).reshape(6, 5, 2) // 6
    if shape == (6, 5):
        mask = mask[..., 0]
    one = FeatureAblation(mask=mask)(last, x, 1)
    laid = mask if mask.ndim == 2 else np.moveaxis(mask, -1, 0)
    other = FeatureAblation(mask=laid)(first, moved(x), 1)
    np.testing.assert_allclose(other.values, moved(one.values), rtol=1e-4, atol=1e-6)


def test_superpixels_are_of_positions_and_not_of_channels():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(1, 20, 20, 3)).astype("f4")
    both = []
    for first in (False, True):
        data_format = "channels_first" if first else "channels_last"
        i = keras.Input((3, 20, 20) if first else (20, 20, 3))
        conv = layers.Conv2D(2, 3, data_format=data_format, kernel_initializer="ones")(i)
        out = layers.GlobalAveragePooling2D(data_format=data_format)(conv)
        a = KernelSHAP(samples=200)(keras.Model(i, out), moved(x) if first else x, 0)
        both.append(a)
    np.testing.assert_array_equal(both[0].details["mask"], both[1].details["mask"])
    np.testing.assert_allclose(moved(both[0].values), both[1].values, rtol=1e-3, atol=1e-6)


WAYS = {
    "batch normalisation": lambda x: layers.Conv2D(3, 2, data_format="channels_first")(
        layers.BatchNormalization(axis=1)(layers.Activation("relu")(x))
    ),
    "permuted": lambda x: layers.Permute((3, 1, 2))(
        layers.Conv2D(3, 2)(layers.Permute((2, 3, 1))(x))
    ),
    "transposed": lambda x: keras.ops.transpose(
        layers.Conv2D(3, 2)(keras.ops.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2)
    ),
    "padded": lambda x: layers.MaxPooling2D(1, data_format="channels_first")(
        layers.ZeroPadding2D(1, data_format="channels_first")(x)
    ),
    "nested": lambda x: network_of_maps()(x * 2.0 + 1.0),
}


def network_of_maps():
    x = keras.Input((2, 6, 5))
    return keras.Model(x, layers.Conv2D(3, 2, data_format="channels_first")(x))


@pytest.mark.parametrize("way", WAYS)
def test_the_axes_of_the_input_are_read_off_whatever_it_goes_through(way):
    x = keras.Input((2, 6, 5))
    model = keras.Model(x, keras.ops.mean(WAYS[way](x), axis=(2, 3)))
    image = moved(builders.images(2))
    a = RISE(samples=4)(model, image, 0)
    assert a.axes == "CHW"
    assert a.values.shape == (2, 6, 5)


def test_the_default_format_of_keras_holds_where_no_layer_says_anything():
    def axes():
        x = keras.Input((2, 6, 5))
        model = keras.Model(x, layers.Dense(1)(layers.Reshape((60,))(x)))
        return Occlusion()(model, moved(builders.images(1))).axes

    assert axes() == "HWC"
    keras.config.set_image_data_format("channels_first")
    try:
        assert axes() == "CHW"
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("expand", ["reshape", "expand", "flatten"])
def test_an_image_without_a_channel_axis_is_an_image(expand):
    x = keras.Input((9, 8))
    if expand == "reshape":
        maps = layers.Conv2D(2, 3, name="conv1")(layers.Reshape((9, 8, 1))(x))
    elif expand == "expand":
        maps = layers.Conv2D(2, 3, name="conv1")(keras.ops.expand_dims(x, -1))
    out = layers.Flatten()(x if expand == "flatten" else layers.ReLU()(maps))
    model = keras.Model(x, layers.Dense(2)(out))
    images = builders.images(2, (9, 8))
    a = Occlusion(window=2, stride=1, baseline=0.0)(model, images, 0)
    assert (a.axes, a.values.shape) == ("HW", (2, 9, 8))
    covered = images.copy()
    covered[:, :2, :2] = 0  # the corner is in one window only
    expected = (model(images) - model(covered))[:, 0]
    np.testing.assert_allclose(a.values[:, 0, 0], expected, rtol=1e-4, atol=1e-5)
    if expand != "flatten":
        for name in NAMES:
            if issubclass(methods.get(name), ClassActivationMap):
                assert make(name)(model, images, 0).heatmap().ndim == 3


def test_a_series_of_features_stays_a_series():
    x = keras.Input((9, 8))
    model = keras.Model(x, layers.Dense(2)(layers.LSTM(3)(x)))
    a = Occlusion(window=2)(model, builders.images(2, (9, 8)), 0)
    assert (a.axes, a.values.shape) == ("TC", (2, 9))


def test_grad_cam_by_hand_with_channels_first():
    x = keras.Input((2, 3, 3))
    conv = layers.Conv2D(2, 1, use_bias=False, data_format="channels_first", name="conv1")
    model = keras.Model(x, layers.GlobalAveragePooling2D(data_format="channels_first")(conv(x)))
    conv.set_weights([np.eye(2).reshape(1, 1, 2, 2)])
    image = builders.images(1, (2, 3, 3))
    np.testing.assert_allclose(
        GradCAM()(model, image, 1).values, np.maximum(image[:, 1] / 9, 0), rtol=1e-5
    )
    assert ScoreCAM()(model, image, 1).values.shape == (1, 3, 3)
