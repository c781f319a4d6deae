"""The files of a model by name, in either of two layouts.

Models are saved into a folder of their own, `ROOT/NAME/`, whose `card.json` names the files that
belong to the model: `model-DIGEST.keras` or `.h5`, and `history-DIGEST.json`. In the old layout
`NAME.keras` or `NAME.h5`, `NAME.json` and `NAME.history.json` lie side by side in `ROOT`; it is
read and removed, but no longer written. Where a name has both, the folder is the model.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, final

from tfxai.errors import InvalidInputError, OutputError, TfxaiError
from tfxai.registry.consistent_reads import read_whole
from tfxai.registry.naming import (
    CARD,
    CARD_FILE,
    HISTORY,
    SUFFIXES,
    check_name,
    is_history_file,
    is_model_file,
    is_name,
    members,
)

if TYPE_CHECKING:
    from tfxai.card import Card

JOURNAL = ".tfxai.saved"
"""Where earlier versions kept the files of a save until they had moved them to their places."""
_OTHER_MODELS = {"saved_model.pb", "saved_model.pbtxt", "config.json"}


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """A model as it lies on the disk.

    Args:
        root: The folder that the name belongs to.
        name: Name of the model.
        folder: That holds its files: `root` in the old layout.
        files: Files of the model, the one that is loaded first; empty where they are gone.
        history: History of its training, where there is one.
        card: What is known about it; None where there is none that can be read.
        fault: Why the card cannot be read, in a sentence; else empty.
    """

    root: Path
    name: str
    folder: Path
    files: tuple[Path, ...]
    history: Path | None
    card: Card | None
    fault: str = ""

    @property
    def has_folder(self) -> bool:
        """Whether it lies in a folder of its own."""
        return self.folder != self.root


def stored(root: Path, name: str) -> Stored | None:
    """The model of that name, or what is left of it; None where there is nothing.

    Raises:
        InvalidInputError: It is no name, or one of its files is a link that leads outside.
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    check_name(name)
    check_no_journal(root)

    def read() -> Stored | None:
        return _in_folder(root, name) or _side_by_side(root, name)

    found = read_whole(root, name, read)
    if found is not None and found.has_folder:
        _check_inside(root, found.folder)
    return found


def names_in(root: Path) -> set[str]:
    """The names of the models of one folder, without those whose files lead outside.

    Raises:
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    check_no_journal(root)
    files = [path for path in root.iterdir() if path.suffix in SUFFIXES and is_name(path.stem)]
    found = {path.stem for path in files if path.is_file() and _is_inside(root, path)}
    # Looked for second, so that a model is not missed while a save moves it to a folder.
    folders = [path for path in root.iterdir() if is_name(path.name) and is_model_folder(path)]
    return found | {path.name for path in folders if _is_inside(root, path)}


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is one that `ModelRegistry.save` made, whole or not.

    It has a model file of ours, or a card that names one. A folder that Keras or TensorFlow wrote
    is none.
    """
    try:
        names = set(os.listdir(folder))  # noqa: PTH208 - names are enough
    except OSError:
        return False
    if names & _OTHER_MODELS:
        return False
    if any(map(is_model_file, names)):
        return True
    if CARD_FILE not in names or (folder / CARD_FILE).is_symlink():
        return False
    card, _ = read_card(folder / CARD_FILE)
    return card is not None and any(map(is_model_file, card.sha256))


def in_folder(root: Path, name: str) -> Stored | None:
    """The model in the folder `root/name`, which need not be a name of the registry.

    Raises:
        InvalidInputError: One of its files is a symbolic link.
    """
    return read_whole(root, name, lambda: _in_folder(root, name))


def _in_folder(root: Path, name: str) -> Stored | None:
    folder = root / name
    if not is_model_folder(folder):
        return None
    _check_no_link(folder / CARD_FILE)
    card, fault = read_card(folder / CARD_FILE)
    named = [] if card is None else list(card.sha256)
    if not any(map(is_model_file, named)):
        fault = fault or (
            f"{str(folder)!r} has no {CARD_FILE} that says which of its files is the model. Pass "
            "the path of the file, or save the model again."
        )
        named = os.listdir(folder)  # noqa: PTH208 - names are enough
    files = sorted(filter(is_model_file, named), key=_preference)
    histories = sorted(filter(is_history_file, named))
    for file in (*files, *histories):
        _check_no_link(folder / file)
    there = [folder / file for file in histories if (folder / file).is_file()]
    return Stored(
        root=root,
        name=name,
        folder=folder,
        files=tuple(folder / file for file in files if (folder / file).is_file()),
        history=there[0] if there else None,
        card=card,
        fault=fault,
    )


def _side_by_side(root: Path, name: str) -> Stored | None:
    """The model of that name in the old layout."""
    for member in members(name):
        _check_inside(root, root / member)
    files = tuple(path for s in SUFFIXES if (path := root / f"{name}{s}").is_file())
    history = root / f"{name}{HISTORY}"
    card, fault = read_card(root / f"{name}{CARD}")
    if not files and card is None and not history.is_file():
        return None
    return Stored(
        root=root,
        name=name,
        folder=root,
        files=files,
        history=history if history.is_file() else None,
        card=card,
        fault=fault,
    )


def read_card(path: Path) -> tuple[Card | None, str]:
    """The card in a file, and why it cannot be read."""
    if not path.is_file():
        return None, ""
    from tfxai.card import Card

    try:
        return Card.read(path), ""
    except TfxaiError as error:
        return None, str(error)


def check_no_journal(root: Path) -> None:
    """Raises `OutputError` where a save of an earlier version was killed when it had happened."""
    if os.path.lexists(root / JOURNAL):
        raise OutputError(
            f"{str(root / JOURNAL)!r} holds a model that an earlier version of tfxai was moving "
            f"to its place when it was killed. Move its files, except files.json, to "
            f"{str(root)!r}, replacing those of the same name. Then delete there what files.json "
            f'lists as "removes", and delete {JOURNAL}.'
        )


def _preference(file: str) -> tuple[int, str]:
    """By which of several files is loaded first."""
    return SUFFIXES.index(Path(file).suffix), file


def _check_inside(root: Path, path: Path) -> None:
    if not _is_inside(root, path):
        raise InvalidInputError(
            f"{str(path)!r} is a symbolic link that leads out of its folder. Pass the path of "
            "the file itself, or copy it there."
        )


def _is_inside(root: Path, path: Path) -> bool:
    if not path.is_symlink():
        return True
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _check_no_link(path: Path) -> None:
    if path.is_symlink():
        raise InvalidInputError(
            f"{str(path)!r} is a symbolic link, and the files of a model lie in its folder. Copy "
            "the file itself there."
        )
