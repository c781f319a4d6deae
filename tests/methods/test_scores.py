"""What is explained: logits, probabilities, outputs, contrasts, neurons, registered functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tfxai.core.question import scores
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from tfxai.methods import GradCAM, IntegratedGradients, Saliency

W = np.array([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]])
X = np.array([[0.4, -0.2], [1.0, 2.0]])
EXACT = {"rtol": 1e-12, "atol": 1e-15}
signed = Saliency(absolute=False)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_logit_of_a_softmax_is_its_operand():
    a = signed(builders.linear(W, activation="softmax"), X, target=1)
    np.testing.assert_allclose(a.values, [W[:, 1]] * 2, **EXACT)
    np.testing.assert_allclose(a.score, (X @ W)[:, 1], **EXACT)
    np.testing.assert_allclose(a.probability, softmax(X @ W)[:, 1], **EXACT)
    assert a.score_name == "logit"


def test_probability_of_a_softmax_and_its_output_are_one():
    model, p = builders.linear(W, activation="softmax"), softmax(X @ W)
    for name in ("probability", "output"):
        a = signed(model, X, target=1, score=name)
        # dp1/dx = p1 (w1 - sum_j p_j w_j)
        np.testing.assert_allclose(a.values, p[:, 1:2] * (W[:, 1] - p @ W.T), **EXACT)
        np.testing.assert_allclose(a.score, p[:, 1], **EXACT)
        np.testing.assert_allclose(a.probability, p[:, 1], **EXACT)
        assert a.score_name == name


def test_probability_of_logits_applies_a_softmax_and_a_default_does_not():
    model, p = builders.linear(W), softmax(X @ W)
    a = signed(model, X, target=1, score="probability")
    np.testing.assert_allclose(a.values, p[:, 1:2] * (W[:, 1] - p @ W.T), **EXACT)
    np.testing.assert_allclose(a.score, p[:, 1], **EXACT)
    for score in (None, "logit", "output"):
        a = signed(model, X, target=1, score=score)
        np.testing.assert_allclose(a.score, (X @ W)[:, 1], **EXACT)
        assert a.score_name == "output"
        assert a.probability is None


ENDINGS = {
    "argument": lambda z, name: layers.Dense(
        1, activation=name, kernel_initializer="ones", dtype="float64"
    )(z),
    "layer": lambda z, name: layers.Activation(name, dtype="float64")(z),
    "operation": lambda z, name: getattr(keras.ops, name)(z),
    "reshaped": lambda z, name: keras.ops.reshape(getattr(keras.ops, name)(z), (-1, 1)),
    "squeezed": lambda z, name: keras.ops.squeeze(getattr(keras.ops, name)(z), -1),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_targets_of_one_sigmoid_unit_are_minus_and_plus_its_logit(ending):
    model = builders.formula(lambda x: ENDINGS[ending](x[:, :1] * x[:, 1:], "sigmoid"))
    x = np.array([[3.0, 0.5], [-2.0, 1.0]])
    z, gradient = x.prod(axis=1), x[:, ::-1]
    p = 1 / (1 + np.exp(-z))
    yes, no = (signed(model, x, target=target) for target in (1, 0))
    np.testing.assert_allclose(yes.values, gradient, **EXACT)
    np.testing.assert_allclose(no.values, -gradient, **EXACT)
    np.testing.assert_allclose([yes.score, no.score], [z, -z], **EXACT)
    np.testing.assert_allclose([yes.probability, no.probability], [p, 1 - p], rtol=1e-12)
    predicted = signed(model, x)
    np.testing.assert_array_equal(predicted.target, [1, 0])
    np.testing.assert_allclose(predicted.score, np.abs(z), **EXACT)
    both = signed(model, x, target=[1, 0], score="probability")
    slope = (p * (1 - p))[:, None] * gradient * [[1.0], [-1.0]]
    np.testing.assert_allclose(both.values, slope, rtol=1e-11)
    np.testing.assert_allclose(both.probability, both.score, **EXACT)
    output = signed(model, x, score="output")
    np.testing.assert_array_equal(output.target, [0, 0])  # the only output
    np.testing.assert_allclose([output.score, output.probability], [p, p], rtol=1e-12)
    with pytest.raises(InvalidInputError, match="target=2 is outside the model's 2 outputs"):
        signed(model, x, target=2)


def test_one_linear_unit_is_one_output():
    model = builders.linear(W[:, :1])
    np.testing.assert_allclose(signed(model, X).values, [W[:, 0]] * 2, **EXACT)
    with pytest.raises(InvalidInputError, match="target=1 is outside the model's 1 outputs"):
        signed(model, X, target=1)
    a = signed(model, X, target=[0, 1], score="probability")
    p = 1 / (1 + np.exp(-X @ W[:, 0]))
    np.testing.assert_allclose(a.score, [1 - p[0], p[1]], **EXACT)


def test_several_sigmoids_are_outputs_of_their_own():
    a = signed(builders.linear(W, activation="sigmoid"), X, target=[2, 0])
    np.testing.assert_allclose(a.values, W.T[[2, 0]], **EXACT)
    np.testing.assert_allclose(a.probability[0], 1 / (1 + np.exp(-(X @ W)[0, 2])), **EXACT)


def pixelwise(activation):
    """Outputs (B, 3, 2, 4): every pixel its own classes."""
    x = keras.Input((3, 2, 1), dtype="float64")
    conv = layers.Conv2D(4, 1, activation=activation, name="conv", dtype="float64")
    model = keras.Model(x, conv(x))
    conv.set_weights([np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4), np.zeros(4)])
    return model


def test_outputs_with_several_axes_take_an_index_an_axis():
    model, x = pixelwise("softmax"), np.arange(12.0).reshape(2, 3, 2, 1) / 10
    a = signed(model, x, target=[(2, 1, 3), (0, 0, 1)])
    expected = np.zeros_like(x)
    expected[0, 2, 1] = 4.0
    expected[1, 0, 0] = 2.0
    np.testing.assert_allclose(a.values, expected, **EXACT)
    np.testing.assert_allclose(a.score, [4 * 0.5, 2 * 0.6], **EXACT)
    p = softmax(np.array([0.5, 0.6])[:, None] * [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(a.probability, [p[0, 3], p[1, 1]], **EXACT)
    assert a.target_names == ["(2, 1, 3)", "(0, 0, 1)"]
    same = signed(model, x, target=(2, 1, 3))  # one for all
    np.testing.assert_allclose(same.values[:, 2, 1], 4.0, **EXACT)
    with pytest.raises(InvalidInputError, match=r"\(B, 3, 2, 4\).*Pass target with shape \(2, 3"):
        signed(model, x)
    with pytest.raises(InvalidInputError, match="target=4 is outside"):
        signed(model, x, target=(2, 1, 4))


def test_contrast_is_the_difference_of_two_logits():
    model = builders.linear(W, activation="softmax")
    a = signed(model, X, score=tfxai.Contrast(2, 0))
    np.testing.assert_allclose(a.values, [W[:, 2] - W[:, 0]] * 2, **EXACT)
    np.testing.assert_allclose(a.score, (X @ W) @ [-1, 0, 1], **EXACT)
    np.testing.assert_array_equal(a.target, [2, 2])
    np.testing.assert_allclose(a.probability, softmax(X @ W)[:, 2], **EXACT)
    assert a.score_name == "output 2 rather than output 0"
    card = tfxai.Card(name="m", classes=("Cat", "Dog", "Frog"))
    named = signed(tfxai.Subject(model, card), X, score=tfxai.Contrast("frog", "Cat"))
    np.testing.assert_array_equal(named.values, a.values)
    assert named.score_name == "Frog rather than Cat"
    one = builders.linear(W[:, :1], activation="sigmoid")
    np.testing.assert_allclose(
        signed(one, X, score=tfxai.Contrast(1, 0)).values, [2 * W[:, 0]] * 2, **EXACT
    )


def test_neuron_is_one_activation_or_the_mean_of_a_channel():
    model = builders.functional("softmax", dtype="float64")
    x = builders.images(2).astype(np.float64)
    kernel, bias = (array.numpy() for array in model.get_layer("conv1").weights)
    patch = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))[:, 2:5, 3:6]
    z = np.einsum("bpqc,pqc->b", patch, kernel[..., 2]) + bias[2]
    one = signed(model, x, score=tfxai.Neuron("conv1", (2, 3, 2)))
    np.testing.assert_allclose(one.score, np.tanh(z), **EXACT)
    expected = np.zeros((2, 8, 7, 2))
    expected[:, 2:5, 3:6] = (1 - np.tanh(z) ** 2)[:, None, None, None] * kernel[..., 2]
    np.testing.assert_allclose(one.values, expected[:, 1:-1, 1:-1], **EXACT)
    assert one.probability is None
    np.testing.assert_array_equal(one.target, [-1, -1])
    assert one.target_names == [one.score_name] * 2

    mean = signed(model, x, score=tfxai.Neuron("conv1", 2))
    activations = keras.Model(model.input, model.get_layer("conv1").output)(x).numpy()
    np.testing.assert_allclose(mean.score, activations[..., 2].mean(axis=(1, 2)), **EXACT)
    # the corner pixel is read by four positions, each 1/30 of the mean
    slope = (1 - activations[..., 2] ** 2) / 30
    expected = sum(slope[:, i, j, None] * kernel[1 - i, 1 - j, :, 2] for i, j in np.ndindex(2, 2))
    np.testing.assert_allclose(mean.values[:, 0, 0], expected, **EXACT)


def test_neuron_takes_lists_and_numpy_numbers_and_stays_hashable():
    assert tfxai.Neuron("a", [1, np.int64(2)]) == tfxai.Neuron("a", (1, 2))
    assert hash(tfxai.Neuron("a", [1, 2])) == hash(tfxai.Neuron("a", (1, 2)))
    assert tfxai.Neuron("a", np.int32(3)).index == 3
    for index in (1.5, "1", (1, None)):
        with pytest.raises(InvalidInputError, match="was expected to be an integer"):
            tfxai.Neuron("a", index)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(scores, "_registered", dict(scores._registered))


@pytest.mark.usefixtures("registered")
def test_registered_score_reads_outputs_of_any_shape():
    @tfxai.register_score("area")
    def area(outputs):
        return tf.reduce_sum(outputs[..., 3], axis=(1, 2))

    x = np.arange(12.0).reshape(2, 3, 2, 1) / 10
    a = signed(pixelwise(None), x, score="area")
    np.testing.assert_allclose(a.values, np.full_like(x, 4.0), **EXACT)
    np.testing.assert_allclose(a.score, 4 * x.sum(axis=(1, 2, 3)), **EXACT)
    assert a.score_name == "area"
    np.testing.assert_array_equal(signed(pixelwise(None), x, score=area).values, a.values)
    with pytest.raises(InvalidInputError, match=r"score=<lambda> is a function without a name"):
        signed(pixelwise(None), x, score=lambda outputs: outputs[:, 0])


@pytest.mark.usefixtures("registered")
def test_registered_score_that_fails_is_named_with_what_it_was_given():
    @tfxai.register_score("broken")
    def broken(outputs):
        return outputs["logits"]

    with pytest.raises(
        InvalidInputError, match=r"'broken' failed on the model's outputs, of shape \(B, 3\): "
    ):
        signed(builders.linear(W), X, score="broken")


def test_prediction_is_the_largest_output_whatever_is_explained():
    model = builders.linear(W, activation="softmax")
    expected = (X @ W).argmax(axis=1)
    for score in (None, "probability", tfxai.Contrast(2, 0)):
        a = signed(model, X, None if score else 1, score=score)
        np.testing.assert_array_equal(a.prediction, expected)
    assert signed(model, X, score=tfxai.Neuron("dense", 1)).prediction is None


def test_the_only_output_is_no_prediction():
    assert signed(builders.linear(W[:, :1]), X).prediction is None
    unit = builders.linear(W[:, :1], activation="sigmoid")  # of two classes
    np.testing.assert_array_equal(signed(unit, X).prediction, (X @ W[:, :1]).ravel() > 0)


@pytest.mark.usefixtures("registered")
def test_registered_score_chooses_among_several_outputs_and_at_sees_the_same():
    @tfxai.register_score("second")
    def second(outputs):
        return outputs["b"][:, 0]

    x = keras.Input((2,), dtype="float64")
    h = layers.Dense(2, name="h", use_bias=False, dtype="float64")
    hidden = h(x)
    model = keras.Model(x, {"a": hidden + 1.0, "b": hidden[:, :1] * hidden[:, 1:]})
    h.set_weights([np.eye(2)])
    np.testing.assert_allclose(signed(model, X, score="second").values, X[:, ::-1], **EXACT)
    np.testing.assert_allclose(
        signed(model, X, score="second", at="h").values, X[:, ::-1], **EXACT
    )
    with pytest.raises(UnsupportedModelError, match=r"has 2 outputs. Choose what to explain with"):
        signed(model, X)


@pytest.mark.usefixtures("registered")
def test_registered_score_sees_one_tensor_at_a_layer_too():
    @tfxai.register_score("plain")
    def plain(outputs):
        assert isinstance(outputs, tf.Tensor)
        return outputs[:, 1]

    model, x = builders.functional(), builders.images()
    for options in ({}, {"at": "conv1"}):
        a = signed(model, x, score="plain", **options)
        b = signed(model, x, score="output", target=1, **options)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-6)


@pytest.mark.usefixtures("registered")
def test_scores_of_half_precision_are_reported_in_float32():
    @tfxai.register_score("half")
    def half(outputs):
        assert outputs.dtype == tf.float16
        return outputs[:, 1]

    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(2, dtype="mixed_float16", name="d")(x))
    for score in ("half", tfxai.Neuron("d", 1)):
        a = signed(model, X, score=score)
        assert a.score.dtype == a.values.dtype == np.float32
        np.testing.assert_allclose(a.values, [model.get_weights()[0][:, 1]] * 2, rtol=1e-3)


@pytest.mark.usefixtures("registered")
def test_score_that_is_defined_again_counts_in_its_new_form():
    def cell(factor):
        @tfxai.register_score("scaled")
        def scaled(outputs):
            return factor * outputs[:, 1]

    model, values = builders.linear(W), []
    for factor in (1.0, 3.0):
        cell(factor)
        values.append(signed(model, X, score="scaled").values)
    np.testing.assert_allclose(values[1], 3 * values[0], **EXACT)
    tfxai.register_score("nameless")(lambda outputs: outputs[:, 0])
    with pytest.raises(InvalidInputError, match="'nameless' is taken"):
        tfxai.register_score("nameless")(lambda outputs: outputs[:, 1])


@pytest.mark.usefixtures("registered")
def test_registered_score_must_be_a_new_word_and_give_one_number_an_example():
    tfxai.register_score("wide")(lambda outputs: outputs)
    with pytest.raises(
        InvalidInputError, match=r"'wide' returned shape \(None, 3\), and one numb"
    ):
        signed(builders.linear(W), X, score="wide")
    for name, why in (
        ("wide", "is taken by another function"),
        ("logit", "is taken by tfxai itself"),
        ("two words", "is no word"),
    ):
        with pytest.raises(InvalidInputError, match=why):
            tfxai.register_score(name)(len)
    with pytest.raises(UnknownNameError, match=r"no score 'wid'. Did you mean 'wide'"):
        signed(builders.linear(W), X, score="wid")


def test_compiled_call_hides_its_logits_and_says_so():
    class Compiled(builders.Subclassed):
        @tf.function
        def call(self, x):
            return super().call(x)

    model = Compiled()
    x = builders.images()
    before = model(x).numpy()
    with pytest.raises(UnsupportedModelError, match=r"compiled call.*Pass score='output'"):
        signed(model, x)
    assert np.abs(signed(model, x, score="output").values).max() > 1e-4
    for ask in (
        lambda: GradCAM(layer="conv2")(model, x, score="output"),
        lambda: signed(model, x, score="output", at="conv2"),
        lambda: IntegratedGradients()(model, x, score="output", at="conv1"),
    ):
        with pytest.raises(
            UnsupportedModelError, match=r"Layer 'conv\d' does not return one tens"
        ):
            ask()
    np.testing.assert_array_equal(model(x).numpy(), before)


def test_score_that_does_not_depend_on_the_input_is_refused():
    model = builders.formula(lambda x: keras.ops.round(x) * 0.0 + keras.ops.sign(x))
    a = signed(model, X)  # gradients that are zero are an answer
    np.testing.assert_array_equal(a.values, 0)
    cut = builders.formula(keras.ops.stop_gradient)
    with pytest.raises(UnsupportedModelError, match="does not depend on the input in a differ"):
        signed(cut, X)
