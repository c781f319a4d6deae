"""Small models of texts: of KerasHub's layers, with a look-up inside, of ids with a tokenizer."""

from __future__ import annotations

import functools
import os
from typing import Any

import keras
import numpy as np
import pytest

LENGTH = 12
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fine", "film", "bad", "##ly", "made",
         ".", "!", "never", "again", "<", ">", "b", "/")  # fmt: skip
TABLE = np.array([[0.0], [0.5], [2.0], [-3.0], [0.25]])
"""Of `looked_up`: padding, unknown, good, bad, film."""


@functools.cache
def bert() -> Any:
    """A random `BertTextClassifier` of one layer with its preprocessor, twelve tokens long."""
    keras_hub = pytest.importorskip("keras_hub")
    models = keras_hub.models
    keras.utils.set_random_seed(3)
    tokenizer = models.BertTokenizer(vocabulary=list(WORDS), lowercase=True)
    preprocessor = models.BertTextClassifierPreprocessor(tokenizer, sequence_length=LENGTH)
    backbone = models.BertBackbone(
        vocabulary_size=len(WORDS), num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=LENGTH, name="reader",
    )  # fmt: skip
    model = models.BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor)
    rng = np.random.default_rng(5)
    for variable in model.trainable_variables:
        if "gamma" not in variable.path:
            variable.assign(rng.normal(scale=0.4, size=variable.shape))
    return model


def looked_up(length: int | None = 4) -> keras.Model:
    """Sum of one number for each word, taken from strings."""
    text = keras.Input((1,), dtype="string", name="text")
    lookup = keras.layers.TextVectorization(
        vocabulary=["good", "bad", "film"], output_sequence_length=length, name="lookup"
    )
    vectors = keras.layers.Embedding(5, 1, name="words")
    model = keras.Model(text, keras.ops.sum(vectors(lookup(text)), axis=1))
    vectors.set_weights([TABLE])
    return model


def of_ids(length: int = 4) -> keras.Model:
    """The same sum from ids and a mask, to the square: tokens act together."""
    ids = keras.Input((length,), dtype="int32", name="token_ids")
    mask = keras.Input((length,), dtype="int32", name="padding_mask")
    vectors = keras.layers.Embedding(5, 1, name="words")
    there = keras.ops.cast(mask, "float32")[..., None]
    total = keras.ops.sum(vectors(ids) * there, axis=1)
    model = keras.Model({"token_ids": ids, "padding_mask": mask}, total + 0.5 * total**2)
    vectors.set_weights([TABLE])
    return model


class Tokenizer:
    """A tokenizer of one's own for `of_ids`, that cuts at spaces."""

    words = ("", "?", "good", "bad", "film")
    pad_token_id = 0
    unk_token_id = 1

    def __init__(self, length: int = 4) -> None:
        self.length = length

    def __call__(self, texts: list[str]) -> dict[str, Any]:
        known = {word: i for i, word in enumerate(self.words)}
        rows = [[known.get(word, 1) for word in text.split()][: self.length] for text in texts]
        filled = [row + [0] * (self.length - len(row)) for row in rows]
        return {"token_ids": filled, "padding_mask": [[int(i > 0) for i in row] for row in filled]}

    def id_to_token(self, one: int) -> str:
        return self.words[one]


def minilm(test_data: Any) -> Any:
    """The MiniLM of the shared models, fine-tuned on SST-2."""
    keras_hub = pytest.importorskip("keras_hub")
    path = test_data / "models" / "minilm_sst2"
    if not path.is_dir():
        pytest.skip(f"{os.fspath(path)} is not there")
    return keras_hub.models.BertTextClassifier.from_preset(os.fspath(path), dtype="float32")
