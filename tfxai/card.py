"""What is known about a trained model, in a small JSON file beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing
from tfxai.reprs import facts_html, listed, shown

EXTRA = "assets.extra"
"""The folder of a SavedModel that is for others than TensorFlow."""
RECORD = "tfxai_explain.json"
"""What an export says of itself there: among other things what a card does."""


_MOST_NOTES = 5  # in a notebook


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What is known about a trained model.

    Args:
        name: Name of the model, as `tfxai.load` takes it.
        classes: Name of each output, in order; empty if unknown.
        input_shape: Shape of one input, without the batch, such as (32, 32, 3).
        preprocessing: From pixels 0..255 to what the model takes; its name will do.
        dataset: What it was trained on, such as `"cifar10"`.
        accuracy: Share of the test images that it classifies rightly, in [0, 1].
        test_images: Number of test images behind `accuracy`.
        epochs: Passes over the training images.
        batch_size: Images per step of training.
        seed: Seed of the training.
        command: The command that trains it again.
        versions: Versions of what it was trained with: package name to version.
        licence: Licence of the weights.
        sha256: Digest of each of the model's files: file name to 64 hexadecimal digits.
        created: When the card was written, UTC, ISO 8601.
        notes: What else to know, one sentence each.
    """

    name: str
    classes: tuple[str, ...] = ()
    input_shape: tuple[int, ...] | None = None
    preprocessing: Preprocessing | None = None
    dataset: str | None = None
    accuracy: float | None = None
    test_images: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    seed: int | None = None
    command: str | None = None
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    licence: str | None = None
    sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)
    created: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        preprocessing: Any = self.preprocessing
        if isinstance(preprocessing, str):
            object.__setattr__(self, "preprocessing", Preprocessing(preprocessing))
        classes: Any = self.classes
        if isinstance(classes, str):
            raise InvalidInputError(
                f"classes={self.classes!r} was expected to be a tuple of names, one an output."
            )

    def __repr__(self) -> str:
        parts = [shown(self.name)]
        if self.classes:
            parts.append(f"{len(self.classes)} classes")
        if self.input_shape:
            parts.append(f"input {self.input_shape}")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.1%}")
        return f"Card({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """What is known of the model as a small table, for notebooks."""
        tested = f" on {self.test_images:,} test images" if self.test_images else ""
        versions = [f"{name} {version}" for name, version in self.versions.items()]
        prepared = self.preprocessing
        facts = [
            ("Classes", listed([str(one) for one in self.classes])),
            ("Input", "" if self.input_shape is None else str(self.input_shape)),
            ("Preprocessing", "" if prepared is None else prepared.name),
            ("Dataset", self.dataset or ""),
            ("Accuracy", "" if self.accuracy is None else f"{self.accuracy:.2%}{tested}"),
            ("Epochs", "" if self.epochs is None else f"{self.epochs:,}"),
            ("Command", self.command or ""),
            ("Versions", listed(versions)),
            ("Licence", self.licence or ""),
            ("Created", self.created or ""),
            *(("Note", note) for note in self.notes[:_MOST_NOTES]),
        ]
        return facts_html(repr(self), facts)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain JSON types, with the range of the input beside it."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.preprocessing is not None:
            record["preprocessing"] = self.preprocessing.to_dict()
            record["input_range"] = self.preprocessing.input_range
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Card:
        """The card that `to_dict` wrote.

        Raises:
            InvalidInputError: The record is no card, or one of its values is of a wrong kind.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(record, Mapping) or not isinstance(record.get("name"), str):
            raise InvalidInputError(
                "The record is no card of a model: it has no name. Write one with Card.write."
            )
        values = {key: value for key, value in record.items() if key in known}
        try:
            values = _checked(values)
            if values.get("preprocessing") is not None:
                values["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
            for key in ("versions", "sha256"):
                values[key] = {str(k): str(v) for k, v in dict(values.get(key) or {}).items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"The card of {record['name']!r} has a value of a wrong kind: {error}"
            ) from error
        return cls(**values)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Card:
        """The card in that file.

        Raises:
            DataNotFoundError: There is no such file.
            InvalidInputError: It holds no card.
        """
        path = Path(path)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataNotFoundError(
                f"There is no card {str(path)!r}. Pass the path of a model's NAME.json."
            ) from error
        except (OSError, RecursionError, ValueError) as error:
            raise InvalidInputError(
                f"{str(path)!r} cannot be read as JSON. Pass the path of a model's NAME.json."
            ) from error
        try:
            return cls.from_dict(record)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{str(path)!r} is read as the card of a model, since it is named so. {error} "
                "Or rename the file, if it is none."
            ) from error

    @classmethod
    def of_export(cls, folder: str | os.PathLike[str]) -> Card | None:
        """What the record of an export says of the model, None where there is no record.

        Args:
            folder: Folder of the SavedModel.

        Raises:
            InvalidInputError: It holds no such record.
        """
        path = Path(folder) / EXTRA / RECORD
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            named = {"name": record["model"], "classes": record["class_names"] or ()}
            values = {**named, "preprocessing": record["preprocessing"]}
        except (LookupError, OSError, RecursionError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{str(path)!r} is no record of an export. Export the model again, or remove it."
            ) from error
        return cls.from_dict(values)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the card; the file is replaced in one step.

        Raises:
            OutputError: The file cannot be written.
        """
        with replacing(path) as part:
            part.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")


# What a file may hold where a card has a value, or several values of a kind.
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("dataset", "command", "licence", "created"), (str,)),
    **dict.fromkeys(("test_images", "epochs", "batch_size", "seed"), (int,)),
    "accuracy": (int, float),
}
_ITEMS = {"classes": str, "input_shape": int, "notes": str}


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a record that are there, sequences as tuples; `TypeError` for a wrong kind."""
    values = {key: value for key, value in values.items() if value is not None}
    for key, value in values.items():
        sound = not isinstance(value, bool)
        if key in _KINDS:
            sound &= isinstance(value, _KINDS[key])
            sound &= not isinstance(value, float) or math.isfinite(value)
        elif key in _ITEMS:
            sound &= isinstance(value, list | tuple)
            sound = sound and all(isinstance(item, _ITEMS[key]) for item in value)
        if not sound:
            raise TypeError(f"{key} is {str(value)[:60]!r}.")
    return {key: tuple(value) if key in _ITEMS else value for key, value in values.items()}


def card_path(model_path: str | os.PathLike[str]) -> Path:
    """Where the card of that model lies.

    `card.json` for a file `model-DIGEST.keras` or `.h5` in the folder of a saved model, else
    `NAME.json` beside the file.
    """
    path = Path(model_path)
    own = path.with_name("card.json")
    is_saved = path.stem.startswith("model-") and path.suffix in (".keras", ".h5")
    return own if is_saved and own.is_file() else path.with_suffix(".json")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
