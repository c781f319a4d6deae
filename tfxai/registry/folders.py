"""Where trained models lie. Nothing here loads TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

from tfxai.errors import DataNotFoundError, ModelFileError, UnknownNameError, nearest

SUFFIXES = (".keras", ".h5")
"""Endings of model files; of two files with one name the first is taken."""
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
    own = _PACKAGE / "pretrained"  # a wheel has its models inside, a checkout beside the package
    candidates = [Path(chosen or "models"), own if own.is_dir() else _PACKAGE.parent / "models"]
    found: list[Path] = []
    for folder in candidates:
        if folder.is_dir() and not any(folder.samefile(other) for other in found):
            found.append(folder)
    return found


def names() -> list[str]:
    """The names of all models that `find` knows, sorted."""
    files = (path for root in roots() for path in root.iterdir())
    return sorted({path.stem for path in files if path.suffix in SUFFIXES and _is_whole(path)})


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model.

    Args:
        name_or_path: A path that ends in `.keras` or `.h5`, the folder of a SavedModel, or the
            name of a model in one of the `roots`. What has a separator or such an ending is a
            path, never a name.

    Returns:
        The path of a file, or of such a folder, that is there.

    Raises:
        DataNotFoundError: There is no file at that path.
        ModelFileError: The path leads to something else.
        UnknownNameError: No model has that name; the nearest names are given.
    """
    text = os.fspath(name_or_path)
    if _is_path(text) or not isinstance(name_or_path, str):
        return _file(Path(text))
    for root in roots():
        for suffix in SUFFIXES:
            path = root / f"{text}{suffix}"
            if path.is_file():
                return path
    beside = [f"{text}{suffix}" for suffix in SUFFIXES if Path(f"{text}{suffix}").is_file()]
    if beside:
        raise UnknownNameError(
            f"There is no model named {text!r} in {' or '.join(map(str, roots()))}. "
            f"For the file here, pass its path: {beside[0]!r}."
        )
    raise UnknownNameError.of("model", text, names())


def _is_whole(path: Path) -> bool:
    """Whether a file is no other program's half-written one."""
    return path.is_file() and not path.name.startswith(".") and not path.stem.endswith(".part")


def _is_path(text: str) -> bool:
    separators = [mark for mark in (os.sep, os.altsep, "/") if mark]
    if text in ("", ".", "..") or any(mark in text for mark in separators):
        return True
    return text.lower().endswith(SUFFIXES) or Path(text).exists()


def _file(path: Path) -> Path:
    if not path.exists():
        near = nearest(path.stem, names()) if path.name else []
        hint = f"Correct the path, or pass the name {near[0]!r}." if near else "Correct the path."
        raise DataNotFoundError(f"There is no model file {str(path)!r}. {hint}")
    if (path / "saved_model.pb").is_file():
        return path
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        what = "a folder" if path.is_dir() else "no file that ends in .keras or .h5"
        raise ModelFileError(
            f"{str(path)!r} is {what}. Pass a model file that Keras saved, NAME.keras or NAME.h5, "
            "or the folder of a SavedModel."
        )
    return path
