"""The class activation maps that take activations and gradients: by hand, and in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.errors import InvalidInputError, LayerNotFoundError
from tfxai.methods import (
    EigenCAM,
    EigenGradCAM,
    GradCAM,
    GradCAMPlusPlus,
    HiResCAM,
    LayerCAM,
    XGradCAM,
    create,
    get,
    names,
)
from tfxai.methods.cam.base import ClassActivationMap

CAMS = [name for name in names() if issubclass(get(name), ClassActivationMap)]
every_cam = pytest.mark.parametrize("name", [one for one in CAMS if get(one).is_map])


def grad_cam(a, g):
    return np.maximum(sum(g[..., k].mean() * a[..., k] for k in range(a.shape[-1])), 0)


def grad_cam_pp(a, g):
    total = np.zeros(a.shape[:-1])
    for k in range(a.shape[-1]):
        weight, all_of_it = 0.0, a[..., k].sum()
        for position in np.ndindex(a.shape[:-1]):
            slope = g[*position, k]
            below = 2 * slope**2 + all_of_it * slope**3
            alpha = slope**2 / below if below else 0.0
            weight += alpha * max(slope, 0)
        total += weight * a[..., k]
    return np.maximum(total, 0)


def hires_cam(a, g):
    return sum(g[..., k] * a[..., k] for k in range(a.shape[-1]))


def xgrad_cam(a, g):
    total = np.zeros(a.shape[:-1])
    for k in range(a.shape[-1]):
        if a[..., k].sum():
            total += (g[..., k] * a[..., k] / a[..., k].sum()).sum() * a[..., k]
    return np.maximum(total, 0)


def layer_cam(a, g):
    return np.maximum(sum(np.maximum(g[..., k], 0) * a[..., k] for k in range(a.shape[-1])), 0)


def principal(o):
    rows = o.reshape(-1, o.shape[-1])
    _, _, v = np.linalg.svd(rows)
    projected = rows @ v[0]
    return (np.sign(projected @ rows.sum(axis=1)) * projected).reshape(o.shape[:-1])


DEFINITIONS = {
    "grad_cam": grad_cam,
    "grad_cam_pp": grad_cam_pp,
    "hires_cam": hires_cam,
    "xgrad_cam": xgrad_cam,
    "layer_cam": layer_cam,
    "eigen_cam": lambda a, g: principal(a),
    "eigen_grad_cam": lambda a, g: principal(g * a),
}


def on_linear(name):
    """The definition, where the gradient is the same for each example."""
    return lambda s: np.stack([DEFINITIONS[name](x, s.w) for x in s.x])


ALIKE = {
    "others": {"layer": "conv1", "reshape": (10, 2)},
    "beside": {"reshape": {"layer": "conv2"}},
    "refuses": {"tables": "no layer with feature maps"},
}
CASES = (
    Case(method=GradCAMPlusPlus, linear=on_linear("grad_cam_pp"), **ALIKE),
    Case(method=HiResCAM, linear=on_linear("hires_cam"), **ALIKE),
    Case(method=XGradCAM, linear=on_linear("xgrad_cam"), **ALIKE),
    Case(method=LayerCAM, linear=on_linear("layer_cam"), **ALIKE),
    Case(method=EigenCAM, linear=on_linear("eigen_cam"), knows_target=False, **ALIKE),
    Case(method=EigenGradCAM, linear=on_linear("eigen_grad_cam"), **ALIKE),
)


@pytest.mark.parametrize("layer", ["first", "second"])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_equals_the_definition_in_numpy(name, layer):
    network = SlowNetwork(11)
    x = np.random.default_rng(12).normal(size=(4, *network.shape))
    a = create(name, layer=layer)(network.keras_model("softmax"), x, target=2)
    for b in range(4):
        z1, z2, _ = network.forward(x[b])
        _, d1, d2 = network.gradients(x[b], 2)
        z, gradients = (z1, d1) if layer == "first" else (z2, d2)
        expected = DEFINITIONS[name](np.maximum(z, 0), gradients)
        np.testing.assert_allclose(a.values[b], expected, rtol=1e-9, atol=1e-10)
    assert a.is_signed or a.values.min() >= 0


IMAGE = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)


def weighed(slopes):
    """The map A = x and a score with the given slope at each position."""
    x = keras.Input((2, 2, 1), dtype="float64")
    a = layers.Conv2D(
        1, 1, use_bias=False, kernel_initializer="ones", name="conv", dtype="float64"
    )
    dense = layers.Dense(1, dtype="float64")
    model = keras.Model(x, dense(layers.Flatten(dtype="float64")(a(x))))
    dense.set_weights([np.reshape(slopes, (4, 1)), np.array([7.0])])
    return model


def test_maps_by_hand():
    model = weighed([2.0, -1.0, 0.0, 1.0])  # of the activations 1, -2, 3, 4, which sum to 6
    np.testing.assert_allclose(HiResCAM()(model, IMAGE).values, [[[2, 2], [0, 4]]])
    np.testing.assert_allclose(LayerCAM()(model, IMAGE).values, [[[2, 0], [0, 4]]])
    # weight (2 + 2 + 4) / 6
    np.testing.assert_allclose(XGradCAM()(model, IMAGE).values, [[[4 / 3, 0], [4, 16 / 3]]])
    # alpha 4 / (8 + 48), and 1 / (2 + 6): weight 2 / 14 + 1 / 8
    expected = np.array([[[1, 0], [3, 4]]]) * (2 / 14 + 1 / 8)
    np.testing.assert_allclose(GradCAMPlusPlus()(model, IMAGE).values, expected)
    np.testing.assert_allclose(EigenCAM()(model, IMAGE).values, IMAGE[..., 0])


def test_xgrad_cam_of_maps_that_sum_to_zero():
    model = weighed([1.0, 1.0, 1.0, 1.0])
    values = XGradCAM()(model, IMAGE - 1.5).values
    np.testing.assert_array_equal(values, np.zeros((1, 2, 2)))


def test_hires_cam_completes_where_a_linear_layer_follows():
    network = SlowNetwork(3)
    x = np.random.default_rng(4).normal(size=(5, *network.shape))
    a = HiResCAM(layer="second")(network.keras_model("softmax"), x, target=1)
    bias = network.offsets[1]
    np.testing.assert_allclose(a.values.sum(axis=(1, 2)), a.score - bias, rtol=1e-12)


def test_xgrad_cam_conserves_gradient_times_activation():
    model = builders.functional("softmax", dtype="float64")
    model.get_layer("head").set_weights([np.abs(w) for w in model.get_layer("head").get_weights()])
    x = builders.images(4).astype(np.float64)
    a, b = (m(model, x, target=1) for m in (XGradCAM(layer="conv2"), HiResCAM(layer="conv2")))
    assert b.values.min() >= 0  # so that no ReLU cuts anything
    assert b.values.max() > 0
    totals = [one.values.sum(axis=(1, 2)) for one in (a, b)]
    np.testing.assert_allclose(*totals, rtol=1e-10)


def test_all_of_them_are_grad_cam_behind_global_average_pooling():
    # there all slopes of a feature map are the same, w_k / P
    x = keras.Input(builders.IMAGE, dtype="float64")
    conv = layers.Conv2D(4, 2, activation="relu", name="conv", dtype="float64")(x)
    mean = layers.GlobalAveragePooling2D(dtype="float64")(conv)
    dense = layers.Dense(3, dtype="float64", kernel_initializer="random_uniform")
    model = keras.Model(x, dense(mean))
    images = builders.images(3).astype(np.float64)
    expected = GradCAM()(model, images, target=2).values
    assert expected.max() > 0
    for method in (XGradCAM(), HiResCAM()):
        values = np.maximum(method(model, images, target=2).values, 0)
        np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-13)


def test_principal_direction_of_many_maps_and_of_few():
    rng = np.random.default_rng(5)
    for count in (3, 40):  # fewer and more than the 12 positions
        kernel = rng.normal(size=(1, 1, 2, count))
        x = keras.Input((3, 4, 2), dtype="float64")
        conv = layers.Conv2D(count, 1, use_bias=False, name="conv", dtype="float64")
        model = keras.Model(x, layers.GlobalAveragePooling2D(dtype="float64")(conv(x)))
        conv.set_weights([kernel])
        images = rng.normal(size=(3, 3, 4, 2))
        values = EigenCAM()(model, images, target=0).values
        for one, image in zip(values, images, strict=True):
            np.testing.assert_allclose(one, principal(image @ kernel[0, 0]), rtol=1e-9, atol=1e-12)


@every_cam
def test_several_layers_are_averaged_at_the_finest_resolution(name):
    x = keras.Input((4, 6, 2), dtype="float64")
    h = layers.Conv2D(3, 3, padding="same", activation="relu", name="fine", dtype="float64")(x)
    h = layers.MaxPooling2D(2, name="coarse", dtype="float64")(h)
    model = keras.Model(x, layers.Dense(2, dtype="float64")(layers.Flatten(dtype="float64")(h)))
    images = builders.images(3, (4, 6, 2)).astype(np.float64)
    fine, coarse, both = (
        create(name, layer=layer)(model, images, target=1).values
        for layer in ("fine", "coarse", ["coarse", "fine"])
    )
    assert coarse.shape == (3, 2, 3)
    rows = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])  # by half-pixel centres
    columns = np.zeros((6, 3))
    columns[[0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 2]] = [1, 0.75, 0.25, 0.75, 0.25, 1]
    columns[[1, 2, 3, 4], [1, 1, 2, 2]] = [0.25, 0.75, 0.25, 0.75]
    upsampled = np.einsum("ip,jq,bpq->bij", rows, columns, coarse)
    np.testing.assert_allclose(both, (fine + upsampled) / 2, rtol=1e-9, atol=1e-12)


@every_cam
@pytest.mark.parametrize("axes", [1, 3])
def test_maps_of_series_and_volumes(name, axes):
    """The same numbers along one axis, whatever other axes of size one there are."""
    series = builders.images(3, (7, 2)).astype(np.float64)
    weights = np.random.default_rng(1).normal(size=(3, 2, 4))

    def values(shape, kernel, conv):
        x = keras.Input(shape, dtype="float64")
        layer = conv(4, kernel, activation="relu", name="conv", dtype="float64")
        h = layers.Flatten(dtype="float64")(layer(x))
        dense = layers.Dense(2, dtype="float64")
        model = keras.Model(x, dense(h))
        layer.set_weights([weights.reshape(layer.kernel.shape), np.zeros(4)])
        dense.set_weights([np.linspace(-1, 1, 40).reshape(20, 2), np.zeros(2)])
        return create(name, layer="conv")(model, series.reshape(-1, *shape), target=1).values

    expected = values((7, 1, 2), (3, 1), layers.Conv2D)
    if axes == 1:
        found = values((7, 2), 3, layers.Conv1D)
        assert found.shape == (3, 5)
    else:
        found = values((7, 1, 1, 2), (3, 1, 1), layers.Conv3D)
        assert found.shape == (3, 5, 1, 1)
    np.testing.assert_allclose(found.reshape(3, 5), expected.reshape(3, 5), rtol=1e-9, atol=1e-12)


@every_cam
def test_tokens_are_laid_out_on_their_grid(name):
    """A class token and patches, as in a vision transformer, against the same maps as an image."""
    x = keras.Input((4, 6, 2), dtype="float64")
    conv = layers.Conv2D(5, 2, strides=2, activation="relu", name="conv", dtype="float64")(x)
    patches = layers.Reshape((6, 5), dtype="float64")(conv)
    first = layers.ZeroPadding1D((1, 0), name="tokens", dtype="float64")(patches)
    head = layers.Dense(2, dtype="float64")(layers.Flatten(dtype="float64")(first))
    model = keras.Model(x, head)
    images = builders.images(3, (4, 6, 2)).astype(np.float64)
    a = create(name, layer="tokens", reshape=(2, 3))(model, images, target=0)
    b = create(name, layer="conv")(model, images, target=0)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(a.heatmap((4, 6)).shape, (3, 4, 6))


@every_cam
def test_map_that_is_zero_everywhere_is_zero(name):
    model = weighed([0.0, 0.0, 0.0, 0.0])
    a = create(name)(model, 0 * IMAGE)
    np.testing.assert_array_equal(a.values, np.zeros((1, 2, 2)))
    np.testing.assert_array_equal(a.heatmap((8, 8)), np.zeros((1, 8, 8)))


@every_cam
def test_what_does_not_fit_is_refused(name):
    model, x = builders.functional(), builders.images()
    for options, message in (
        ({"layer": "flat"}, r"Layer 'flat' has output shape \(60,\) per example"),
        ({"layer": ["conv1", "flat"]}, r"Layer 'flat' has output shape"),
        ({"layer": "conv1", "reshape": (4, 7)}, r"Pass the grid of its patches"),
        (
            {"layer": "conv1", "reshape": (9, 9)},
            r"and the grid reshape=\(9, 9\) has 81",
        ),
    ):
        with pytest.raises(InvalidInputError, match=message):
            create(name, **options)(model, x)
    for options, message in (
        ({"layer": []}, r"layer=\[\] was expected to be a path, several paths, or None"),
        ({"layer": 3}, r"layer=3 was expected to be a path"),
        ({"layer": "conv1", "reshape": (3, 0)}, r"reshape=\(3, 0\) was expected to be \(height"),
        ({"reshape": (3, 5)}, r"reshape=\(3, 5\) was expected together with the layer"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            create(name, **options)


@pytest.mark.parametrize("name", CAMS)
def test_layer_behind_the_last_spatial_one_is_refused(name):
    model, x = builders.functional(), builders.images()
    for layer, shape in (("flat", r"\(60,\)"), ("head", r"\(3,\)")):
        message = rf"Layer '{layer}' has output shape {shape} per example, of float32, .* Choose a"
        with pytest.raises(InvalidInputError, match=message):
            create(name, layer=layer)(model, x)


@pytest.mark.parametrize("name", CAMS)
def test_model_without_a_spatial_layer_is_refused(name):
    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(3)(layers.Dense(4, activation="relu")(x)))
    with pytest.raises(LayerNotFoundError, match=r"no layer with feature maps, .*gradient method"):
        create(name)(model, [[1.0, 2.0]])


def test_layers_of_different_kinds_are_refused():
    x = keras.Input((4, 6, 2))
    conv = layers.Conv2D(3, 2, name="image")(x)
    model = keras.Model(x, layers.Flatten()(layers.Reshape((15, 3), name="series")(conv)))
    with pytest.raises(InvalidInputError, match="image, series have maps of different numbers"):
        LayerCAM(layer=["image", "series"])(model, builders.images(1, (4, 6, 2)), target=0)
