"""Why a language model goes on as it does, against its own logits."""

from __future__ import annotations

import html
import itertools

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.text.languages import (
    CONTINUATION,
    LENGTH,
    PROMPT,
    ids_of,
    language,
    log_probabilities,
    made,
    start_of,
)
from tests.text.readers import bert
from tfxai import FeatureAblation, GradientInput, IntegratedGradients, KernelSHAP, Subject
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from tfxai.text.continuations import Language

MODELS = ("gpt2", "llama", "gemma")


def explained(name, method, **asked):
    return tfxai.explain_generation(language(name), PROMPT, CONTINUATION, method=method, **asked)


def ids(name):
    """The start token and the prompt, and the continuation, of a model."""
    model = language(name)
    return [start_of(model), *ids_of(model, PROMPT)], ids_of(model, CONTINUATION)


@pytest.mark.parametrize("name", MODELS)
def test_dropping_a_token_is_the_model_on_the_shorter_prompt(name):
    model, (before, after) = language(name), ids(name)
    g = explained(name, "feature_ablation")
    whole = log_probabilities(model, before, after)
    np.testing.assert_allclose(g.log_probabilities, whole, atol=1e-5)
    np.testing.assert_allclose(g.attribution.score, whole, atol=1e-5)
    without = [
        log_probabilities(model, before[:i] + before[i + 1 :], after)
        for i in range(1, len(before))
    ]
    assert g.values.shape == (len(before), len(after))
    np.testing.assert_allclose(g.values[1:], whole - np.array(without), atol=2e-5)
    np.testing.assert_array_equal(g.values[0], 0)  # the start token stays
    assert g.input_kinds == ("special", *["word"] * (len(before) - 1))
    tokenizer = model.preprocessor.tokenizer
    assert g.input_tokens == tuple(tokenizer.id_to_token(one) for one in before)
    assert g.output_tokens == tuple(tokenizer.id_to_token(one) for one in after)


def test_shapley_values_by_all_orders_of_the_prompts_tokens():
    model = language("gpt2")
    prompt, after = ids_of(model, "The France is"), ids_of(model, " Paris")
    g = tfxai.explain_generation(model, "The France is", " Paris", method="kernel_shap")
    start = start_of(model)
    v = {
        kept: log_probabilities(model, [start, *itertools.compress(prompt, kept)], after)[0]
        for kept in itertools.product([False, True], repeat=3)
    }
    expected = np.zeros(3)
    for order in itertools.permutations(range(3)):
        kept = [False] * 3
        for i in order:
            before = v[tuple(kept)]
            kept[i] = True
            expected[i] += (v[tuple(kept)] - before) / 6
    np.testing.assert_allclose(g.values[1:, 0], expected, atol=2e-5)
    np.testing.assert_allclose(g.attribution.baseline_score, [v[(False,) * 3]], atol=1e-5)
    h = tfxai.explain_generation(model, "The France is", " Paris", method="hierarchical_shapley")
    np.testing.assert_allclose(h.values, g.values, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "method"), [("llama", "kernel_shap"), ("gemma", "gradient_input")]
)
def test_the_columns_add_up_to_the_continuation_as_a_whole(name, method):
    each, whole = explained(name, method), explained(name, method, whole=True)
    assert whole.values.shape == (len(each.input_tokens), 1)
    np.testing.assert_allclose(whole.values[:, 0], each.total, atol=5e-5)
    np.testing.assert_allclose(whole.attribution.score, [each.log_probabilities.sum()], atol=1e-4)
    assert np.abs(each.values).max() > 1e-2
    assert whole.column_names == (CONTINUATION,)
    assert each.column_names == each.output_tokens


@pytest.mark.parametrize("name", ["gpt2", "gemma"])
def test_integrated_gradients_add_up_to_the_difference_to_the_baseline(name):
    g = explained(name, IntegratedGradients(steps=100, baseline="pad"))
    before, after = ids(name)
    padded = [before[0], *[0] * (len(before) - 1)]
    start = log_probabilities(language(name), padded, after)
    np.testing.assert_allclose(g.attribution.baseline_score, start, atol=1e-5)
    np.testing.assert_allclose(g.values.sum(axis=0), g.log_probabilities - start, atol=5e-3)
    assert "token_embedding" in g.attribution.at


def test_gradient_times_input_is_the_slope_along_an_embedding():
    model = made("llama")  # whose output does not share the table
    g = tfxai.explain_generation(model, PROMPT, CONTINUATION, method=GradientInput())
    before = [start_of(model), *ids_of(model, PROMPT)]
    after, step = ids_of(model, CONTINUATION), 1e-2
    table = model.backbone.token_embedding.embeddings
    values = table.numpy()
    for place in (1, 3):
        ends = []
        for side in (1, -1):
            moved = values.copy()
            moved[before[place]] *= 1 + side * step
            table.assign(moved)
            ends.append(log_probabilities(model, before, after))
        table.assign(values)
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(g.values[place], slope, atol=2e-3, rtol=1e-2)


def test_without_a_continuation_the_likeliest_tokens_are_explained():
    model = language("gpt2")
    before = [start_of(model), *ids_of(model, PROMPT)]
    expected = []
    for _ in range(4):
        row = np.array([[*before, *expected]])
        logits = model({"token_ids": row, "padding_mask": np.ones_like(row)})
        expected.append(int(np.asarray(logits)[0, -1].argmax()))
    assert start_of(model) not in expected  # which ends a text too
    g = tfxai.explain_generation(model, PROMPT, max_tokens=4, method=GradientInput())
    assert g.output_tokens == tuple(map(model.preprocessor.tokenizer.id_to_token, expected))
    assert g.continuation == model.preprocessor.tokenizer.detokenize(expected)
    best = log_probabilities(model, before, expected)
    np.testing.assert_allclose(g.log_probabilities, best, atol=1e-5)
    room = tfxai.explain_generation(model, PROMPT, max_tokens=99, method=GradientInput())
    assert len(room.input_tokens) + len(room.output_tokens) <= LENGTH


def test_a_text_that_ends_at_once_has_no_continuation(monkeypatch):
    monkeypatch.setattr(Language, "end_ids", frozenset(range(99)))
    with pytest.raises(InvalidInputError, match="ends the text right behind the prompt"):
        tfxai.explain_generation(language("gpt2"), PROMPT)


def test_words_and_groups_of_ones_own_share_evenly():
    g = explained("llama", FeatureAblation(mask="words"))
    words = g.attribution.text.words[0]
    model, (before, after) = language("llama"), ids("llama")
    places = [i for i in range(len(before)) if words[i] == 1]
    assert places == [2, 3]  # "capital" is two tokens
    left = log_probabilities(
        model, [one for i, one in enumerate(before) if i not in places], after
    )
    drop = g.log_probabilities - left
    np.testing.assert_allclose(g.values[places].sum(axis=0), drop, atol=2e-5)
    mask = np.zeros(len(before), int)
    mask[places] = 1
    own = explained("llama", FeatureAblation(mask=mask))
    np.testing.assert_allclose(own.values[places], g.values[places], atol=1e-5)


def test_chunks_change_nothing_and_the_model_is_left_as_it_was():
    model = language("gpt2")
    weights = [one.numpy() for one in model.variables]
    a = explained("gpt2", "feature_ablation")
    b = explained("gpt2", "feature_ablation", chunk_size=2)
    np.testing.assert_allclose(a.values, b.values, atol=1e-5)
    for one, before in zip(model.variables, weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), before)


def test_a_logit_is_that_of_the_token_before_the_softmax():
    model, (before, after) = language("llama"), ids("llama")
    g = explained("llama", GradientInput(), score="logit")
    row = np.array([[*before, *after]])
    logits = np.asarray(model({"token_ids": row, "padding_mask": np.ones_like(row)}))[0]
    said = logits[len(before) - 1 : -1][np.arange(len(after)), after]
    np.testing.assert_allclose(g.attribution.score, said, atol=1e-5)
    np.testing.assert_allclose(
        g.log_probabilities, log_probabilities(model, before, after), atol=1e-5
    )
    assert g.attribution.score_name == "logit"


def test_rules_share_out_the_logit_of_a_model_without_biases():
    g = explained("llama", "libra_grad", score="logit")
    whole = g.values.sum(axis=0) + g.output_values
    np.testing.assert_allclose(whole, g.attribution.score, atol=1e-4)
    with pytest.raises(UnsupportedModelError, match="Pass score='logit'"):
        explained("llama", "libra_grad")


def test_a_subject_brings_the_preprocessor_of_a_model_without_one():
    model = language("gpt2")
    bare = type(model)(model.backbone)
    with pytest.raises(UnsupportedModelError, match="GPT2CausalLM has no preprocessor"):
        tfxai.explain_generation(bare, PROMPT, CONTINUATION)
    subject = Subject(bare, tokenizer=model.preprocessor)
    a = tfxai.explain_generation(subject, PROMPT, CONTINUATION)
    np.testing.assert_allclose(a.values, explained("gpt2", "feature_ablation").values, atol=1e-6)


def test_the_answer_as_a_table_a_figure_and_html(tmp_path):
    g = explained("gpt2", "feature_ablation")
    table = g.to_pandas()
    assert len(table) == g.values.size
    row = table[(table.input_position == 2) & (table.output_position == 1)].iloc[0]
    assert (row.input_token, row.kind, row.output) == ("Ġcap", "word", "Ġand")
    assert row.value == g.values[2, 1]
    figure = g.plot(path=tmp_path / "g.png")
    assert (tmp_path / "g.png").stat().st_size > 5_000
    (axes,) = [one for one in figure.axes if one.images]
    np.testing.assert_array_equal(axes.images[0].get_array(), g.values)
    assert [one.get_text() for one in axes.get_xticklabels()] == ["␣Paris", "␣and", "␣the"]
    assert [one.get_text() for one in axes.get_yticklabels()][1:3] == ["The", "␣cap"]
    assert repr(g) == (
        "Generation(feature_ablation, values (7, 3): 7 tokens of the prompt, 3 of the "
        "continuation, score='log-probability')"
    )
    assert html.escape(repr(g)) in g._repr_html_()
    assert "<img" in g._repr_html_()
    assert g.attribution.target_names == list(g.output_tokens)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"prompt": ""}, InvalidInputError, "The prompt '' has no token"),
        (
            {"prompt": "<|endoftext|>"},
            InvalidInputError,
            r"The prompt '<\|endoftext\|>' has no token but special ones",
        ),
        ({"prompt": ["The"]}, InvalidInputError, r"prompt=\['The'\] is a list, and one text"),
        ({"continuation": ""}, InvalidInputError, "continuation '' has no token.* or None"),
        ({"continuation": 3}, InvalidInputError, "continuation=3 is a int, and one text"),
        (
            {"prompt": "The" + " of" * 12},
            InvalidInputError,
            r"has 14 tokens and the continuation 3, and the model takes 16 in all",
        ),
        (
            {"prompt": "The" + " of" * 14, "continuation": None},
            InvalidInputError,
            r"has 16 tokens and the continuation 1, and the model takes 16 in all",
        ),
        ({"max_tokens": 0}, InvalidInputError, "max_tokens=0 was expected"),
        ({"score": "probability"}, UnknownNameError, "'probability'"),
        ({"method": "saliancy"}, UnknownNameError, "saliancy"),
        ({"method": 3}, InvalidInputError, "method=3 was expected to be a method"),
        (
            {"method": FeatureAblation(baseline=tfxai.baselines.Text("of"))},
            InvalidInputError,
            "A text was given as baseline",
        ),
        (
            {"method": KernelSHAP(mask=np.zeros(3, int))},
            InvalidInputError,
            r"mask has 3 numbers, and the prompt has 7 tokens",
        ),
    ],
    ids=lambda one: None if isinstance(one, dict) else "",
)
def test_what_cannot_be_answered_is_refused(asked, error, message):
    given = {"prompt": PROMPT, "continuation": CONTINUATION} | asked
    with pytest.raises(error, match=message):
        tfxai.explain_generation(language("gpt2"), **given)


def test_models_that_say_no_next_token_are_refused():
    with pytest.raises(UnsupportedModelError, match="BertTextClassifier, and a CausalLM"):
        tfxai.explain_generation(bert(), PROMPT)
    with pytest.raises(UnsupportedModelError, match="a CausalLM of KerasHub was expected"):
        tfxai.explain_generation(builders.functional(), PROMPT)
    models = pytest.importorskip("keras_hub").models
    both_ways = models.BartSeq2SeqLM(
        models.BartBackbone(
            vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4,
            max_sequence_length=8,
        )
    )  # fmt: skip
    with pytest.raises(UnsupportedModelError, match="takes decoder_padding_mask, decoder_token"):
        tfxai.explain_generation(both_ways, PROMPT)


def test_dropping_needs_a_start_token(monkeypatch):
    model = language("gpt2")
    monkeypatch.setattr(Language, "prompt_ids", lambda self, prompt: ids_of(model, prompt))
    with pytest.raises(InvalidInputError, match="puts no start token before a prompt"):
        tfxai.explain_generation(model, PROMPT, CONTINUATION)
    g = tfxai.explain_generation(
        model, PROMPT, CONTINUATION, method=FeatureAblation(baseline="pad")
    )
    assert np.abs(g.values[0]).max() > 0
