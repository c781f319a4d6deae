"""Where trained models lie. Nothing here loads TensorFlow."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    ModelFileError,
    UnknownNameError,
    nearest,
)
from tfxai.registry.naming import ENDINGS, SUFFIXES, check_name, is_name, members
from tfxai.registry.sets import read_whole, settle

F = TypeVar("F", bound=Callable[..., Any])

VARIABLE = "TFXAI_MODELS"
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
        OutputError: A save was cut short, and cannot be finished from here.
    """
    return sorted({name for root in roots() for name in names_in(root)})


def names_in(root: Path) -> set[str]:
    """The names of the models of one folder, without those whose files lead outside."""
    settle(root)
    files = [path for path in root.iterdir() if path.suffix in SUFFIXES and is_name(path.stem)]
    return {path.stem for path in files if path.is_file() and _is_inside(root, path)}


def find_in(root: Path, name: str) -> Path | None:
    """The file of the model of that name in one folder, or None.

    Raises:
        InvalidInputError: It is no name, or one of its files is a link that leads outside.
        OutputError: A save was cut short, and cannot be finished from here.
    """
    check_name(name)
    settle(root)
    for path in (root / member for member in members(name)):
        if not _is_inside(root, path):
            raise InvalidInputError(
                f"{str(path)!r} is a symbolic link that leads out of its folder. Pass the path of "
                "the file itself, or copy it there."
            )
    files = (root / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in files if path.is_file()), None)


def reading_whole(load: F) -> F:
    """Lets a function that reads a model and its card meet those of one save, never of two.

    Args:
        load: Takes a name or path first, as `find` does.
    """

    @functools.wraps(load)
    def whole(name_or_path: str | os.PathLike[str], *options: Any, **named: Any) -> Any:
        path = find(name_or_path)
        return read_whole(path.parent, members(path.stem), lambda: load(path, *options, **named))

    return cast(F, whole)


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model.

    Args:
        name_or_path: A path that ends in `.keras`, `.h5` or `.hdf5`, the folder of a SavedModel,
            or the name of a model in one of the `roots`. What has a separator or such an ending
            is a path, never a name.

    Returns:
        The path of a file, or of such a folder, that is there.

    Raises:
        DataNotFoundError: There is no file at that path.
        ModelFileError: The path leads to something else.
        UnknownNameError: No model has that name; the nearest names are given.
        InvalidInputError: It is no name, or leads out of the folder by a symbolic link.
        OutputError: A save was cut short, and cannot be finished from here.
    """
    text = os.fspath(name_or_path)
    if _is_path(text) or not isinstance(name_or_path, str):
        settle(Path(text).parent)
        return _file(Path(text))
    for root in roots():
        path = find_in(root, text)
        if path is not None:
            return path
    if Path(text).is_dir():
        return _file(Path(text))
    beside = [f"{text}{suffix}" for suffix in SUFFIXES if Path(f"{text}{suffix}").is_file()]
    if beside:
        raise UnknownNameError(
            f"There is no model named {text!r} in {' or '.join(map(str, roots()))}. "
            f"For the file here, pass its path: {beside[0]!r}."
        )
    raise UnknownNameError.of("model", text, names())


def _is_inside(root: Path, path: Path) -> bool:
    if not path.is_symlink():
        return True
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _is_path(text: str) -> bool:
    separators = [mark for mark in (os.sep, os.altsep, "/") if mark]
    if text in ("", ".", "..") or any(mark in text for mark in separators):
        return True
    is_saved = (Path(text) / "saved_model.pb").is_file()
    return text.lower().endswith(tuple(ENDINGS)) or Path(text).is_file() or is_saved


def _file(path: Path) -> Path:
    if not path.exists():
        near = nearest(path.stem, names()) if path.name else []
        hint = f"Correct the path, or pass the name {near[0]!r}." if near else "Correct the path."
        raise DataNotFoundError(f"There is no model file {str(path)!r}. {hint}")
    if (path / "saved_model.pb").is_file():
        return path
    if path.name == "saved_model.pb" and path.is_file():
        return path.parent
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
            "or the folder of a SavedModel."
        )
    return path


def _foreign(path: Path) -> str | None:
    """What a file of another kind is, and what to do; None where it is not known."""
    from tfxai.inspection import scan
    from tfxai.inspection.reading import UNKNOWN

    report = scan(path) if path.is_file() else None
    if report is None or report.format != "unknown":
        return None
    return next((one.why for one in report.at("refuse") if one.why != UNKNOWN), None)
