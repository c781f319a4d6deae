"""A model together with what is known about it."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.card import Card
from tfxai.classes import both_classes, names_fit
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.backend import require_model
from tfxai.core.model.head import single_output
from tfxai.core.model.structure import ModelStructure, model_structure
from tfxai.core.program import forward
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.text.encoders import Encoder
from tfxai.text.networks import BehindLookup, around
from tfxai.text.reading import encoder_of, texts_of
from tfxai.text.vectorization import VectorizationEncoder

_ROWS = 256  # examples predicted at once
_SCALED_TWICE = 0.05  # share of the range that first layers expect which a card's gives at most


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A Keras model and its card: class names, preprocessing, where it comes from.

    Args:
        model: A built Keras 3 model on the TensorFlow backend.
        card: What is known about it, or None.
        tokenizer: How texts become what the model takes, for a model of ids: a preprocessor of
            KerasHub, a `TextVectorization`, or a callable from a list of texts to ids (B, T) or
            a dict of ids and masks, with `id_to_token(id)`, `convert_ids_to_tokens(ids)` or
            `get_vocabulary()`. Not needed for a KerasHub task with its preprocessor, nor for a
            model that takes strings with a `TextVectorization` inside.

    Raises:
        UnsupportedModelError: `model` is no such model.
        InvalidInputError: The tokenizer cannot go back to tokens.
    """

    model: keras.Model
    card: Card | None = None
    tokenizer: Any = None

    def __post_init__(self) -> None:
        require_model(self.model)
        if self.tokenizer is not None:
            _ = self.encoder

    @functools.cached_property
    def encoder(self) -> Encoder | None:
        """How texts become what the model takes; None where it takes none."""
        return encoder_of(self.model, self.tokenizer)

    def texts(self, inputs: Any) -> list[str] | None:
        """The texts of a batch; None where the model takes no texts, or the batch holds none.

        Raises:
            InvalidInputError: It is one text without a batch around it.
        """
        return texts_of(inputs) if self.encoder is not None else None

    @property
    def of_ids(self) -> keras.Model:
        """The model as one of ids: what it is itself, or behind the look-up inside of it."""
        if not isinstance(self.encoder, VectorizationEncoder) or self.tokenizer is not None:
            return self.model
        return around(self.model, "ids", lambda: BehindLookup(self.model))

    @classmethod
    def of(cls, model: keras.Model | Subject) -> Subject:
        """`model` itself if it is a subject, else a subject without a card."""
        return model if isinstance(model, Subject) else cls(model)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names in the order of the outputs, or None; of one unit those of 0 and 1."""
        names = tuple(self.card.classes) if self.card else ()
        shape = getattr(self.model, "output_shape", None) if len(names) == 1 else None
        is_one_unit = isinstance(shape, tuple) and shape[1:] in ((), (1,))
        return (both_classes(names) if is_one_unit else names) or None

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How pixels become the model's input, or None where nothing is known."""
        return self.card.preprocessing if self.card else None

    def prepare(self, inputs: Any) -> Any:
        """Pixels (uint8) preprocessed as the card says; anything else as it is.

        Raises:
            InvalidInputError: Other numbers lie so far from what the preprocessing gives that they
                must be pixels too.
        """
        if self.preprocessing is None:
            return inputs
        if _is_pixels(inputs):
            return self.preprocessing.apply(np.asarray(inputs))
        if isinstance(inputs, np.ndarray):  # what a card knows holds for uint8 only
            advice = "Pass pixels as uint8, or preprocess them first."
            self.preprocessing.check_range("The inputs run", inputs, advice)
        return inputs

    def scaled_twice(self, body: ModelStructure) -> str | None:
        """That the card scales pixels and the model's first layers do so again, where they do."""
        if self.preprocessing is None or not body.span:
            return None
        low, high = (float(np.mean(end)) for end in self.preprocessing.input_range)
        if high - low > _SCALED_TWICE * body.span:
            return None
        return (
            f"The preprocessing {self.preprocessing.name!r} gives pixels a range "
            f"{high - low:.3g} wide, {(high - low) / body.span:.1%} of what the model's first "
            f"layers expect, {body.span:.3g}: they scale pixels themselves. Take the "
            "preprocessing 'none'."
        )

    @functools.cached_property
    def _told(self) -> list[str]:
        """What was warned of: each sentence once."""
        return []

    def _warn_of_range(self, layout: Layout) -> None:
        if self.preprocessing is None or self._told:
            return
        said = self.scaled_twice(model_structure(self.model, layout.plain))
        self._told.append(said or "")
        if said is not None:
            warnings.warn(said, TfxaiWarning, stacklevel=3)

    def check_classes(self, body: ModelStructure) -> None:
        """Raises `InvalidInputError` where the card names more or fewer classes than there are."""
        axes = body.outputs[0] if len(body.outputs) == 1 else ()
        count = axes[-1] if axes else None
        named = len(self.classes or ())
        if not named or count is None or names_fit(named, count):
            return
        raise InvalidInputError(
            f"The card {getattr(self.card, 'name', None)!r} names {named} classes, and the model "
            f"has {count} outputs. Correct the classes of the card."
        )

    def predict(self, inputs: Any) -> Array:
        """What the model returns, (B, N), 256 examples at a time.

        Args:
            inputs: A batch: uint8 pixels where the card knows the preprocessing, else numbers
                as the model takes them; a list of texts where the model takes texts.

        Raises:
            InvalidInputError: The inputs do not fit the model.
            UnsupportedModelError: The model has several outputs.

        Warns:
            TfxaiWarning: The card scales pixels, and the model does so again; said once.
        """
        model, texts = self.model, self.texts(inputs)
        if texts is not None and self.encoder is not None:
            model, inputs = self.of_ids, self.encoder.encode(texts).given()
        layout, leaves = read_inputs(model, self.prepare(inputs))
        self._warn_of_range(layout)
        run = forward(model, layout)
        parts = []
        for start in range(0, len(leaves[0]), _ROWS):
            tensors = [tf.convert_to_tensor(leaf[start : start + _ROWS]) for leaf in leaves]
            parts.append(np.asarray(single_output(run(tensors))))
        return np.concatenate(parts)


def _is_pixels(inputs: Any) -> bool:
    dtype = getattr(inputs, "dtype", None)
    if dtype is None and isinstance(inputs, list | tuple) and inputs:
        return all(getattr(one, "dtype", None) == np.uint8 for one in inputs)
    return dtype is not None and str(getattr(dtype, "name", dtype)) == "uint8"
