"""Writes a model to a file: never half of it, never its optimiser."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path

import keras

from tfxai.card import Card, card_path, sha256_of
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing
from tfxai.registry.locking import locked
from tfxai.registry.naming import SUFFIXES, is_model_file
from tfxai.registry.serialising import write_model


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write the architecture and the weights of a model, without its optimiser.

    The file is written beside `path` and then put in its place in one step.

    Args:
        model: A Sequential or Functional model.
        path: A file that ends in `.keras` or `.h5`.

    Raises:
        InvalidInputError: The path has another ending, or an `.h5` file could not hold the model.
        OutputError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InvalidInputError(
            f"{str(path)!r} does not name a model file. Let it end in .keras or .h5."
        )
    with replacing(path) as part:
        write_model(model, part)


def save_twin(path: str | os.PathLike[str], suffix: str = ".h5") -> Path:
    """Write the same weights in the other file format, and note it on the card.

    Args:
        path: A model file that ends in `.keras` or `.h5`.
        suffix: Suffix of the new file beside it: `".h5"` or `".keras"`.

    Returns:
        The path of the new file.

    Raises:
        DataNotFoundError: There is no model file at `path`.
        InvalidInputError: `suffix` is none of the two, or the file's own, or an `.h5` file could
            not hold the model.
        OutputError: A file cannot be written.
    """
    path = Path(path)
    if not path.exists():
        raise DataNotFoundError(f"There is no model {str(path)!r}. Train it, or correct the path.")
    twin = path.with_suffix(suffix)
    if twin == path:
        raise InvalidInputError(
            f"suffix={suffix!r} is that of {str(path)!r} itself. Pass the other one."
        )
    is_kept = is_model_file(path.name)  # by a registry, where it may be replaced meanwhile
    with locked(path.parent.parent) if is_kept else contextlib.nullcontext():
        save_model(keras.models.load_model(path, compile=False, safe_mode=True), twin)
        if card_path(path).exists():
            card = Card.read(card_path(path))
            digests = {**card.sha256, path.name: sha256_of(path), twin.name: sha256_of(twin)}
            dataclasses.replace(card, sha256=digests).write(card_path(path))
    return twin
