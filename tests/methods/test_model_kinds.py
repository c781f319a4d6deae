"""The same network gets the same values however it is written."""

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError
from tfxai.methods import GradCAM, IntegratedGradients, Saliency

SMALL = {"rtol": 1e-4, "atol": 1e-6}  # float32, a few hundred terms
METHODS = (Saliency(absolute=False), IntegratedGradients(steps=4), GradCAM(layer="conv2"))
X = builders.images()


@pytest.fixture(scope="module")
def reference():
    """The Functional network and what each method says of it."""
    model = builders.functional()
    return model, {method.name: method(model, X, target=[0, 1, 2]) for method in METHODS}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("kind", builders.KINDS)
def test_kind_of_model_changes_nothing(kind, method, reference):
    like, expected = reference
    model = builders.same_weights(builders.KINDS[kind], like)
    if method.name == "grad_cam":
        method = GradCAM(layer=builders.CONV2.get(kind, "conv2"))
    a = method(model, X, target=[0, 1, 2])
    np.testing.assert_allclose(a.values, expected[method.name].values, **SMALL)
    np.testing.assert_allclose(a.score, expected[method.name].score, **SMALL)
    np.testing.assert_allclose(a.probability, expected[method.name].probability, **SMALL)
    assert a.score_name == "logit"
    assert np.abs(a.values).max() > 1e-3


def test_call_of_a_shared_layer_is_chosen_by_number():
    model = builders.shared()
    with pytest.raises(InvalidInputError, match=r"called 2 times.*'conv#0' or 'conv#1'"):
        GradCAM(layer="conv")(model, X)
    with pytest.raises(LayerNotFoundError, match=r"no call '2' of layer 'conv'.* from 0 to 1"):
        GradCAM(layer="conv#2")(model, X)
    first, second = (GradCAM(layer=f"conv#{i}")(model, X, target=1).values for i in range(2))
    default = GradCAM()(model, X, target=1)  # all calls on the same input
    np.testing.assert_allclose(default.values, (first + second) / 2, rtol=1e-6)
    assert default.method["options"]["layer"] == ["conv#0", "conv#1"]
    conv, dense = model.get_layer("conv"), model.layers[-1]
    for number, values in enumerate((first, second)):
        np.testing.assert_allclose(values, shared_cam(conv, dense, X, number), **SMALL)


def shared_cam(conv, dense, x, number):
    """Grad-CAM of `builders.shared` for target 1 at one of its two calls, in NumPy."""
    a0 = conv(x).numpy().astype(float)
    a1 = conv(np.tanh(a0)).numpy().astype(float)
    weights = dense.kernel.numpy()[:, 1].reshape(a1.shape[1:])
    if number == 1:
        gradient, maps = np.broadcast_to(weights, a1.shape), a1
    else:  # through the second call: correlation of the weights with the kernel, by linearity
        maps, kernel = a0, conv.kernel.numpy()
        padded = np.zeros((8, 7, 2))
        for i, j in np.ndindex(6, 5):
            for k in range(2):
                padded[i : i + 3, j : j + 3] += weights[i, j, k] * kernel[..., k]
        gradient = padded[1:-1, 1:-1] * (1 - np.tanh(a0) ** 2)
    return np.maximum(np.einsum("bk,bhwk->bhw", gradient.mean(axis=(1, 2)), maps), 0)


B, A, N = np.array([[2.0, 5.0], [1.0, -1.0]]), np.arange(8.0).reshape(2, 2, 2), [[1], [3]]
INPUTS = {"list": [B, A, N], "dict": {"b": B, "a": A, "n": N}}


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("style", INPUTS)
def test_several_inputs_by_hand(style, given):
    model = builders.two_inputs(style)
    if style == "dict":
        names = [tensor.name for tensor in model.inputs]
        inputs = INPUTS["dict"] if given == "dict" else [INPUTS["dict"][name] for name in names]
    else:
        inputs = INPUTS[given]
    n, total = np.array(N), A.sum(axis=(1, 2))
    a = Saliency(absolute=False)(model, inputs)
    assert set(a.values) == {"a", "b"}  # the integers are held
    np.testing.assert_allclose(
        a.values["a"], np.ones_like(A) * (n * B[:, :1])[:, None], rtol=1e-14
    )
    np.testing.assert_allclose(
        a.values["b"], np.stack([total, [3.0, 3.0]], axis=1) * n, rtol=1e-14
    )
    np.testing.assert_array_equal(a.inputs["n"], N)

    a = IntegratedGradients(steps=2)(model, inputs)  # each factor of a product earns half of it
    half = n * B[:, :1] / 2
    np.testing.assert_allclose(a.values["a"], A * half[:, None], rtol=1e-14)
    expected = np.stack([total * half[:, 0], 3 * n[:, 0] * B[:, 1]], axis=1)
    np.testing.assert_allclose(a.values["b"], expected, rtol=1e-14)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)
    np.testing.assert_allclose(a.score, n[:, 0] * (total * B[:, 0] + 3 * B[:, 1]))


def test_one_float_input_beside_integers_keeps_its_shape():
    image = keras.Input((2, 2), name="image", dtype="float64")
    which = keras.Input((1,), name="which", dtype="int32")
    chosen = keras.ops.take_along_axis(layers.Flatten(dtype="float64")(image), which, axis=1)
    model = keras.Model([image, which], chosen * chosen)
    a = Saliency()(model, [np.array([[[1.0, 2.0], [3.0, 4.0]]]), [[2]]])
    np.testing.assert_array_equal(a.values["image"], [[[0.0, 0.0], [6.0, 0.0]]])


def test_grad_cam_of_a_model_with_several_inputs():
    image = keras.Input(builders.IMAGE, name="image")
    scale = keras.Input((1,), name="scale")
    h = builders.chain(image, builders.conv_parts())
    model = keras.Model({"image": image, "scale": scale}, layers.Dense(2)(h) * scale)
    one = GradCAM(layer="conv1")(model, {"image": X, "scale": np.ones((3, 1))}, target=0)
    two = GradCAM(layer="conv1")(model, {"image": X, "scale": np.full((3, 1), 2.0)}, target=0)
    assert one.values.shape == (3, 6, 5)
    assert one.values.max() > 0
    np.testing.assert_allclose(two.values, 2 * one.values, rtol=1e-5)


def wrapped(style):
    """x^2 + x of one input, in the structure that the model was built with."""
    x = keras.Input((2,), name="x", dtype="float64")
    h = layers.Rescaling(1.0, name="h", dtype="float64")(x)
    return keras.Model({"list": [x], "dict": {"x": x}, "one": x}[style], (h * h + h)[:, :1])


@pytest.mark.parametrize("given", ["one", "list", "dict"])
@pytest.mark.parametrize("style", ["one", "list", "dict"])
def test_one_input_in_a_list_or_dict(style, given):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    inputs = {"one": x, "list": [x], "dict": {"x": x}}[given]
    if given != "one" and given != style:
        with pytest.raises(
            InvalidInputError, match=r"Resize or|takes \['x'\]. Pass the batch itself"
        ):
            Saliency()(wrapped(style), inputs)
        return
    for at in (None, "h"):
        a = Saliency()(wrapped(style), inputs, at=at)
        values = a.values["x"] if style == "dict" and at is None else a.values
        np.testing.assert_array_equal(values, [[3.0, 0.0], [7.0, 0.0]])
        np.testing.assert_array_equal(a.inputs["x"] if style == "dict" else a.inputs, x)


def test_wrong_number_of_inputs_is_refused():
    model = builders.two_inputs("list")
    with pytest.raises(
        InvalidInputError, match=r"Got 2 input for a model that takes 3: \['b', 'a"
    ):
        Saliency()(model, [B, A])
    with pytest.raises(InvalidInputError, match=r"Got one input for a model that takes 3"):
        Saliency()(model, B)
    with pytest.raises(InvalidInputError, match=r"name \['b', 'a'\], and the model takes"):
        Saliency()(model, {"b": B, "a": A})
    with pytest.raises(InvalidInputError, match=r"name \['b', 'a', 'n', 'm'\]"):
        Saliency()(model, {"b": B, "a": A, "n": N, "m": N})
    with pytest.raises(InvalidInputError, match=r"The inputs hold \[1, 2\] examples"):
        Saliency()(model, [B, A, [[1]]])
    with pytest.raises(InvalidInputError, match=r"'n' holds 1 values that are no whole numbers"):
        Saliency()(model, [B, A, [[1.5], [2.0]]])


class Inputs(keras.Model):
    """A subclassed model of a dict or a tuple: the sum of a, times b."""

    def call(self, inputs):
        a, b = (inputs["a"], inputs["b"]) if isinstance(inputs, dict) else inputs
        return keras.ops.sum(a, axis=1, keepdims=True) * b


@pytest.mark.parametrize("pack", [tuple, lambda pair: dict(zip("ab", pair, strict=True))])
def test_subclassed_model_of_several_inputs(pack):
    model = Inputs()
    inputs = pack([np.array([[1.0, 2.0]], np.float32), np.array([[5.0]], np.float32)])
    model(inputs)
    a, b = Saliency()(model, inputs).values.values()
    np.testing.assert_array_equal(a, [[5.0, 5.0]])
    np.testing.assert_array_equal(b, [[3.0]])


def mixed(dtype="mixed_float16", head="float32"):
    x = keras.Input(builders.IMAGE)
    h = builders.chain(x, builders.conv_parts(dtype))
    return keras.Model(x, layers.Dense(3, activation="softmax", name="head", dtype=head)(h))


@pytest.mark.parametrize("head", ["float32", "mixed_float16"])
def test_mixed_precision_is_explained_in_float32(head, reference):
    like, expected = reference
    model = mixed(head=head)
    model.set_weights(like.get_weights())
    assert model.get_layer("conv2").compute_dtype == "float16"
    for method in METHODS:
        a = method(model, X, target=[0, 1, 2])
        assert a.values.dtype == a.score.dtype == np.float32
        scale = np.abs(expected[method.name].values).max()
        # float16 has 11 bits, and some tens of roundings pile up
        np.testing.assert_allclose(a.values, expected[method.name].values, atol=0.02 * scale)


def test_mixed_precision_at_a_layer_keeps_the_digits_of_the_path():
    model = mixed()
    for at in ("conv1", "conv2"):
        a = IntegratedGradients(steps=400, rule="riemann_middle")(model, X, at=at)
        assert a.values.dtype == np.float32
        size = np.abs(a.values).sum(axis=(1, 2, 3))
        assert (np.abs(a.completeness_gap) < 0.01 * size).all()


def test_layers_with_a_training_phase_run_as_inference():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, activation="tanh"),
            layers.Dropout(0.5),
            layers.GaussianNoise(0.9),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )
    x = builders.images(3, (4,))
    norm = model.layers[3]
    norm.set_weights([np.linspace(a, b, 8) for a, b in ((1, 2), (-1, 1), (0, 1), (0.5, 3))])
    values = Saliency(absolute=False)(model, x, target=1).values
    first, last = model.layers[0], model.layers[-1]
    gamma, _, _, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    h = np.tanh(x @ first.kernel.numpy() + first.bias.numpy())
    expected = ((1 - h**2) * scale * last.kernel.numpy()[:, 1]) @ first.kernel.numpy().T
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(7, 5), (4, 9)])
def test_images_with_free_axes(shape):
    x = keras.Input((None, None, 3))
    conv = layers.Conv2D(4, 2, activation="tanh", name="conv")(x)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(conv)))
    images = builders.images(2, (*shape, 3))
    a = IntegratedGradients(steps=20)(model, images, target=1)
    assert a.values.shape == images.shape
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-5)
    assert GradCAM()(model, images, target=0).values.shape == (2, shape[0] - 1, shape[1] - 1)


@pytest.mark.slow
def test_series_through_recurrent_layers_complete():
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.GRU(3),
            layers.Dense(2, activation="softmax"),
        ]
    )
    x = builders.images(2, (5, 3))
    a = IntegratedGradients(steps=30)(model, x, target=0)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-6)
    assert np.abs(a.values).max() > 1e-4


def test_layer_inside_a_loop_is_refused():
    model = keras.Sequential([keras.Input((5, 3)), layers.TimeDistributed(layers.Dense(2))])
    with pytest.raises((InvalidInputError, UnsupportedModelError), match=r"[Ll]ayer '.*dense"):
        Saliency()(model, builders.images(2, (5, 3)), target=(0, 0), at="time_distributed/dense")
