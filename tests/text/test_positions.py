"""A token that is dropped leaves no gap in the positions either."""

import keras
import numpy as np
import pytest

from tests.text.readers import TABLE, Tokenizer
from tfxai import FeatureAblation, Subject

LENGTH = 5


def model():
    """The sum of each word's number times one more than its position."""
    parts = {
        name: keras.Input((LENGTH,), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask", "position_ids")
    }
    vectors = keras.layers.Embedding(5, 1, name="words")
    weight = keras.ops.cast(parts["padding_mask"] * (1 + parts["position_ids"]), "float32")
    made = keras.Model(
        parts, keras.ops.sum(vectors(parts["token_ids"]) * weight[..., None], axis=1)
    )
    vectors.set_weights([TABLE])
    return made


class Placing(Tokenizer):
    """It says where each token stands, and fills up on either side."""

    def __init__(self, fills_left):
        super().__init__(LENGTH)
        self.fills_left = fills_left

    def __call__(self, texts):
        rows = {"token_ids": [], "padding_mask": [], "position_ids": []}
        for text in texts:
            ids = [self.words.index(word) for word in text.split()]
            empty = [0] * (LENGTH - len(ids))
            for name, own in zip(rows, (ids, [1] * len(ids), list(range(len(ids)))), strict=True):
                rows[name].append(empty + own if self.fills_left else own + empty)
        return {name: np.array(row) for name, row in rows.items()}


@pytest.mark.parametrize("fills_left", [False, True])
def test_dropping_is_the_shorter_text(fills_left):
    subject = Subject(model(), tokenizer=Placing(fills_left))
    words = ["good", "bad", "film"]
    a = FeatureAblation()(subject, [" ".join(words)], score="output")
    whole = subject.predict([" ".join(words)])[0, 0]
    expected = [
        whole - subject.predict([" ".join(words[:i] + words[i + 1 :])])[0, 0] for i in range(3)
    ]
    found = [value for _, value in a.words()[0]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
