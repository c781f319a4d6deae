"""Networks as they are used: what an independent tape gives, put into the papers' equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfxai.methods import create

pytestmark = pytest.mark.slow
SIDE, CLASSES = 64, 10
NETWORKS = {  # the default layer, and one in the middle
    "VGG16": ("block5_pool", "block4_conv2"),
    "ResNet50": ("conv5_block3_out", "conv4_block2_out"),
    "MobileNetV2": ("out_relu", "block_6_expand_relu"),
}


def grad_cam(a, g):
    return np.maximum(np.einsum("bk,bhwk->bhw", g.mean(axis=(1, 2)), a), 0)


def hires_cam(a, g):
    return (g * a).sum(axis=-1)


def layer_cam(a, g):
    return np.maximum((np.maximum(g, 0) * a).sum(axis=-1), 0)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """A network of random weights, images; activations, gradients and score of each layer."""
    build = getattr(keras.applications, request.param)
    options = {"alpha": 0.35} if request.param == "MobileNetV2" else {}
    kept = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")  # in which rounding puts no ReLU on the other side
    keras.config.set_dtype_policy("float64")  # once a layer was made, it no longer follows
    try:
        model = build(weights=None, input_shape=(SIDE, SIDE, 3), classes=CLASSES, **options)
    finally:
        keras.config.set_floatx(kept[0])
        keras.config.set_dtype_policy(kept[1])
    assert model.compute_dtype == "float64"
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # else each is the identity
            ranges = ((1.0, 2.0), (-0.3, 0.3), (-0.3, 0.3), (0.5, 1.5))
            shapes = [weight.shape for weight in layer.get_weights()]
            pairs = zip(ranges, shapes, strict=True)
            layer.set_weights([rng.uniform(*ends, shape) for ends, shape in pairs])
    x = rng.uniform(-1, 1, (2, SIDE, SIDE, 3))
    dense = model.layers[-1]
    names = NETWORKS[request.param]
    found = {}
    for name in names:
        layer = model.get_layer(name).output
        before, behind = keras.Model(model.input, layer), keras.Model(layer, dense.input)
        a = before(x, training=False)
        with tf.GradientTape() as tape:
            tape.watch(a)
            logits = behind(a, training=False) @ dense.kernel + dense.bias
            score = tf.reduce_max(logits, axis=1)  # the predicted class
        found[name] = [np.asarray(one) for one in (a, tape.gradient(score, a), score)]
    return model, x, names, found


@pytest.mark.parametrize(
    ("name", "definition", "which"),
    [("grad_cam", grad_cam, 0), ("hires_cam", hires_cam, 1), ("layer_cam", layer_cam, 1)],
)
def test_map_is_that_of_the_equations(network, name, definition, which):
    model, x, names, found = network
    activations, gradients, score = found[names[which]]
    method = create(name, layer=names[1] if which else None)
    answer = method(model, x)
    expected = definition(activations, gradients)
    assert answer.method["options"]["layer"] == names[which]
    np.testing.assert_allclose(answer.score, score, rtol=1e-10)
    largest = np.abs(expected).max(axis=(1, 2))
    assert (np.ptp(expected, axis=(1, 2)) > 0.05 * largest).all()
    assert (largest > 0).all()
    error = np.abs(answer.values - expected).max(axis=(1, 2))
    np.testing.assert_array_less(error, 1e-10 * largest)
