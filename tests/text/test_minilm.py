"""A classifier of sentences as people have them: MiniLM, fine-tuned on SST-2."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tests.text.readers import minilm
from tfxai import FeatureAblation, IntegratedGradients, Subject

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer"),
]
COUNT = 500


@pytest.fixture(scope="module")
def subject(test_data):
    return Subject(minilm(test_data), tfxai.Card(name="sst2", classes=("negative", "positive")))


@pytest.fixture(scope="module")
def sentences(test_data):
    lines = (test_data / "data/sst2/test.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0] for line in lines]


def test_values_at_the_embedding_add_up_within_a_hundredth(subject, sentences):
    a = IntegratedGradients(tolerance=0.01)(subject, sentences[:1], target="positive")
    assert a.at == "bert_backbone/token_embedding"
    difference = np.abs(a.score - a.baseline_score)
    assert (np.abs(a.completeness_gap) <= 0.01 * difference).all()
    sums = [one["word"] for one in a.token_sums()]
    np.testing.assert_allclose(sums, a.score - a.baseline_score, atol=0.01 * difference.max())


def test_a_dropped_token_leaves_the_shorter_sentence(subject):
    text = "a fine film"
    a = FeatureAblation()(subject, [text], target="positive", score="output")
    encoded = subject.encoder.encode([text]).inputs
    for place in (1, 2, 3):
        kept = [i for i in range(5) if i != place]
        shorter = {name: array[:, kept] for name, array in encoded.items()}
        left = float(subject.model(shorter).numpy()[0, 1])
        np.testing.assert_allclose(a.score[0] - a.token_values[0, place], left, atol=1e-5)


def test_the_attributions_of_many_sentences_are_a_small_file(subject, sentences, tmp_path):
    few = tfxai.Saliency(absolute=False)(subject, sentences[:4], 1).by_token()
    many = few[np.arange(COUNT) % 4]
    with np.load(many.save(tmp_path / "many")) as file:
        assert sum(file[name].nbytes for name in file.files) <= 5e6  # before it is compressed
