"""Every form of the baseline, on functions whose attributions are known by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import IntegratedGradients

X = np.array([[3.0, 4.0], [-2.0, 5.0]])


def of_product(x, x0):
    """IG of x0 x1 from x0 to x: each change times the mean of the other factor."""
    x0 = np.broadcast_to(np.asarray(x0, float), x.shape)
    return (x - x0) * ((x + x0) / 2)[:, ::-1]


FORMS = {
    "none is zero": (None, 0.0),
    "a number": (0.5, 0.5),
    "an integer": (-1, -1.0),
    "a NumPy number": (np.float32(0.25), 0.25),
    "a 0-d array": (np.array(2.0), 2.0),
    "one array for all": ([1.0, -2.0], [1.0, -2.0]),
    "one array with a batch axis": ([[1.0, -2.0]], [1.0, -2.0]),
    "an array for each": ([[1.0, -2.0], [0.0, 6.0]], [[1.0, -2.0], [0.0, 6.0]]),
    "integers": (np.array([1, -2], np.int8), [1.0, -2.0]),
}


@pytest.fixture(scope="module")
def product():
    return builders.product()


@pytest.mark.parametrize("form", FORMS)
def test_baseline_is_where_the_path_begins(form, product):
    baseline, x0 = FORMS[form]
    a = IntegratedGradients(steps=2, baseline=baseline)(product, X)
    np.testing.assert_allclose(a.values, of_product(X, x0), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        a.baseline_score, np.broadcast_to(x0, X.shape).prod(axis=1), rtol=1e-13
    )
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
def test_baseline_survives_json_and_chunks(form, product):
    baseline, x0 = FORMS[form]
    method = IntegratedGradients(steps=5, baseline=baseline)
    back = tfxai.methods.AttributionMethod.from_config(method.to_config())
    assert back == method
    assert hash(back) == hash(method)
    a = back(product, X, chunk_size=1)  # a slice of the batch takes its slice of the baseline
    np.testing.assert_allclose(a.values, of_product(X, x0), rtol=1e-13, atol=1e-14)


def test_baseline_arrays_are_copied_compared_and_hashed_by_content():
    array = np.array([1.0, 2.0], np.float32)
    method = IntegratedGradients(baseline=array)
    array[:] = 7
    assert method == IntegratedGradients(baseline=[1.0, 2.0])
    assert hash(method) == hash(IntegratedGradients(baseline=[1, 2]))
    assert method != IntegratedGradients(baseline=array)
    assert IntegratedGradients(baseline=[[1.0, 2.0]]) != IntegratedGradients(baseline=[1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        method.baseline.array[0] = 3


def photograph(preprocessing):
    """f = r g + b of one pixel, in the units that the preprocessing gives."""
    x = keras.Input((1, 1, 3))
    red, green, blue = (x[:, 0, 0, i : i + 1] for i in range(3))
    card = tfxai.Card(name="pixel", preprocessing=preprocessing)
    return tfxai.Subject(keras.Model(x, red * green + blue), card)


def of_pixel(x, x0):
    r, g, b = x
    r0, g0, b0 = x0
    return [(r - r0) * (g + g0) / 2, (g - g0) * (r + r0) / 2, b - b0]


CIFAR = Preprocessing("standardise", mean=(0.4914, 0.4822, 0.4465), std=(0.247, 0.2435, 0.2616))
BLACK_AND_WHITE = {
    "tf": (Preprocessing("tf"), [-1.0] * 3, [1.0] * 3),
    "unit": (Preprocessing("unit"), [0.0] * 3, [1.0] * 3),
    "none": (Preprocessing("none"), [0.0] * 3, [255.0] * 3),
    "standardise": (
        CIFAR,
        [-0.4914 / 0.247, -0.4822 / 0.2435, -0.4465 / 0.2616],
        [(1 - 0.4914) / 0.247, (1 - 0.4822) / 0.2435, (1 - 0.4465) / 0.2616],
    ),
    "caffe": (
        Preprocessing("caffe"),
        [-103.939, -116.779, -123.68],
        [255 - 103.939, 255 - 116.779, 255 - 123.68],
    ),
}


@pytest.mark.parametrize("name", BLACK_AND_WHITE)
def test_black_is_black_before_preprocessing(name):
    preprocessing, black, white = BLACK_AND_WHITE[name]
    subject = photograph(preprocessing)
    pixels = np.array([[[[255, 51, 102]]]], np.uint8)
    x = preprocessing.apply(pixels)
    for baseline, x0 in ((None, black), ("black", black), ("white", white), (0.0, [0.0] * 3)):
        a = IntegratedGradients(steps=2, baseline=baseline)(subject, pixels)
        np.testing.assert_allclose(a.inputs, x, rtol=1e-6)
        np.testing.assert_allclose(
            a.values.ravel(), of_pixel(x.ravel().astype(float), x0), rtol=2e-5, atol=1e-4
        )


def test_colour_without_a_card_is_refused(product):
    with pytest.raises(InvalidInputError, match=r"baseline='black' is a colour, and the model ha"):
        IntegratedGradients(baseline="black")(product, X)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 2, 1), (1,)])
def test_baseline_of_another_shape_is_refused(shape, product):
    with pytest.raises(InvalidInputError, match=r"baseline has shape .* inputs have \(2, 2\)"):
        IntegratedGradients(baseline=np.zeros(shape))(product, X)


@pytest.mark.parametrize(
    "bad", [np.nan, [0.0, np.inf], True, "nought", {"x": np.nan}, [[1], [1, 2]]]
)
def test_what_is_no_baseline_is_refused(bad):
    error, sentence = InvalidInputError, "was expected to be finite numbers"
    if isinstance(bad, str):
        error, sentence = UnknownNameError, "There is no baseline 'nought'"
    with pytest.raises(error, match=sentence):
        IntegratedGradients(baseline=bad)


def test_baseline_beyond_the_inputs_type_is_refused():
    model = builders.formula(lambda x: x[:, :1], dtype="float32")
    with pytest.raises(InvalidInputError, match=r"The baseline of input .* infinite in float32"):
        IntegratedGradients(baseline=1e300)(model, X)


def test_tokens_have_a_baseline_of_tokens_at_the_embedding():
    tokens = keras.Input((2,), dtype="int32")
    embedding = layers.Embedding(5, 1, name="embedding", dtype="float64")
    e = embedding(tokens)
    model = keras.Model(tokens, e[:, 0] * e[:, 1])
    embedding.set_weights([np.array([[0.5], [2.0], [3.0], [-1.0], [7.0]])])
    for baseline, e0 in ((None, [0.5, 0.5]), (3, [-1.0, -1.0]), ([4, 0], [7.0, 0.5])):
        a = IntegratedGradients(steps=1, baseline=baseline)(model, [[1, 2]], at="embedding")
        expected = of_product(np.array([[2.0, 3.0]]), e0)
        np.testing.assert_allclose(a.values[..., 0], expected, rtol=1e-13)
        np.testing.assert_allclose(a.baseline_score, [np.prod(e0)], rtol=1e-13)
    with pytest.raises(InvalidInputError, match="no whole numbers of type int32"):
        IntegratedGradients(baseline=0.5)(model, [[1, 2]], at="embedding")


@pytest.mark.parametrize("steps", [2, 5])
def test_at_a_layer_the_path_begins_at_the_layer_of_the_baseline(steps):
    x = keras.Input((2,), dtype="float64")
    hidden = layers.Dense(2, name="hidden", dtype="float64")
    h = hidden(x)
    model = keras.Model(x, h[:, :1] * h[:, 1:])
    weights, bias = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([0.3, -0.2])
    hidden.set_weights([weights, bias])
    x0 = np.array([0.5, 1.5])
    a = IntegratedGradients(steps=steps, baseline=x0)(model, X, at="hidden")
    expected = of_product(X @ weights + bias, x0 @ weights + bias)
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)
    assert a.at == "hidden"
