"""Models that take strings, with a `TextVectorization` inside."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.text.encoders import Encoder
from tfxai.text.pieces import Style

_UNKNOWN = 1


def vectorization_of(model: keras.Model) -> keras.layers.TextVectorization | None:
    """The layer in which a model of one string input makes ids of words, None where none does."""
    declared = getattr(model, "inputs", None)
    if declared is not None and (len(declared) != 1 or declared[0].dtype != "string"):
        return None
    layers = [one for one in model._flatten_layers() if _makes_ids(one)]
    return layers[0] if len(layers) == 1 else None


def _makes_ids(layer: Any) -> bool:
    is_one = isinstance(layer, keras.layers.TextVectorization)
    return is_one and layer.get_config()["output_mode"] == "int"


class VectorizationEncoder(Encoder):
    """A `TextVectorization` that gives ids.

    Args:
        layer: Id 0 is padding, 1 a word that it does not know.
    """

    pad_id = 0
    mask_id = _UNKNOWN

    def __init__(self, layer: keras.layers.TextVectorization) -> None:
        self.layer = layer
        self._vocabulary = [str(one) for one in layer.get_vocabulary()]

    @property
    def size(self) -> int:
        """Number of ids, those of padding and of unknown words among them."""
        return len(self._vocabulary)

    def inputs(self, texts: Sequence[str]) -> dict[str, Array]:
        """The ids, filled up to the layer's length or to that of the longest text."""
        made = self.layer(tf.constant(list(texts)))
        return {"": np.asarray(made.to_tensor() if hasattr(made, "to_tensor") else made)}

    def piece(self, token_id: int) -> str:
        """The word of an id; padding is the empty word."""
        return self._vocabulary[token_id] if token_id < len(self._vocabulary) else "[UNK]"

    def special_ids(self) -> frozenset[int]:
        """None: the layer adds nothing but padding."""
        return frozenset()

    def unknown_id(self) -> int | None:
        """The id of words that the vocabulary lacks."""
        return _UNKNOWN

    def style(self, pieces: Sequence[str]) -> Style:
        """Each token is a word."""
        return Style("words")

    def length(self, text: str) -> int | None:
        """Number of words before the layer cuts."""
        if not self._limit:
            return None
        return int(np.count_nonzero(np.asarray(self._unlimited([text]))))

    @property
    def _limit(self) -> int | None:
        limit = self.layer.get_config()["output_sequence_length"]
        return None if limit is None else int(limit)

    @functools.cached_property
    def _unlimited(self) -> keras.layers.TextVectorization:
        """The layer without its limit."""
        config = self.layer.get_config()
        names = ("standardize", "split", "ngrams", "encoding")
        kept = {name: config[name] for name in names if name in config}
        known = [word for word in self._vocabulary[2:] if word]
        return keras.layers.TextVectorization(**kept, output_mode="int", vocabulary=known)
