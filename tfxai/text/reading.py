"""Which models take texts, and which inputs are texts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfxai.errors import InvalidInputError
from tfxai.text.encoders import Encoder
from tfxai.text.keras_hub import KerasHubEncoder, is_preprocessor, is_task
from tfxai.text.own import OwnEncoder
from tfxai.text.vectorization import VectorizationEncoder, vectorization_of


def encoder_of(model: keras.Model, tokenizer: Any = None) -> Encoder | None:
    """How texts reach a model: by a tokenizer, or by what it has inside; None where they do not.

    Args:
        model: A KerasHub task with its preprocessor, a model with one `TextVectorization`, or any
            model of ids where `tokenizer` is given.
        tokenizer: A preprocessor of KerasHub, a `TextVectorization`, or a callable from a list of
            texts to ids (B, T), or to a dict of ids and masks, which can go back:
            `id_to_token(id)`, `convert_ids_to_tokens(ids)` or `get_vocabulary()`.

    Raises:
        InvalidInputError: The tokenizer is no callable, or cannot go back to tokens.
    """
    if tokenizer is None:
        if is_task(model):
            return KerasHubEncoder(model.preprocessor)
        layer = vectorization_of(model)
        return None if layer is None else VectorizationEncoder(layer)
    if is_preprocessor(tokenizer):
        return KerasHubEncoder(tokenizer)
    if isinstance(tokenizer, keras.layers.TextVectorization):
        return VectorizationEncoder(tokenizer)
    return OwnEncoder(tokenizer)


def texts_of(inputs: Any) -> list[str] | None:
    """The texts of a batch, None where it is no batch of texts.

    Raises:
        InvalidInputError: It is one text without a batch around it, or texts beside other things.
    """
    if isinstance(inputs, str | bytes):
        raise InvalidInputError(
            "The inputs are one text, and a batch of texts was expected. Pass a list: [text]."
        )
    array = _objects(inputs)
    if array is None:
        return None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    strange = [type(one).__name__ for one in array.ravel() if not isinstance(one, str | bytes)]
    if array.ndim != 1 or (strange and len(strange) == array.size):
        return None
    if strange:
        raise InvalidInputError(
            f"The texts hold a {strange[0]}, and a str was expected for each example."
        )
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in array]


def _objects(inputs: Any) -> np.ndarray[Any, Any] | None:
    """A batch as an array of objects, None where it is no array and no list."""
    if getattr(getattr(inputs, "dtype", None), "name", "") == "string":
        inputs = inputs.numpy() if hasattr(inputs, "numpy") else inputs
    if hasattr(inputs, "to_numpy"):
        inputs = inputs.to_numpy()
    if isinstance(inputs, list | tuple) and any(isinstance(one, str | bytes) for one in inputs):
        return np.array([*inputs, None], dtype=object)[:-1]  # never two axes
    if isinstance(inputs, list | tuple):  # of lists with one text each
        is_column = all(isinstance(one, list | tuple) and len(one) == 1 for one in inputs)
        return np.asarray(inputs, dtype=object) if inputs and is_column else None
    is_text = isinstance(inputs, np.ndarray) and inputs.dtype.kind in "OSU"
    return np.asarray(inputs, dtype=object) if is_text else None
