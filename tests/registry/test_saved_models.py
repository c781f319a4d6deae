"""SavedModels, explained at their inputs: the values of the Keras model that was exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tests.contract.cases import make
from tfxai import export, methods
from tfxai.card import Card
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.data import Preprocessing
from tfxai.errors import (
    InvalidInputError,
    LayerNotFoundError,
    ModelFileError,
    UnknownNameError,
    UnsafeModelError,
    UnsupportedModelError,
)
from tfxai.methods import IntegratedGradients, Saliency

pytestmark = pytest.mark.filterwarnings(builders.KERAS_SAVES)
X = builders.images(3)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = builders.functional()
    folder = tmp_path_factory.mktemp("exported") / "1"
    model.export(folder, verbose=False)
    return model, folder


@pytest.fixture(scope="module")
def loaded(exported):
    return tfxai.load(exported[1])


# Rules that change what an operation does to a signal, and layers: neither is inside a signature.
RULES = {"deconv_net", "deep_lift", "deep_shap", "guided_backprop", "libra_grad", "lrp"}
LAYERS = {
    name
    for name in methods.names(any_model=True)
    if "layer" in methods.get(name).__dataclass_fields__ or name == "guided_grad_cam"
}


@pytest.mark.parametrize("name", sorted(set(methods.names(any_model=True)) - RULES - LAYERS))
def test_values_are_those_of_the_exported_model(name, exported, loaded):
    a = make(name)(exported[0], X, target=[0, 2, 1], score="output")
    b = make(name)(loaded, X, target=[0, 2, 1], score="output")
    np.testing.assert_allclose(b.values, a.values, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(b.score, a.score, rtol=1e-5)
    np.testing.assert_array_equal(b.target, [0, 2, 1])


def test_outputs_are_explained_as_they_are(exported, loaded):
    """They may be logits or probabilities: a softmax of probabilities would be a wrong number."""
    for score in ("logit", "probability"):
        with pytest.raises(UnsupportedModelError, match="Pass score='output'"):
            methods.Saliency()(loaded, X, score=score)
    a = methods.GradientInput()(loaded, X, score=tfxai.Contrast(0, 2))
    outputs = np.asarray(exported[0](X))
    np.testing.assert_allclose(a.score, outputs[:, 0] - outputs[:, 2], rtol=1e-5)
    terms = [methods.GradientInput()(loaded, X, target=t).values for t in (0, 2)]
    np.testing.assert_allclose(a.values, terms[0] - terms[1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layers_cannot_be_tapped_and_that_is_said(name, loaded):
    with pytest.raises(LayerNotFoundError, match="is a SavedModel, whose layers cannot be tapped"):
        make(name)(loaded, X)


@pytest.mark.parametrize("name", sorted(RULES))
def test_rules_that_cannot_reach_inside_are_refused_and_never_left_out(name, loaded):
    with pytest.raises(UnsupportedModelError, match="cannot be followed back"):
        make(name)(loaded, X)


def test_at_is_refused(loaded):
    with pytest.raises(LayerNotFoundError, match=r"load the \.keras file that it was"):
        Saliency()(loaded, X, at="conv1")


def test_card_beside_the_folder_and_predictions(exported):
    model, folder = exported
    card = folder.with_suffix(".json")
    Card(name="small", classes=("a", "b", "c")).write(card)
    subject = tfxai.load(str(folder))
    card.unlink()
    assert subject.classes == ("a", "b", "c")
    np.testing.assert_allclose(subject.predict(X), model(X), rtol=1e-6)
    a = Saliency()(subject, X, target="b")
    np.testing.assert_array_equal(a.target, [1, 1, 1])
    assert a.score_name == "output"  # nobody knows whether that is a probability


def test_card_of_an_export_is_in_it(tmp_path):
    card = Card(name="x", classes=("a", "b", "c"), preprocessing=Preprocessing("unit"))
    folder = export.save(
        tfxai.Subject(builders.functional(), card), tmp_path / "named", ["saliency"]
    )
    subject = tfxai.load(folder)
    assert subject.card == Card(name="named", classes=("a", "b", "c"), preprocessing="unit")
    pixels = np.full(X.shape, 51, np.uint8)
    np.testing.assert_allclose(subject.predict(pixels), subject.predict(np.full_like(X, 0.2)))
    with pytest.raises(ModelFileError, match=r"holds versions of a model.*named/1'"):
        tfxai.load(tmp_path / "named")
    record = folder / "assets.extra" / "tfxai_explain.json"
    for text in ("[]", "{", '{"model": "x", "class_names": 5, "preprocessing": null}'):
        record.write_text(text)
        with pytest.raises(InvalidInputError):
            tfxai.load(folder)


def test_memory_of_what_is_inside_is_counted(exported, loaded):
    """A chunk is chosen by it; the functions of an export hold each tensor at least once."""
    known = [model_structure(one, read_inputs(one, X)[0]) for one in (exported[0], loaded.model)]
    inside, seen = known[1].bytes_per_example, known[0].bytes_per_example
    assert 0.5 * seen <= inside <= 4 * seen


def test_several_inputs_and_outputs_by_name(tmp_path):
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    first, second = layers.Dense(2, name="first")(joined), layers.Dense(1, name="second")(joined)
    model = keras.Model({"a": a, "b": b}, {"first": first, "second": second})
    model.export(tmp_path / "two", verbose=False)
    subject = tfxai.load(tmp_path / "two")
    given = {"a": np.ones((2, 3), np.float32), "b": np.ones((2, 2), np.float32)}

    @tfxai.register_score("first_of_two")
    def first_of_two(outputs):
        return outputs["first"][:, 1]

    values = IntegratedGradients(steps=4)(subject, given, score="first_of_two").values
    kernel = np.asarray(model.get_layer("first").kernel)[:, 1]
    np.testing.assert_allclose(values["a"], [kernel[:3]] * 2, rtol=1e-5)
    np.testing.assert_allclose(values["b"], [kernel[3:]] * 2, rtol=1e-5)


class Tables(tf.Module):
    """A model that knows no Keras, with signatures of several kinds."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(np.arange(6.0).reshape(3, 2))

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float64, name="rows")])
    def linear(self, rows):
        return {"scores": rows @ self.weights}

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float64, name="rows")])
    def negative(self, rows):
        return {"scores": -rows @ self.weights}

    @tf.function(input_signature=[tf.TensorSpec((), tf.float64, name="scale")])
    def scalar(self, scale):
        return {"scores": scale * self.weights}


def save(folder, *names):
    module = Tables()
    chosen = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, str(folder), signatures=chosen)
    return folder


def test_signatures_are_chosen_by_name(tmp_path):
    x = np.ones((1, 3))
    only = save(tmp_path / "only", "linear")
    np.testing.assert_allclose(Saliency()(tfxai.load(only), x, 1).values, [[1, 3, 5]])
    both = save(tmp_path / "both", "linear", "negative")
    subject = tfxai.load(both, signature="negative")
    np.testing.assert_allclose(subject.predict(x), [[-6, -9]])
    with pytest.raises(UnknownNameError, match=r"no signature 'serving_default' of .*both"):
        tfxai.load(both)


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "has no signature to call"), (("scalar",), "Input 'scale' of .* has no batch axis")],
)
def test_what_cannot_be_called_with_a_batch_is_refused(names, message, tmp_path):
    with pytest.raises(ModelFileError, match=message):
        tfxai.load(save(tmp_path / "odd", *names))


def test_attack_is_refused_before_tensorflow_reads_it(tmp_path, monkeypatch):
    class Reads(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
        def read(self, x):
            return {"secret": tf.strings.length(tf.io.read_file("/etc/hostname")) + tf.shape(x)[0]}

    module = Reads()
    tf.saved_model.save(module, str(tmp_path / "reads"), signatures={"read": module.read})
    monkeypatch.setattr(tf.saved_model, "load", lambda *a: pytest.fail("it was loaded"))
    with pytest.raises(UnsafeModelError, match="ReadFile"):
        tfxai.load(tmp_path / "reads")


def test_half_a_saved_model_gives_one_sentence(exported, tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes((exported[1] / "saved_model.pb").read_bytes())
    with pytest.raises(ModelFileError, match="holds no SavedModel that TensorFlow can") as caught:
        tfxai.load(folder)
    assert "\n" not in str(caught.value)


def test_folder_that_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"is a folder.* or the folder of a SavedModel"):
        tfxai.load(tmp_path)
