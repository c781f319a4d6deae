"""Where trained models lie. Nothing here loads TensorFlow."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    ModelFileError,
    UnknownNameError,
    nearest,
)
from tfxai.registry.layouts import (
    Stored,
    check_no_journal,
    in_folder,
    names_in,
    read_card,
    stored,
)
from tfxai.registry.naming import CARD, ENDINGS, HISTORY, SUFFIXES, is_model_file

VARIABLE = "TFXAI_MODELS"
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/")  # of a Path, which keeps one slash, too
_PACKAGE = Path(__file__).parents[1]


def roots() -> list[Path]:
    """The folders in which names are looked up, the first one first.

    The folder that the environment variable `TFXAI_MODELS` names, or else `./models` where there
    is one; then the models that come with tfxai.

    Raises:
        DataNotFoundError: `TFXAI_MODELS` names no folder.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen and not Path(chosen).is_dir():
        raise DataNotFoundError(
            f"The environment variable {VARIABLE} names {chosen!r}, which is no folder. "
            "Let it name a folder of models, or unset it."
        )
    found: list[Path] = []
    for folder in (home(), own()):
        if folder.is_dir() and not any(folder.samefile(other) for other in found):
            found.append(folder)
    return found


def home() -> Path:
    """Where new models go: the folder that `TFXAI_MODELS` names, else `./models`, there or not."""
    return Path(os.environ.get(VARIABLE) or "models")


def own() -> Path:
    """The models that come with tfxai: in a wheel inside the package, in a checkout beside it."""
    inside = _PACKAGE / "pretrained"
    return inside if inside.is_dir() else _PACKAGE.parent / "models"


def names() -> list[str]:
    """The names of all models that `find` knows, sorted.

    Raises:
        DataNotFoundError: `TFXAI_MODELS` names no folder.
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    return sorted({name for root in roots() for name in names_in(root)})


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model.

    Args:
        name_or_path: A path that ends in `.keras`, `.h5` or `.hdf5`, the folder of a SavedModel,
            of a KerasHub preset or of a saved model, or the name of a model in one of the `roots`.
            What has a separator or such an ending is a path, never a name. The path
            `ROOT/NAME.keras` or `.h5` also leads to a model of that format in the folder
            `ROOT/NAME`.

    Returns:
        The path of a file, or of such a folder, that is there.

    Raises:
        DataNotFoundError: There is no file at that path.
        ModelFileError: The path leads to something else.
        UnknownNameError: No model has that name; the nearest names are given.
        InvalidInputError: It is no name, leads out of the folder by a symbolic link, or the card
            in the folder of the model cannot be read.
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    return locate(name_or_path).files[0]


def locate(name_or_path: str | os.PathLike[str]) -> Stored:
    """The file that `find` finds, with what lies beside it.

    Raises:
        TfxaiError: As `find`.
    """
    text = os.fspath(name_or_path)
    if _ADDRESS.match(text) and not Path(text).exists():
        raise DataNotFoundError(
            f"{text!r} is an address, and models are read from this machine's disks alone. "
            "Download it, and pass the path of its file or folder."
        )
    if _is_path(text) or not isinstance(name_or_path, str):
        return _at(Path(text))
    for root in roots():
        found = stored(root, text)
        if found is not None and found.files:
            return _usable(found)
    if Path(text).is_dir():
        return _at(Path(text))
    beside = [f"{text}{suffix}" for suffix in SUFFIXES if Path(f"{text}{suffix}").is_file()]
    if beside:
        raise UnknownNameError(
            f"There is no model named {text!r} in {' or '.join(map(str, roots()))}. "
            f"For the file here, pass its path: {beside[0]!r}."
        )
    unknown = UnknownNameError.of("model", text, names())
    raise UnknownNameError(f"{unknown} Names are looked up in {' and '.join(map(str, roots()))}.")


def _is_path(text: str) -> bool:
    separators = [mark for mark in (os.sep, os.altsep, "/") if mark]
    if text in ("", ".", "..") or any(mark in text for mark in separators):
        return True
    is_saved = (Path(text) / "saved_model.pb").is_file()
    return text.lower().endswith(tuple(ENDINGS)) or Path(text).is_file() or is_saved


def _at(path: Path) -> Stored:
    """The model at a path."""
    check_no_journal(path.parent)
    if not path.exists() and path.suffix in SUFFIXES:
        found = in_folder(path.parent, path.stem)
        if found is not None and found.files and found.files[0].suffix == path.suffix:
            return _usable(found)
    found = _in(path)
    return _alone(_file(path)) if found is None else _usable(found)


def _in(folder: Path) -> Stored | None:
    """The model in a folder of its own, whatever that is called."""
    place = folder if folder.name not in ("", "..") else folder.resolve()
    return in_folder(place.parent, place.name)


def _usable(found: Stored) -> Stored:
    """The model, unless nothing says which file of its folder it is."""
    if found.has_folder and found.fault:
        raise InvalidInputError(found.fault)
    if not found.files:
        raise ModelFileError(
            f"The model file that the card in {str(found.folder)!r} names is not there. Put it "
            "back, or save the model again."
        )
    return found


def _alone(path: Path) -> Stored:
    """A model whose path is all that is known, with the card and the history beside it."""
    if is_model_file(path.name):
        found = _in(path.parent)
        if found is not None and found.card is not None and path.name in found.card.sha256:
            return dataclasses.replace(found, files=(path,))
    place = path if path.name not in ("", "..") else path.resolve()
    is_named = path.is_dir() and place.name
    beside = place.with_name(f"{place.name}{CARD}") if is_named else path.with_suffix(CARD)
    card, fault = read_card(beside)
    history = place.with_name(f"{place.stem}{HISTORY}")
    return Stored(
        root=path.parent,
        name=place.stem,
        folder=path.parent,
        files=(path,),
        history=history if history.is_file() else None,
        card=card,
        fault=fault,
    )


def _file(path: Path) -> Path:
    if not path.exists():
        near = nearest(path.stem, names()) if path.name else []
        hint = f"Correct the path, or pass the name {near[0]!r}." if near else "Correct the path."
        raise DataNotFoundError(f"There is no model file {str(path)!r}. {hint}")
    if (path / "saved_model.pb").is_file():
        return path
    if path.name == "saved_model.pb" and path.is_file():
        return path.parent
    if _is_preset(path):
        return path
    if not path.is_file() or path.suffix.lower() not in ENDINGS:
        what = "a folder" if path.is_dir() else "no file that ends in .keras or .h5"
        versions = [one.parent for one in path.glob("*/saved_model.pb")]
        if versions:
            latest = max(versions, key=lambda one: (len(one.name), one.name))
            raise ModelFileError(
                f"{str(path)!r} holds versions of a model. Pass one of them: {str(latest)!r}."
            )
        known = _foreign(path)
        if known is not None:
            raise ModelFileError(f"{str(path)!r} holds no model that can be loaded. {known}")
        raise ModelFileError(
            f"{str(path)!r} is {what}. Pass a model file that Keras saved, NAME.keras or NAME.h5, "
            "a folder that ModelRegistry.save wrote, or the folder of a SavedModel or of a preset "
            "of KerasHub."
        )
    return path


def _is_preset(path: Path) -> bool:
    """Whether a folder has what KerasHub writes; what is in it, the scan says."""
    others = ("task.json", "preprocessor.json", "tokenizer.json", "metadata.json")
    return (path / "config.json").is_file() and any((path / one).is_file() for one in others)


def _foreign(path: Path) -> str | None:
    """What a file of another kind is, and what to do; None where it is not known."""
    from tfxai.inspection import scan
    from tfxai.inspection.reading import UNKNOWN

    report = scan(path) if path.is_file() else None
    if report is None or report.format != "unknown":
        return None
    return next((one.why for one in report.at("refuse") if one.why != UNKNOWN), None)
