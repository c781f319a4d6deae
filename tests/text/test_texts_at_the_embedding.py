"""Texts explained by gradients: at the embedding, told by token."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests.text.readers import LENGTH, TABLE, WORDS, Tokenizer, bert, looked_up, of_ids
from tfxai import Attribution, IntegratedGradients, Saliency, Subject, baselines
from tfxai.core import program

FINE, LONG = "A fine film", "a badly made film . never again !"


@pytest.fixture
def subject():
    return Subject(bert(), tfxai.Card(name="reader", classes=("negative", "positive")))


def test_a_task_is_explained_at_its_token_embedding(subject):
    a = IntegratedGradients(steps=32)(subject, [FINE], target="positive")
    assert (a.at, a.target_names) == ("reader/token_embedding", ["positive"])
    assert a.tokens[0] == ["[CLS]", "a", "fine", "film", "[SEP]", *["[PAD]"] * 7]
    assert a.token_kinds[0] == ["special", *["word"] * 3, "special", *["padding"] * 7]
    by_hand = IntegratedGradients(steps=32)(
        subject, subject.model.preprocessor([FINE]), 1, at="reader/token_embedding"
    )
    # ids 0 everywhere, [CLS] and [SEP] too, is what arrays of ids are compared with
    assert np.abs(by_hand.values - a.values).max() > 1e-3
    ids = np.array([[2, 5, 6, 7, 3] + [0] * 7])
    pads = {"token_ids": np.where(np.isin(ids, (2, 3)), ids, 0)}
    inputs = subject.encoder.encode([FINE]).given()
    given = {name: np.asarray(array, int) for name, array in inputs.items()} | pads
    same = IntegratedGradients(steps=32, baseline=given)(subject, inputs, 1, at=a.at)
    np.testing.assert_allclose(same.values, a.values, atol=1e-6)
    np.testing.assert_allclose(a.token_values, a.values.sum(-1), atol=1e-6)


def test_the_pad_baseline_keeps_special_tokens_and_its_score_is_shown(subject):
    a = IntegratedGradients(steps=32)(subject, [FINE], 1)
    model = subject.model
    ids = np.array([[2, 0, 0, 0, 3] + [0] * 7])
    encoded = subject.encoder.encode([FINE]).inputs
    start = model({**encoded, "token_ids": ids}).numpy()[0, 1]
    np.testing.assert_allclose(a.baseline_score, [start], rtol=1e-5)
    assert abs(a.completeness_gap[0]) < 1e-3
    sums = a.token_sums()[0]
    assert sums["special"] == sums["padding"] == 0.0
    np.testing.assert_allclose(sums["word"], a.score[0] - start, atol=1e-3)
    assert f"at the baseline (pad) {start:.3f}" in a._repr_html_()
    assert "Red supports, blue speaks against." in a._repr_html_()
    assert a.method["options"]["baseline"] is None


@pytest.mark.parametrize(
    ("baseline", "ids"),
    [("mask", [2, 4, 4, 4, 3, 0]), ("bad film", [2, 8, 7, 3, 0, 0])],
)
def test_baselines_of_tokens(subject, baseline, ids):
    a = IntegratedGradients(steps=32, baseline=baseline)(subject, [FINE], 1)
    inputs = subject.encoder.encode([FINE]).inputs
    inputs["token_ids"] = np.array([ids + [0] * 6])
    np.testing.assert_allclose(a.baseline_score, subject.model(inputs).numpy()[:, 1], rtol=1e-5)
    named = {"mask": baselines.Mask(), "bad film": baselines.Text("bad film")}[baseline]
    assert IntegratedGradients(baseline=baseline).baseline == named
    again = tfxai.methods.AttributionMethod.from_config(
        IntegratedGradients(baseline=named).to_config()
    )
    assert again.baseline == named


def test_zero_is_vectors_of_zeros(subject):
    a = IntegratedGradients(steps=32, baseline="zero")(subject, [FINE], 1)
    b = IntegratedGradients(steps=32, baseline=baselines.Activations(0.0))(subject, [FINE], 1)
    np.testing.assert_array_equal(a.values, b.values)
    assert a.token_sums()[0]["special"] != 0


def test_zero_sums_before_a_normalisation_are_refused(subject):
    with pytest.raises(tfxai.errors.InvalidInputError, match="only a layer normalisation sees"):
        IntegratedGradients(baseline="zero")(subject, [FINE], 1, at="reader/embeddings_add")
    a = IntegratedGradients(steps=32)(subject, [FINE], 1, at="reader/embeddings_add")
    assert abs(a.completeness_gap[0]) < 0.05 * abs(a.score[0] - a.baseline_score[0])


def test_two_texts_at_once_equal_each_alone_with_one_program(subject, monkeypatch):
    traced = []
    compiled = program.compiled
    monkeypatch.setattr(
        program, "compiled", lambda f, *a, **k: traced.append(f) or compiled(f, *a, **k)
    )
    method = IntegratedGradients(steps=7)
    both = method(subject, [FINE, LONG], [1, 0])
    for i, text in enumerate([FINE, LONG]):
        alone = method(subject, [text], [1, 0][i])
        np.testing.assert_allclose(alone.values[0], both.values[i], atol=1e-6)
        assert alone.tokens[0] == both.tokens[i]
    assert len(traced) == 1


def test_words_are_joined(subject):
    a = Saliency(absolute=False)(subject, [LONG], 0)
    words = [word for word, _ in a.words()[0]]
    assert words == ["a", "badly", "made", "film", ".", "never", "again", "!"]
    pieces = a.tokens[0]
    at = pieces.index("bad")
    np.testing.assert_allclose(a.words()[0][1][1], a.token_values[0, at : at + 2].sum(), rtol=1e-6)
    assert a.text.sentences[0].max() == 1
    assert pieces[at + 1] == "##ly"


def test_a_model_that_takes_strings():
    a = IntegratedGradients(steps=1)(looked_up(), np.array(["good film", "bad"]))
    assert a.at == "words"
    np.testing.assert_allclose(a.token_values, [[2, 0.25, 0, 0], [-3, 0, 0, 0]], rtol=1e-6)
    assert a.words() == [[("good", 2.0), ("film", 0.25)], [("bad", -3.0)]]
    assert list(a.inputs) == ["good film", "bad"]


def test_a_tokenizer_of_ones_own():
    subject = Subject(of_ids(), tokenizer=Tokenizer())
    a = IntegratedGradients(steps=32)(subject, ["good film", "bad"])
    # the line from 0 to s: each token gets e (1 + s / 2)
    total = np.array([2.25, -3.0])
    expected = np.array([[2, 0.25, 0, 0], [-3, 0, 0, 0]]) * (1 + total / 2)[:, None]
    np.testing.assert_allclose(a.token_values, expected, rtol=1e-5)
    np.testing.assert_allclose(subject.predict(["good film"]), [[2.25 + 0.5 * 2.25**2]], rtol=1e-6)
    assert a.token_kinds[1] == ["word", *["padding"] * 3]


def test_ids_without_a_tokenizer_are_explained_at_the_embedding_too():
    ids = keras.Input((3,), dtype="int32")
    words = keras.layers.Embedding(5, 1, name="words")
    model = keras.Model(ids, keras.ops.sum(words(ids), axis=1))
    words.set_weights([TABLE])
    a = IntegratedGradients(steps=1)(model, [[2, 3, 0]])
    assert (a.at, a.text, a.tokens) == ("words", None, None)
    np.testing.assert_allclose(a.values[..., 0], [[2, -3, 0]], rtol=1e-6)


def test_of_several_tables_the_one_with_most_rows_is_that_of_words():
    ids = keras.Input((3,), dtype="int32", name="token_ids")
    kinds = keras.Input((3,), dtype="int32", name="segment_ids")
    few = keras.layers.Embedding(2, 4, name="segments")(kinds)
    many = keras.layers.Embedding(9, 4, name="words")(ids)
    out = keras.layers.Dense(1)(keras.ops.sum(few + many, axis=1))
    model = keras.Model({"token_ids": ids, "segment_ids": kinds}, out)
    inputs = {"token_ids": [[1, 2, 3]], "segment_ids": [[0, 1, 1]]}
    assert Saliency()(model, {k: np.array(v) for k, v in inputs.items()}, 0).at == "words"


def test_ids_without_an_embedding_are_refused():
    ids = keras.Input((3,), dtype="int32", name="ids")
    out = keras.layers.Dense(2, name="dense")(keras.ops.cast(ids, "float32"))
    with pytest.raises(tfxai.errors.UnsupportedModelError, match="takes gradients by the inputs"):
        Saliency()(keras.Model(ids, out), [[1, 2, 3]])


def test_files_tables_and_slices_keep_the_tokens(subject, tmp_path):
    a = IntegratedGradients(steps=32)(subject, [FINE, LONG], 1)
    again = Attribution.load(a.save(tmp_path / "a"))
    assert again.text == a.text
    assert again.words() == a.words()
    frame = a.to_pandas()
    assert list(frame[frame.example == 0].token) == ["[CLS]", "a", "fine", "film", "[SEP]"]
    np.testing.assert_allclose(frame[frame.example == 0].value, a.token_values[0, :5])
    assert a[1].tokens == [a.tokens[1]]
    joined = Attribution.concat([a[1], a[0]])
    assert joined.tokens == [a.tokens[1], a.tokens[0]]
    small = a.by_token()
    np.testing.assert_array_equal(small.values, a.token_values)
    assert small.save(tmp_path / "b").stat().st_size < a.save(tmp_path / "a").stat().st_size
    with pytest.raises(tfxai.errors.InvalidInputError, match="different texts"):
        a[0] - a[1]


def test_markup_in_a_text_is_shown_as_text(subject):
    html = Saliency(absolute=False)(subject, ["<b> fine </b>"], 0)._repr_html_()
    assert "<b>" not in html
    assert "&lt;</span>" in html
    assert "[CLS]" in html
    assert "[PAD]" not in html


def test_special_tokens_have_no_colour(subject):
    a = IntegratedGradients(steps=32, baseline="zero")(subject, [FINE], 1)
    html = a._repr_html_()
    special = next(part for part in html.split("<span") if "[CLS]" in part)
    assert "background" not in special
    assert "special tokens" in html


@pytest.mark.parametrize("texts", [["été 😀 שלום film"], ["שלום עולם"]], ids=["mixed", "unknown"])
def test_other_scripts_are_taken_as_they_are(subject, texts):
    if "film" in texts[0]:
        a = Saliency(absolute=False)(subject, texts, 0)
        assert a.text.texts[0] == texts[0]
        assert a.words()[0][-1][0] == "film"
    else:
        with pytest.warns(tfxai.TfxaiWarning, match="no word of the model's vocabulary"):
            Saliency(absolute=False)(subject, texts, 0)


def test_a_text_too_long_is_cut_and_that_is_said(subject):
    with pytest.warns(tfxai.TfxaiWarning, match="has 14 tokens and was cut to the first 10"):
        a = Saliency(absolute=False)(subject, [FINE, "fine film " * 7], 0)
    assert len(a.words()[1]) == LENGTH - 2
    with pytest.warns(tfxai.TfxaiWarning, match=r"texts\[0\] has 5 tokens and was cut to"):
        IntegratedGradients()(looked_up(), ["good bad film good bad"])


def test_texts_with_room_left_are_read_once(subject, monkeypatch):
    asked, length = [], type(subject.encoder).length
    monkeypatch.setattr(
        type(subject.encoder),
        "length",
        lambda self, text: asked.append(text) or length(self, text),
    )
    long = "fine film " * 7
    encoded = subject.encoder.encode([FINE, long, "a film"])
    assert asked == [long]
    assert len(encoded.notes) == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a film", "one text"),
        (["a film", ""], r"texts\[1\] is empty"),
        (["a film", " \t"], r"texts\[1\] is empty"),
        (["a film", None], "hold a NoneType"),
        (["a film", 3], "hold a int"),
        ([], "empty"),
    ],
)
def test_bad_texts_are_refused(subject, texts, message):
    with pytest.raises(tfxai.errors.InvalidInputError, match=message):
        Saliency(absolute=False)(subject, texts if texts else np.array([], dtype=str), 0)


@pytest.mark.parametrize("baseline", [0.5, "black", "blur"])
def test_baselines_of_pictures_are_none_of_texts(subject, baseline):
    with pytest.raises(tfxai.errors.InvalidInputError, match="is none of texts"):
        IntegratedGradients(baseline=baseline)(subject, [FINE], 1)


def test_baselines_of_texts_are_none_of_arrays():
    ids = keras.Input((3,), dtype="int32")
    model = keras.Model(ids, keras.layers.Embedding(5, 2)(ids)[:, 0])
    for baseline in ("mask", "pad", "a text"):
        with pytest.raises(tfxai.errors.InvalidInputError, match="no texts came"):
            IntegratedGradients(baseline=baseline)(model, [[1, 2, 3]], 0)
    with pytest.raises(tfxai.errors.UnknownNameError, match="'blakc'"):
        IntegratedGradients(baseline="blakc")


def returning(made):
    """A tokenizer that returns this for a number of texts."""
    return type("Own", (Tokenizer,), {"__call__": lambda self, texts: made(len(texts))})()


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        (3, "is a int"),
        (lambda texts: [[1]], "cannot go back"),
        (returning(lambda count: [[0.5]] * count), "integers"),
        (returning(lambda count: [[2]]), "1 rows of ids for 2"),
        (returning(lambda count: {"x": [[2]] * count, "y": [[2]] * count}), "token_ids"),
        (returning(lambda count: {"token_ids": [[]] * count}), "no token"),
    ],
    ids=["no callable", "no way back", "fractions", "rows", "names", "nothing"],
)  # fmt: skip
def test_bad_tokenizers_are_refused(tokenizer, message):
    with pytest.raises(tfxai.errors.InvalidInputError, match=message):
        Saliency()(Subject(of_ids(), tokenizer=tokenizer), ["good", "bad"], 0)


def test_the_vocabulary_may_write_pieces_in_any_way():
    class Bytes(Tokenizer):
        words = ("", "?", "ĠgÃ", "©", "Ġfilm")

        def __call__(self, texts):
            return {"token_ids": [[2, 3, 4, 0]], "padding_mask": [[1, 1, 1, 0]]}

    a = Saliency(absolute=False)(Subject(of_ids(), tokenizer=Bytes()), ["gé film"], 0)
    assert [word for word, _ in a.words()[0]] == ["gé", "film"]


def test_the_figure_shows_the_tokens(subject):
    a = IntegratedGradients(steps=32)(subject, [FINE], 1)
    figure = a.plot()
    drawn = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert drawn == ["[CLS]", "a", "fine", "film", "[SEP]"]
    boxes = [box.get_alpha() for box in figure.axes[0].patches]
    strong = np.abs(a.token_values[0, :5])
    np.testing.assert_allclose(boxes, 0.75 * strong / strong.max(), rtol=1e-5)
    assert boxes[0] == boxes[4] == 0


def test_every_word_of_the_vocabulary_is_its_own(subject):
    assert [subject.encoder.piece(i) for i in range(len(WORDS))] == list(WORDS)
