"""Models of several kinds, layers, scores and targets as signatures."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.export.serving import assert_same, ig, serve
from tfxai import Contrast, Saliency, Subject
from tfxai.core.question import scores
from tfxai.errors import InvalidInputError, TfxaiError, UnsupportedModelError
from tfxai.export import save
from tfxai.export.names import EXTRA, RECORD
from tfxai.methods import AttentionRollout, Conductance, GradCAM, Occlusion

WORDS = ["[PAD]", "[UNK]", "good", "bad", "film", "a"]


def served(model, path, feeds, folder, name="explain_integrated_gradients"):
    answers, failed = serve(path, {name: feeds}, folder)
    assert failed == {}
    return answers[name]


def test_target_outside_the_outputs_is_an_error_of_one_sentence(tmp_path):
    model = builders.functional()
    name = model.inputs[0].name
    path = save(model, tmp_path / "m", [Saliency()])
    bad = {"large": [1, 3], "small": [-2, 0], "few": [1]}
    cases = {
        f"explain_saliency@{k}": {name: builders.images(2), "target": np.array(v, np.int32)}
        for k, v in bad.items()
    }
    answers, failed = serve(path, cases, tmp_path)
    assert answers == {}
    for case in ("large", "small"):
        sentence = failed[f"explain_saliency@{case}"]
        assert sentence.startswith("InvalidArgumentError: ")
        assert "target was expected to be 0 to 2, or -1 for the predicted class" in sentence
    assert "one entry an example" in failed["explain_saliency@few"]


def test_a_layer_is_explained_in_the_place_of_the_input(tmp_path):
    model, x = builders.functional(), builders.images(2)
    path = save(model, tmp_path / "m", [ig()], at="conv1")
    feeds = {model.inputs[0].name: x, "target": np.array([2, 0], np.int32)}
    a = ig()(model, x, [2, 0], at="conv1")
    assert a.values.shape == (2, 6, 5, 4)
    assert_same(served(model, path, feeds, tmp_path), a, size=(6, 5))


def test_text_is_explained_at_its_embedding(tmp_path):
    tokens = layers.TextVectorization(vocabulary=WORDS[2:], output_sequence_length=4)
    embedding = layers.Embedding(6, 3, name="embedding")
    parts = [embedding, layers.LSTM(4), layers.Dense(2, activation="softmax")]
    text, numbers = (
        keras.Input((1,), dtype="string", name="text"),
        keras.Input((4,), dtype="int64"),
    )
    model = keras.Model(text, builders.chain(tokens(text), parts))
    inner = keras.Model(numbers, builders.chain(numbers, parts))
    path = save(model, tmp_path / "m", [ig()], at="embedding")
    said = np.array([[b"a good film"], [b"bad bad unheard"]])
    given = served(model, path, {"text": said, "target": np.array([1, -1], np.int32)}, tmp_path)
    ids = np.array([[5, 2, 4, 0], [3, 3, 1, 0]])
    np.testing.assert_array_equal(tokens(said), ids)
    predicted = int(inner(ids[1:]).numpy().argmax())
    a = ig()(inner, ids, [1, predicted], at="embedding")
    assert_same(given, a)
    assert given["attributions"].shape == (2, 4, 3)
    whole = given["attributions"].sum(axis=-1)
    most = np.percentile(np.abs(whole), 99, axis=1)[:, None]
    np.testing.assert_allclose(given["heatmap"], np.clip(whole / most, -1, 1), atol=1e-5)
    assert "heatmap_png_bytes" not in given
    assert (np.abs(whole[:, :2]) > 0).all()
    np.testing.assert_array_equal(whole[:, 3], 0)  # padding is what the empty text has there


def test_texts_come_back_as_words_with_their_values(tmp_path):
    tokens = layers.TextVectorization(vocabulary=WORDS[2:], output_sequence_length=4)
    text = keras.Input((1,), dtype="string", name="text")
    hidden = layers.LSTM(4)(layers.Embedding(6, 3, name="embedding")(tokens(text)))
    subject = Subject(keras.Model(text, layers.Dense(2)(hidden)))
    path = save(subject, tmp_path / "m", [ig()])
    texts = ["A good film", "bad, bad unheard"]
    feeds = {"text": np.array([[one.encode()] for one in texts]), "target": np.array([1, 0])}
    feeds["target"] = feeds["target"].astype(np.int32)
    given = served(subject.model, path, feeds, tmp_path)
    expected = [[b"a", b"good", b"film", b""], [b"bad", b"bad", b"[UNK]", b""]]
    assert given["tokens"].tolist() == expected
    a = ig()(subject, texts, [1, 0])
    np.testing.assert_allclose(given["token_values"], a.token_values, atol=1e-6)
    assert a.tokens == [[word.decode() for word in row] for row in expected]
    assert (given["token_values"][:, :2] != 0).all()


def test_maps_over_words_come_back_with_the_words(tmp_path):
    tokens = layers.TextVectorization(vocabulary=WORDS[2:], output_sequence_length=4)
    text = keras.Input((1,), dtype="string", name="text")
    vectors = layers.Embedding(6, 3, name="embedding")(tokens(text))
    looked = layers.MultiHeadAttention(1, 3, name="look")(vectors, vectors)
    hidden = layers.Dense(4, activation="relu", name="wide")(layers.Flatten()(looked))
    subject = Subject(keras.Model(text, layers.Dense(2)(hidden)))
    methods = {
        "cam": GradCAM(layer="look"),
        "rollout": AttentionRollout(row=0),
        "units": Conductance(layer="wide", steps=2),
    }
    path = save(subject, tmp_path / "m", methods)
    texts = ["A good film", "bad, bad unheard"]
    feeds = {"text": np.array([[one.encode()] for one in texts]), "target": np.int32([1, 0])}
    signatures = {f"explain_{name}": feeds for name in methods}
    given, failed = serve(path, signatures, tmp_path)
    assert failed == {}
    expected = [[b"a", b"good", b"film", b""], [b"bad", b"bad", b"[UNK]", b""]]
    for name in ("cam", "rollout"):
        one = given[f"explain_{name}"]
        assert one["tokens"].tolist() == expected
        values = methods[name](subject, texts, [1, 0]).values
        np.testing.assert_allclose(one["token_values"], values, atol=1e-6)
    assert given["explain_units"]["attributions"].shape == (2, 4)  # as many as words, and none
    assert "tokens" not in given["explain_units"]
    told = json.loads((path / EXTRA / RECORD).read_text())["signatures"]
    assert told["explain_cam"]["texts"] == {"limit": 4, "unknown": "[UNK]"}
    assert told["explain_units"]["texts"] is None


def test_text_of_free_length_has_no_empty_text_to_compare_with(tmp_path):
    tokens = layers.TextVectorization(vocabulary=WORDS[2:])
    text = keras.Input((1,), dtype="string", name="text")
    hidden = layers.LSTM(2)(layers.Embedding(6, 3, name="embedding")(tokens(text)))
    model = keras.Model(text, layers.Dense(2)(hidden))
    with pytest.raises(InvalidInputError, match=r"integrated_gradients .*output_sequence_length"):
        save(model, tmp_path / "m", [ig()], at="embedding")


@pytest.mark.parametrize("style", ["dict", "list"])
def test_several_inputs_get_attributions_of_their_own(style, tmp_path):
    model = builders.two_inputs(style)
    path = save(model, tmp_path / "m", [ig()], score="output")
    b, a, n = np.array([[2.0, 3.0]]), np.arange(4.0).reshape(1, 2, 2), np.array([[2]], np.int32)
    feeds = {"b": b, "a": a, "n": n, "target": np.array([0], np.int32)}
    given = served(model, path, feeds, tmp_path)
    inputs = {"b": b, "a": a, "n": n} if style == "dict" else [b, a, n]
    expected = ig()(model, inputs, 0, score="output")
    for name in ("a", "b"):
        values = expected.values[name]
        np.testing.assert_allclose(given[f"attributions_{name}"], values, rtol=1e-10)
    # f = 2 (sum(a) b0 + 3 b1): on the way from 0, each factor of sum(a) b0 = 12 gets a half
    np.testing.assert_allclose(given["attributions_b"], [[12.0, 18.0]], rtol=1e-6)
    np.testing.assert_allclose(given["completeness_gap"], [0.0], atol=1e-12)


@scores.register_score("exported_mean")
def exported_mean(outputs):
    return tf.reduce_mean(tf.square(outputs), axis=1)


@pytest.mark.parametrize("score", [Contrast(2, 0), "exported_mean"])
def test_scores_are_those_of_the_call(score, tmp_path):
    model, x = builders.functional(), builders.images(2)
    path = save(model, tmp_path / "m", [ig()], score=score)
    feeds = {model.inputs[0].name: x, "target": np.array([-1, -1], np.int32)}
    assert_same(served(model, path, feeds, tmp_path), ig()(model, x, score=score))


def test_a_score_that_chooses_takes_no_target(tmp_path):
    model = builders.functional()
    path = save(model, tmp_path / "m", [Saliency()], score=Contrast(2, 0))
    feeds = {model.inputs[0].name: builders.images(1), "target": np.array([1], np.int32)}
    _, failed = serve(path, {"explain_saliency": feeds}, tmp_path)
    assert "-1 for the score output 2 rather than output 0" in failed["explain_saliency"]


def test_one_sigmoid_unit_has_two_targets_and_a_segmenter_a_place(tmp_path):
    yes = builders.functional("sigmoid", units=1)
    x = builders.images(2)
    path = save(yes, tmp_path / "yes", [ig()])
    feeds = {yes.inputs[0].name: x, "target": np.array([0, 1], np.int32)}
    assert_same(served(yes, path, feeds, tmp_path), ig()(yes, x, [0, 1]))

    image = keras.Input(builders.IMAGE)
    segments = keras.Model(image, layers.Conv2D(2, 3, padding="same")(image))
    path = save(segments, tmp_path / "segments", [ig()])
    places = np.array([[5, 4, 1], [0, 2, 0]], np.int32)
    feeds = {segments.inputs[0].name: x, "target": places}
    assert_same(served(segments, path, feeds, tmp_path), ig()(segments, x, places))


@pytest.mark.parametrize("kind", ["subclassed", "nested"])
def test_models_written_another_way(kind, tmp_path):
    model, x = builders.KINDS[kind](), builders.images(2)
    example = x if kind == "subclassed" else None
    if kind == "subclassed":
        with pytest.raises(UnsupportedModelError, match=r"declares no inputs.*example="):
            save(model, tmp_path / "m", [ig()])
    path = save(model, tmp_path / "m", [ig()], example=example)
    name = "input" if kind == "subclassed" else model.inputs[0].name
    feeds = {name: x, "target": np.array([0, 2], np.int32)}
    assert_same(served(model, path, feeds, tmp_path), ig()(model, x, [0, 2]))


def test_an_example_fixes_axes_that_are_free(tmp_path):
    image = keras.Input((None, None, 2))
    hidden = layers.Conv2D(3, 3, activation="tanh")(image)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(hidden)))
    with pytest.raises(UnsupportedModelError, match=r"occlusion cannot be exported.*example="):
        save(model, tmp_path / "m", [Occlusion()])
    x = builders.images(2)
    path = save(model, tmp_path / "m", [Occlusion()], example=x)
    feeds = {model.inputs[0].name: x, "target": np.array([0, 1], np.int32)}
    wide = {model.inputs[0].name: builders.images(2, (9, 8, 2))}
    answers, failed = serve(path, {"explain_occlusion": feeds, "serve": wide}, tmp_path)
    assert failed == {}
    assert_same(answers["explain_occlusion"], Occlusion()(model, x, [0, 1]))
    np.testing.assert_allclose(
        answers["serve"]["output_0"], model(wide[model.inputs[0].name]), 1e-5
    )


@scores.register_score("through_python")
def through_python(outputs):
    return tf.ensure_shape(tf.numpy_function(lambda y: y[:, 0], [outputs], tf.float32), [None])


@tf.function(jit_compile=True)
def doubled_by_xla(x):
    return 2 * x


class Forced(keras.layers.Layer):
    def call(self, x):
        return doubled_by_xla(x)


def test_what_a_server_would_not_run_is_refused_and_nothing_is_left(tmp_path):
    model = builders.functional()
    with pytest.raises(InvalidInputError, match=r"\(PyFunc\), which runs Python"):
        save(model, tmp_path / "m", [Occlusion()], score="through_python")
    x = keras.Input((3,))
    forced = keras.Model(x, layers.Dense(2)(Forced()(x)))
    with pytest.raises(InvalidInputError, match="forces XLA"):
        save(forced, tmp_path / "m", [Saliency()])
    assert list(tmp_path.rglob("*")) == [tmp_path / "m"]


@pytest.mark.parametrize(
    ("methods", "options", "sentence"),
    [
        ([GradCAM(layer="conv9")], {}, r"grad_cam cannot be exported\. There is no layer 'conv9'"),
        ([GradCAM()], {"at": "conv1"}, r"grad_cam cannot be exported\. .*explains the input only"),
        ([ig(), ig(steps=2)], {}, "A method is there twice"),
        ({"of two": ig()}, {}, "'of two' is no word"),
        ([], {}, "expected to be a list of methods"),
        (["grad_kam"], {}, "Did you mean 'grad_cam'"),
        ([ig()], {"score": "logits"}, "no score 'logits'"),
        ([ig()], {"chunk_size": 0}, "chunk_size=0"),
    ],
)
def test_bad_arguments_are_one_sentence(methods, options, sentence, tmp_path):
    with pytest.raises(TfxaiError, match=sentence):
        save(builders.functional(), tmp_path / "m", methods, **options)
    assert list(tmp_path.rglob("*")) == []


def test_an_input_called_target_is_refused(tmp_path):
    x = keras.Input((2,), name="target")
    with pytest.raises(InvalidInputError, match=r"none of which is 'target'"):
        save(keras.Model(x, layers.Dense(2)(x)), tmp_path / "m", [Saliency()])
