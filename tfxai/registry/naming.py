"""What a model may be called, and the names of its files."""

from __future__ import annotations

import re
from typing import Any

from tfxai.errors import InvalidInputError

SUFFIXES = (".keras", ".h5")
"""Endings of model files; of two files with one name the first is taken."""
ENDINGS = {".keras": ".keras", ".h5": ".h5", ".hdf5": ".h5"}
"""Endings of files that are loaded, in any case of letters, and what they are called here."""
CARD_FILE, FIGURE_FILE = "card.json", "history.png"
"""In the folder of a model."""
_MODEL_FILE = re.compile(r"model-[0-9a-f]{16}\.(keras|h5)")
_HISTORY_FILE = re.compile(r"history-[0-9a-f]{16}\.json")
CARD, HISTORY, FIGURE = ".json", ".history.json", ".history.png"
"""Endings in the old layout, where the files of all models lie side by side."""
_LONGEST = 200  # bytes, which leaves room for an ending
_SEPARATORS = '/\\:*?"<>|'  # of paths and drives, and what Windows takes in no name
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.IGNORECASE
)
_TAKEN = (*SUFFIXES, CARD, ".history", ".part", ".training")


def kept_name(kind: str, suffix: str, digest: str) -> str:
    """The name of a file in the folder of a model: two different files never have the same.

    Args:
        kind: `"model"` or `"history"`.
        suffix: `".keras"`, `".h5"` or `".json"`.
        digest: SHA-256 of the file.
    """
    return f"{kind}-{digest[:16]}{suffix}"


def is_model_file(name: str) -> bool:
    """Whether `kept_name` gives that name to a model."""
    return bool(_MODEL_FILE.fullmatch(name))


def is_history_file(name: str) -> bool:
    """Whether `kept_name` gives that name to a history."""
    return bool(_HISTORY_FILE.fullmatch(name))


def is_own_file(name: str) -> bool:
    """Whether a file in the folder of a model belongs to the model."""
    return name in (CARD_FILE, FIGURE_FILE) or is_model_file(name) or is_history_file(name)


def members(name: str) -> tuple[str, ...]:
    """Every file that may belong to the model of that name in the old layout, its card last."""
    return tuple(f"{name}{suffix}" for suffix in (*SUFFIXES, HISTORY, FIGURE, CARD))


def check_name(name: str) -> str:
    """The name, where it names a file of the registry's own folder on every system.

    Raises:
        InvalidInputError: It is empty or too long, starts with a dot, ends in a dot, a space or an
            ending of a file, or holds a separator, a character that cannot be printed or the name
            of a device of Windows.
    """
    fault = _fault(name)
    if fault:
        raise InvalidInputError(
            f"{name!r} is no name of a model: {fault}. Pass a plain name such as 'cifar10_cnn'."
        )
    return name


def is_name(name: str) -> bool:
    """Whether `check_name` lets that name pass."""
    return not _fault(name)


def _fault(name: Any) -> str:
    if not isinstance(name, str):
        return f"it is of type {type(name).__name__}"
    mark = next((mark for mark in _SEPARATORS if mark in name), "")
    faults = {
        "it is empty": not name,
        "it starts with a dot": name.startswith("."),
        "it holds a character that cannot be printed": not name.isprintable(),
        f"it holds {mark!r}": bool(mark),
        "it starts or ends with a space": name != name.strip(" "),
        "it ends with a dot": name.endswith("."),
        "Windows has a device of that name": bool(_DEVICE.match(name)),
        f"it ends as files beside a model do ({', '.join(_TAKEN)})": name.lower().endswith(_TAKEN),
        f"it is longer than {_LONGEST} bytes": len(name.encode("utf-8", "replace")) > _LONGEST,
    }
    return next((fault for fault, is_there in faults.items() if is_there), "")
