import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError
from tfxai.methods import GradCAM

CASES = (
    Case(
        method=GradCAM,
        linear=lambda s: np.maximum(s.x @ s.w.reshape(-1, s.w.shape[-1]).mean(axis=0), 0),
        others={"layer": "conv1", "reshape": (10, 2)},
        refuses={"tables": "no layer with feature maps"},
        beside={"reshape": {"layer": "conv2"}},
    ),
)


def two_maps(head_weights):
    """A 2x2 image, the maps A0 = x and A1 = 2x - 1, and a dense head on the flattened maps."""
    x = keras.Input((2, 2, 1), dtype="float64")
    conv = layers.Conv2D(2, 1, name="conv", dtype="float64")
    dense = layers.Dense(1, use_bias=False, dtype="float64")
    model = keras.Model(x, dense(layers.Flatten(dtype="float64")(conv(x))))
    conv.set_weights([np.array([1.0, 2.0]).reshape(1, 1, 1, 2), np.array([0.0, -1.0])])
    dense.set_weights([np.reshape(head_weights, (8, 1))])  # order: position, then map
    return model


IMAGE = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)


def test_weights_and_map_by_hand_where_the_relu_cuts_nothing():
    # gradients of A0: 1, 2, 3, 6 -> alpha0 = 3; of A1: 0, -1, 2, -5 -> alpha1 = -1
    model = two_maps([1, 0, 2, -1, 3, 2, 6, -5])
    a = GradCAM(layer="conv")(model, IMAGE + 3)  # x = 4, 1, 6, 7
    # 3 x - (2 x - 1) = x + 1
    np.testing.assert_allclose(a.values, [[[5.0, 2.0], [7.0, 8.0]]], rtol=1e-14)
    # logit: sum x g0 + (2 x - 1) g1
    assert a.score == [4 * 1 + 1 * 2 + 6 * 3 + 7 * 6 + 7 * 0 + 1 * -1 + 11 * 2 + 13 * -5]


def test_weights_and_map_by_hand_where_the_relu_cuts():
    model = two_maps([1, 0, 2, -1, 3, 2, 6, -5])
    a = GradCAM(layer="conv")(model, IMAGE)
    np.testing.assert_allclose(a.values, [[[2.0, 0.0], [4.0, 5.0]]], rtol=1e-14)
    # all gradients the other way round: only the position that was cut is left
    a = GradCAM(layer="conv")(two_maps([-1, 0, -2, 1, -3, -2, -6, 5]), IMAGE)
    np.testing.assert_allclose(a.values, [[[0.0, 1.0], [0.0, 0.0]]], rtol=1e-14)
    assert not a.is_signed


@pytest.mark.parametrize("layer", ["first", "second"])
def test_equals_the_papers_equations_in_numpy(layer):
    network = SlowNetwork(11)
    x = np.random.default_rng(12).normal(size=(4, *network.shape))
    targets = [2, 0, 1, 1]
    a = GradCAM(layer=layer)(network.keras_model("softmax"), x, target=targets)
    cut = []
    for b, target in enumerate(targets):
        z1, z2, _ = network.forward(x[b])
        _, d1, d2 = network.gradients(x[b], target)
        maps, gradients = (z1, d1) if layer == "first" else (z2, d2)
        height, width, count = maps.shape
        total = np.zeros((height, width))
        for k in range(count):
            alpha = gradients[:, :, k].sum() / (height * width)  # Eq. 1
            total += alpha * np.maximum(maps[:, :, k], 0)
        np.testing.assert_allclose(a.values[b], np.maximum(total, 0), rtol=1e-11, atol=1e-12)
        cut.append((total < 0).mean())
    assert 0.05 < np.mean(cut) < 0.95  # the ReLU of Eq. 2 matters here
    assert a.values.shape[1] != a.values.shape[2]


def test_gap_followed_by_dense_is_class_activation_mapping():
    # Zhou et al.: there the weights are those of the dense layer, over the number of positions
    x = keras.Input(builders.IMAGE, dtype="float64")
    conv = layers.Conv2D(4, 2, name="conv", dtype="float64")(x)
    mean = layers.GlobalAveragePooling2D(dtype="float64")(conv)
    model = keras.Model(x, layers.Dense(3, dtype="float64")(mean))
    images = builders.images(2).astype(np.float64)
    a = GradCAM()(model, images, target=2)
    maps = keras.Model(x, conv)(images).numpy()
    expected = np.maximum(maps @ model.get_weights()[-2][:, 2] / 20, 0)
    np.testing.assert_allclose(a.values, expected, rtol=1e-12, atol=1e-14)


def deep():
    x = keras.Input((8, 8, 3))
    h = layers.Conv2D(2, 3, padding="same", name="conv")(x)
    h = layers.MaxPooling2D(2, name="pool")(h)
    h = layers.BatchNormalization(name="last")(h)
    h = layers.GlobalAveragePooling2D(keepdims=True, name="one_position")(h)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h)))


def test_default_layer_is_the_last_with_more_than_one_position():
    model, x = deep(), builders.images(2, (8, 8, 3))
    model.get_layer("last").set_weights(
        [np.array(one) for one in ([2, 3], [1, -1], [0, 0], [1, 1])]
    )
    a, b = (GradCAM(layer=layer)(model, x, target=0) for layer in (None, "last"))
    np.testing.assert_array_equal(a.values, b.values)
    assert a.method == {"name": "grad_cam", "options": {"layer": "last", "reshape": None}}
    assert not np.allclose(GradCAM(layer="pool")(model, x, target=0).values, a.values)


def test_default_layer_inside_a_nested_model():
    model = builders.nested()
    a = GradCAM()(model, builders.images())
    assert a.method["options"]["layer"] == "backbone/conv2"


def test_heatmap_is_resized_to_the_image_and_starts_at_zero():
    a = GradCAM(layer="conv1")(builders.functional(), builders.images(2))
    shown = a.heatmap(size=(60, 50))
    assert shown.shape == (2, 60, 50)
    assert shown.min() >= 0
    assert shown.max() == 1


def test_layer_without_two_spatial_axes_is_refused():
    with pytest.raises(InvalidInputError, match=r"Layer 'flat' has output shape \(60,\) per exam"):
        GradCAM(layer="flat")(builders.functional(), builders.images())


def test_layer_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(LayerNotFoundError, match=r"no layer 'conv3'. Did you mean 'conv\d'"):
        GradCAM(layer="conv3")(builders.functional(), builders.images())
    with pytest.raises(LayerNotFoundError, match=r"'conv2'. Did you mean 'backbone/conv2'\?"):
        GradCAM(layer="conv2")(builders.nested(), builders.images())


def test_model_without_images_is_refused():
    with pytest.raises(LayerNotFoundError, match="no layer with feature maps"):
        GradCAM()(builders.linear([[1.0], [2.0]]), [[1.0, 2.0]])


def test_layer_that_the_score_does_not_rest_on_is_refused():
    x = keras.Input(builders.IMAGE)
    side = layers.Conv2D(2, 3, name="side")(x)
    main = layers.Dense(2)(layers.Flatten()(x))
    model = keras.Model(x, main + 0.0 * keras.ops.stop_gradient(keras.ops.sum(side)))
    with pytest.raises(UnsupportedModelError, match="score does not depend on layer 'side'"):
        GradCAM(layer="side")(model, builders.images(), target=0)
