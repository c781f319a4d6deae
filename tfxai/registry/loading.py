"""Loading a model and its card without running code that the file brings along."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.card import Card, card_path
from tfxai.errors import ModelFileError
from tfxai.registry.folders import find, reading_whole

if TYPE_CHECKING:
    from tfxai.subject import Subject

# What Keras, h5py, zipfile and json raise on files that are cut short, damaged or no models.
_DEFECTS = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)

_UNKNOWN = re.compile(r"Could not locate (class|function) '([^']+)'")  # in what Keras says


@reading_whole
def load(
    name_or_path: str | os.PathLike[str], custom_objects: dict[str, Any] | None = None
) -> Subject:
    """A trained model with its card.

    Args:
        name_or_path: As for `find`.
        custom_objects: Classes and functions that the model uses and Keras does not have, by name.

    Returns:
        A `Subject`, not compiled; its card is read from `NAME.json` beside the file, and None
        where there is no such file.

    Raises:
        DataNotFoundError: There is no file at that path.
        UnknownNameError: No model has that name.
        ModelFileError: The file holds no model that Keras can load safely.
        InvalidInputError: The card cannot be read.
        UnsupportedModelError: Keras runs on another backend than TensorFlow.
    """
    from tfxai.core.backend import require_tensorflow
    from tfxai.subject import Subject

    require_tensorflow()
    path = find(name_or_path)
    beside = card_path(path)
    card = Card.read(beside) if beside.exists() else None
    return Subject(_model(path, custom_objects), card)


def _model(path: Path, custom_objects: dict[str, Any] | None) -> Any:
    import keras

    try:
        with warnings.catch_warnings():  # about the training state, which is not loaded
            warnings.simplefilter("ignore")
            return keras.saving.load_model(
                path, custom_objects=custom_objects, compile=False, safe_mode=True
            )
    except _DEFECTS as error:
        own = _UNKNOWN.search(str(error))
        reason, advice = _reason(error), "Pass a whole .keras or .h5 file."
        if own is not None:
            reason = f"it uses the {own[1]} {own[2]!r}, which is not Keras' own"
            advice = "Pass that to tfxai.load in custom_objects."
        raise ModelFileError(
            f"{str(path)!r} holds no model that Keras can load safely: {reason}. {advice}"
        ) from error


def _reason(error: Exception) -> str:
    """The error's first sentence, to stand inside another one."""
    text = " ".join(str(error).split())
    if text.startswith("File not found"):  # what Keras says of a file that is no zip file
        return "it is no whole zip archive"
    first = text.partition(". ")[0].rstrip(".")
    first = f"{first[:160]}..." if len(first) > 160 else first
    said = isinstance(error, OSError | TypeError | ValueError) and first
    return first if said else f"{type(error).__name__} {first}".strip()
