"""Owen values over the sentences, words and tokens of texts, against the mean over orders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.methods.perturbation.test_hierarchical_shapley import owen
from tests.text.readers import TABLE, Tokenizer, bert, of_ids
from tfxai import HierarchicalShapley, KernelSHAP, Subject
from tfxai.errors import InvalidInputError
from tfxai.methods.by_token import groups_of, levels_of

TWO = "badly made . never again !"
PLACES = slice(1, 8)  # of its seven tokens, in which "badly" is two


def game(model, text):
    """v(coalition): the second logit where these tokens of the text are left, by the model."""
    ids = [int(one) for one in np.asarray(model.preprocessor([text])["token_ids"])[0] if one]
    own, found = ids[1:-1], {}
    for coalition in itertools.product([False, True], repeat=len(own)):
        row = [ids[0], *itertools.compress(own, coalition), ids[-1]]
        inputs = {
            "token_ids": np.array([row]),
            "padding_mask": np.ones((1, len(row)), bool),
            "segment_ids": np.zeros((1, len(row)), int),
        }
        found[coalition] = float(model(inputs).numpy()[0, 1])
    return found


@pytest.fixture(scope="module")
def v():
    return game(bert(), TWO)


def test_values_are_owens_over_sentences_words_and_tokens(v):
    a = HierarchicalShapley()(Subject(bert()), [TWO], 1, score="logit")
    tree = (((0, 1), 2, 3), (4, 5, 6))
    np.testing.assert_allclose(a.token_values[0, PLACES], owen(v, tree), atol=2e-5)
    assert a.details["samples"][0] == 2 + 2 + 2 * 6 + 8 * 2 + 2 * 6
    assert not a.details["shared"].any()
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-5)
    assert [word for word, _ in a.words()[0]] == ["badly", "made", ".", "never", "again", "!"]
    assert a.method["options"]["groups"] is None
    assert a.method["options"]["mask"] is None


def test_words_as_features_have_the_tree_of_sentences(v):
    a = HierarchicalShapley(mask="words")(Subject(bert()), [TWO], 1, score="logit")
    by_word = {
        (c[0], *c[2:]): score for c, score in v.items() if c[0] == c[1]
    }  # both tokens of "badly" or none
    expected = owen(by_word, ((0, 1, 2), (3, 4, 5)))
    np.testing.assert_allclose([value for _, value in a.words()[0]], expected, atol=2e-5)


def test_few_samples_take_a_text_apart_as_far_as_they_reach(v):
    a = HierarchicalShapley(samples=4)(Subject(bert()), [TWO], 1, score="logit")
    whole, empty = (v[(one,) * 7] for one in (True, False))
    first = (v[(True,) * 4 + (False,) * 3], v[(False,) * 4 + (True,) * 3])
    left = (first[0] - empty + whole - first[1]) / 2
    expected = [*[left / 4] * 4, *[(whole - empty - left) / 3] * 3]
    np.testing.assert_allclose(a.token_values[0, PLACES], expected, atol=2e-5)
    np.testing.assert_array_equal(a.details["shared"][0, :7], 1)


@pytest.mark.parametrize("samples", [6, 512])
def test_texts_at_once_equal_each_alone(samples):
    subject = Subject(of_ids(6), tokenizer=Tokenizer(6))
    method = HierarchicalShapley(samples=samples)
    texts = ["bad film", "good film bad good", "film good", "bad bad good film good"]
    both = method(subject, texts, score="output")
    for i, text in enumerate(texts):
        alone = method(subject, [text], score="output")
        np.testing.assert_allclose(alone.token_values[0], both.token_values[i], atol=1e-5)
        each = TABLE[[Tokenizer.words.index(word) for word in text.split()], 0]
        total = each.sum() + each.sum() ** 2 / 2
        np.testing.assert_allclose(both.token_values[i].sum(), total, rtol=1e-5)


def test_one_sentence_of_single_tokens_gives_shapley_values():
    subject = Subject(of_ids(), tokenizer=Tokenizer())
    texts = ["good film bad", "bad film"]
    a = HierarchicalShapley()(subject, texts, score="output")
    b = KernelSHAP()(subject, texts, score="output")
    np.testing.assert_allclose(a.token_values, b.token_values, rtol=1e-4, atol=1e-5)


def test_levels_are_those_in_which_groups_of_tokens_lie_whole():
    tokens = Subject(bert()).encoder.encode([TWO]).tokens
    every = levels_of(tokens, groups_of(tokens, None))[0]
    np.testing.assert_array_equal(every, [[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 2, 3, 4, 5]])
    across = groups_of(tokens, None).copy()
    across[0, 7] = 0  # "again" goes with the first token
    across[0, 8] = 6 - 1
    assert len(levels_of(tokens, across)[0]) == 0


def test_groups_of_texts_are_not_for_the_user_to_say():
    with pytest.raises(InvalidInputError, match="sentences and words are their groups"):
        HierarchicalShapley(groups=[0, 1])(Subject(bert()), [TWO])
