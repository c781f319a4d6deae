"""Whether a run goes on with the question that it was begun with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfxai.errors import InvalidInputError


def check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raises `InvalidInputError` where a run would go on with another question."""
    other = [name for name in now if before.get(name) != now[name]]
    if other:
        name = other[0]
        old, new = before.get(name), now[name]
        if name == "source":
            what = _of_data(old, new)
        elif name == "methods":
            what = _of_methods(old, new)
        else:
            what = _of_option(name, old, new)
        raise InvalidInputError(
            f"The run in {str(folder)!r} {what}. Ask the same, begin anew with --overwrite, or "
            "choose another folder."
        )


def _of_data(old: Any, new: Any) -> str:
    key = "files_sha256"
    if isinstance(old, dict) and old.keys() == new.keys() and old.get(key) != new.get(key):
        if old["files"] != new["files"]:
            return (
                f"was begun with {old['files']:,} files of data, and now they are {new['files']:,}"
            )
        return (
            "was begun with other data: a file has another name, size or time of its last change"
        )
    name, before, now = _difference("source", old, new)
    return f"was begun with {name} {before}, and now it is {now}"


def _of_methods(old: Any, new: Any) -> str:
    """How two lists of methods differ, in the words of the command line."""
    before = {one["name"]: one.get("options") or {} for one in old or ()}
    now = {one["name"]: one.get("options") or {} for one in new}
    if list(before) != list(now):
        parts = [f"{name} is missing now" for name in before if name not in now]
        parts += [f"{name} is new" for name in now if name not in before]
        how = " and ".join(parts) or "their order is another one"
        return f"was begun with the methods {', '.join(before)}: {how}"
    for name, options in now.items():
        for key, value in options.items():
            if before[name].get(key) != value:
                first, second = _short(json.dumps(before[name].get(key)), json.dumps(value))
                return f"was begun with {name} {key}={first}, and now it is {key}={second}"
    return "was begun with other methods"


def _of_option(name: str, old: Any, new: Any) -> str:
    word, before, now = _difference(name, old, new)
    word = _WORDS.get(name, word)
    if name == "model_fingerprint":
        return "was begun with another model: its weights or layers are others"
    return f"was begun with {word} {before}, and now it is {now}"


_WORDS = {
    "model": "the model",
    "preprocessing": "--preprocessing",
    "target": "--target",
    "score": "--score",
    "at": "--at",
    "classes": "--classes",
    "resize": "--resize",
    "where": "--where",
    "format": "--format",
    "batch_size": "--batch-size",
    "shard_size": "--shard-size",
    "chunk_size": "--chunk-size",
}
"""What is asked, by the word of the command line that asks it."""


def _difference(name: str, old: Any, new: Any) -> tuple[str, str, str]:
    """The first part in which two records differ, such as `source.fields.label`, and both."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        key = next(key for key in old if old[key] != new[key])
        return _difference(f"{name}.{key}", old[key], new[key])
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        i = next(i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b)
        return _difference(f"{name}[{i}]", old[i], new[i])
    return name, *_short(json.dumps(old), json.dumps(new))


def _short(old: str, new: str) -> tuple[str, str]:
    """Both texts, cut to where they begin to differ."""
    pairs = enumerate(zip(old, new, strict=False))
    same = next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)))
    start = max(0, same - _LENGTH // 2) if max(len(old), len(new)) > _LENGTH else 0
    first, second = (
        ("..." if start else "")
        + text[start : start + _LENGTH]
        + "..." * (len(text) > start + _LENGTH)
        for text in (old, new)
    )
    return first, second


_LENGTH = 60
