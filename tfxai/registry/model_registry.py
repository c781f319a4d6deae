"""A folder of trained models, each with its card and history, kept so that none is ever half."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from tfxai.card import Card, sha256_of
from tfxai.classes import names_fit
from tfxai.errors import (
    InvalidInputError,
    ModelFileError,
    OutputError,
    UnknownNameError,
    UnsupportedModelError,
)
from tfxai.inspection.report import BROKEN
from tfxai.registry.entries import Check, Entry, checks, entries, entry, known
from tfxai.registry.folders import home, locate, own, roots
from tfxai.registry.history import write_history
from tfxai.registry.layouts import Stored, names_in, stored
from tfxai.registry.naming import (
    CARD_FILE,
    ENDINGS,
    SUFFIXES,
    check_name,
    is_model_file,
    kept_name,
)
from tfxai.registry.saving import remove_model, saving

if TYPE_CHECKING:
    import keras

    from tfxai.subject import Subject

Checks: TypeAlias = list[Check]  # which the registry's own `list` hides
_log = logging.getLogger("tfxai.registry")


@final
class ModelRegistry:
    """The trained models of one folder, each in a folder of its own with its card and history.

    The folder `NAME` holds `card.json`, and the model and history that this card names. The last
    step of a save is one rename: a kill at any moment leaves the earlier model with its card and
    history, or the new one, and two processes that save at once lose nothing (on Windows they are
    not kept apart). A name leads to nothing outside this folder. Models of the old layout, with
    `NAME.keras` or `NAME.h5`, `NAME.json` and `NAME.history.json` side by side, are read, verified
    and removed; saving moves them to the new one. Where a name has both, the folder is the model.
    TensorFlow is loaded by `get` and `save` only.

    Args:
        root: The folder; made by the first `save`. None: the one that the environment variable
            `TFXAI_MODELS` names, else `./models` where there is one, else that of the models
            which come with tfxai. The last is not written to unless it is passed.

    Raises:
        DataNotFoundError: `TFXAI_MODELS` names no folder.

    Example:
        >>> registry = ModelRegistry()
        >>> [check.state for check in registry.verify("cifar10_cnn")]
        ['ok', 'ok', 'ok']
        >>> registry["cifar10_cnn"].card.accuracy
        0.8736
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        folders = roots() if root is None else [Path(root)]
        self.root = folders[0] if folders else own()
        self._fell_back = root is None and not home().is_dir()

    def list(self) -> list[Entry]:
        """All models, by name.

        Raises:
            OutputError: An earlier version of tfxai left a save unfinished there.
        """
        return [*entries(self.root)] if self.root.is_dir() else []

    def __getitem__(self, name: str) -> Entry:
        """What is known about a model, without loading it.

        Raises:
            InvalidInputError: It is no name, or one of its files is a link that leads outside.
            UnknownNameError: No model has that name.
            OutputError: An earlier version of tfxai left a save unfinished there.
        """
        found = entry(self.root, name)
        if found is None:
            raise self._unknown(name)
        return found

    def get(
        self,
        name: str,
        *,
        trust: bool = False,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Subject:
        """The model of that name with its card, as `tfxai.load` loads it.

        Args:
            name: Name of the model.
            trust: As for `tfxai.load`.
            custom_objects: As for `tfxai.load`.

        Raises:
            InvalidInputError: It is no name, or one of its files is a link that leads outside.
            UnknownNameError: No model has that name.
            ModelFileError: The file holds no model that can be loaded safely.
            UnsafeModelError: The scan advises against loading the file; see its `report`.
            OutputError: An earlier version of tfxai left a save unfinished there.
        """
        from tfxai.registry.loading import load_stored

        return load_stored(lambda: self._stored(name), trust=trust, custom_objects=custom_objects)

    def save(
        self,
        model: keras.Model,
        name: str,
        card: Card | None = None,
        history: Mapping[str, Sequence[float]] | None = None,
        *,
        format: str = "keras",
    ) -> Entry:
        """Write a model with its card and history, in the place of the model of that name.

        The earlier model is removed with its card and history, also where no history is passed.

        Args:
            model: A built Keras 3 model. Its optimiser is left out.
            name: Name of the folder.
            card: What is known about it, None for nothing. Its name, digests, day and, where it
                has none, input shape are filled in.
            history: One number per epoch under each name, as Keras' `History.history`.
            format: "keras" or "h5".

        Returns:
            The entry, with the card as it was written.

        Raises:
            InvalidInputError: It is no name, there is no such format or it could not hold the
                model, the history holds no numbers, or the card names more or fewer classes than
                the model has outputs.
            UnsupportedModelError: `model` is no such model.
            OutputError: The folder cannot be written to, or the disk is full; the earlier model
                is as it was.
        """
        check_name(name)
        suffix = f".{format}"
        if suffix not in SUFFIXES:
            raise InvalidInputError(f"format={format!r} is none of 'keras' and 'h5'. Pass one.")
        numbers = None if history is None else _numbers(history)
        from tfxai.core.model.backend import require_model
        from tfxai.registry.serialising import write_model
        from tfxai.subject import Subject

        if isinstance(model, Subject):
            raise UnsupportedModelError(
                "Got a Subject where its model was expected. Pass subject.model, and subject.card."
            )
        require_model(model)
        if card is not None and not isinstance(card, Card):
            raise InvalidInputError(
                f"card={card!r} was expected to be a tfxai.Card. Pass tfxai.Card(name=..., "
                "classes=...), or leave it out."
            )
        card = Card(name=name) if card is None else card
        _check_classes(card, getattr(model, "output_shape", None))
        card = _with_shape(card, getattr(model, "input_shape", None))
        self._check_own(name)
        with saving(self.root, name) as stage:
            write_model(model, stage / f"model{suffix}")
            if numbers is not None:
                write_history(numbers, stage / "history.json")
            _write_card(stage, name, card)
        return self[name]

    def add(
        self,
        file: str | os.PathLike[str],
        name: str | None = None,
        card: Card | None = None,
        *,
        trust: bool = False,
        replace: bool = False,
    ) -> Entry:
        """Copy a model file into the registry, after a scan for what is harmful in it.

        The copy is scanned, so what was looked at is what is kept. Nothing is loaded.

        Args:
            file: A `.keras` or `.h5` file, or the folder of a saved model. Its history comes
                along.
            name: Name of the model; None for that of the file or folder.
            card: What is known about it; None for the card beside the file, if there is one. Its
                name, digests, day and, where it has none, input shape are filled in.
            trust: Add it although the scan refuses it, or although the card beside it was written
                for another file. This is logged as a warning.
            replace: In the place of an earlier model of that name.

        Returns:
            The entry, with the card as it was written.

        Raises:
            DataNotFoundError: There is no such file.
            ModelFileError: It is no model file, or the scan refuses it.
            InvalidInputError: It is no name, it is taken, or the card does not fit the model.
            OutputError: The folder cannot be written to, or the disk is full.
        """
        found = locate(Path(file))
        path = found.files[0]
        name = check_name(found.name if name is None else name)
        self._check_own(name)
        if found.fault:
            raise InvalidInputError(found.fault)
        with saving(self.root, name) as stage:
            if not replace and stored(self.root, name) is not None:
                raise InvalidInputError(
                    f"There is a model {name!r} in {str(self.root)!r} already. Choose another "
                    "name, or let this one take its place (--force)."
                )
            copy = stage / f"model{ENDINGS.get(path.suffix.lower(), path.suffix)}"
            shutil.copyfile(path, copy)
            shape = _scanned(copy, path, trust)
            self._check_digest(found.card, path, copy, trust)
            chosen = card or found.card or Card(name=name)
            _check_classes(chosen, shape[1])
            if found.history is not None:
                shutil.copyfile(found.history, stage / "history.json")
            _write_card(stage, name, _with_shape(chosen, shape[0]))
        return self[name]

    def remove(self, name: str) -> None:
        """Delete a model with its card and history.

        Raises:
            InvalidInputError: It is no name, or one of its files is a link that leads outside.
            UnknownNameError: No model has that name.
            OutputError: The folder cannot be written to.
        """
        if stored(self.root, name) is None:
            raise self._unknown(name)
        self._check_own(name)
        remove_model(self.root, name)

    def verify(self, name: str | None = None) -> Checks:
        """The files of one model, or of all, beside the SHA-256 on their cards.

        Raises:
            InvalidInputError: It is no name, or one of its files is a link that leads outside.
            UnknownNameError: No model has that name.
            OutputError: An earlier version of tfxai left a save unfinished there.
        """
        if name is not None:
            found = checks(self.root, name)
            if not found:
                raise self._unknown(name)
            return found
        if not self.root.is_dir():
            return []
        return [check for one in known(self.root) for check in checks(self.root, one)]

    def _stored(self, name: str) -> Stored:
        found = stored(self.root, name)
        if found is None or not found.files:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> UnknownNameError:
        return UnknownNameError.of(
            "model", name, sorted(names_in(self.root)) if self.root.is_dir() else []
        )

    def _check_own(self, name: str) -> None:
        """Raises where tfxai's own models would be changed without having been named."""
        if self._fell_back:
            raise OutputError(
                f"{str(self.root)!r} holds the models that come with tfxai, and {name!r} is not "
                "changed there. Make a folder ./models, let TFXAI_MODELS name one, or pass root."
            )

    @staticmethod
    def _check_digest(card: Card | None, path: Path, copy: Path, trust: bool) -> None:
        digest = card.sha256.get(path.name) if card else None
        if digest is None or digest.lower() == sha256_of(copy):
            return
        beside = CARD_FILE if is_model_file(path.name) else path.with_suffix(".json").name
        what = f"{str(path)!r} is not the file that its card {beside!r} describes"
        if not trust:
            raise ModelFileError(
                f"{what}: the SHA-256 differs. Get both again, or add it with trust (--trust)."
            )
        _log.warning("Added in spite of it: %s.", what)


def _scanned(copy: Path, path: Path, trust: bool) -> tuple[Any, Any]:
    """The shapes of the model's input and output, or None each, where the scan lets it pass."""
    from tfxai.inspection import inspect

    found = inspect(copy)
    ending = {"hdf5": ".h5", "keras": ".keras"}.get(found.report.format, copy.suffix)
    if copy.suffix != ending:
        raise ModelFileError(
            f"{str(path)!r} is a file of the kind that ends in {ending}. Rename it."
        )
    if ending == ".keras":
        _check_whole(copy, path)
    worst = next(iter(found.report.at("refuse")), None)
    if worst is not None:
        what = f"{str(path)!r} is refused by the scan: {worst.what}"
        where = f" in {worst.where}" if worst.where else ""
        if worst.what in BROKEN:
            raise ModelFileError(f"{what}{where}. {worst.why} Pass a whole .keras or .h5 file.")
        if not trust:
            raise ModelFileError(
                f"{what}{where}. {worst.why} If you know where it comes from, add it with trust "
                "(--trust)."
            )
        _log.warning("Added in spite of it: %s%s. %s", what, where, worst.why)
    ends = (found.inputs, found.outputs)
    shapes = [one[0].shape if len(one) == 1 else None for one in ends]
    return shapes[0], shapes[1]


def _check_whole(copy: Path, path: Path) -> None:
    """Raises where a member of an archive does not have the checksum that it should have."""
    try:
        with zipfile.ZipFile(copy) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError):
        return  # the scan says what it is
    if damaged is not None:
        raise ModelFileError(
            f"{str(path)!r} is damaged: the checksum of {damaged!r} in it is wrong. Get it again."
        )


def _with_shape(card: Card, shape: Any) -> Card:
    """The card with the shape of one input, where it has none and there is one."""
    if card.input_shape is not None or not isinstance(shape, tuple) or len(shape) < 2:
        return card
    if not all(isinstance(size, int) for size in shape[1:]):  # a size is free, or several inputs
        return card
    return dataclasses.replace(card, input_shape=shape[1:])


def _check_classes(card: Card, shape: Any) -> None:
    """Raises where a card names more or fewer classes than the model has outputs."""
    count = shape[-1] if isinstance(shape, tuple) and shape else None
    named = len(card.classes)
    if not named or not isinstance(count, int) or names_fit(named, count):
        return
    raise InvalidInputError(
        f"The card names {named} classes, and the model has {count} outputs. Name one class for "
        "each output."
    )


def _numbers(history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    try:
        return {str(key): [float(one) for one in values] for key, values in history.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidInputError(
            f"history={history!r} does not hold one number per epoch under each name. Pass Keras' "
            "History.history."
        ) from error


def _write_card(stage: Path, name: str, card: Card) -> None:
    """Give the files that lie there their final names, and write the card that has these."""
    digests = {}
    for path in sorted(stage.iterdir(), reverse=True):
        digest = sha256_of(path)
        kept = path.rename(path.with_name(kept_name(path.stem, path.suffix, digest)))
        digests[kept.name] = digest
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    card = dataclasses.replace(card, name=name, sha256=digests, created=card.created or now)
    card.write(stage / CARD_FILE)
