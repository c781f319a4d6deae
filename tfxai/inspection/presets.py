"""The folder of a KerasHub preset: a backbone, and the task, tokenizer and assets around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers.archive import PRESET_WEIGHTS
from tfxai.inspection.readers.json_files import parsed
from tfxai.inspection.report import Findings

TASK = "task.json"
HUB_PACKAGES = ("keras_hub", "keras_nlp")
"""Names of the package, the present one first."""
ASSETS = ("vocabulary.txt", "vocabulary.json", "vocabulary.spm", "merges.txt")
"""Names of the files that the tokenizers of KerasHub read."""
_PLAIN = re.compile(r"[A-Za-z0-9_]{1,80}\.json")  # of a config, and of its folder in assets
_SHARED, _FEW = 4, 64  # layers that one array may be of, and how many are none to speak of
WORDS = ("vocabulary", "merges", "proto")
"""Options of tokenizers with what they know, or the path of a file with that."""
_TOKENIZERS = ("tokenizer", "preprocessor")
_REPEATED = ("layers", "blocks", "repeats", "depth", "depths")  # of layers, ends of options


def needs_hub(names: Iterable[str]) -> bool:
    """Whether one of the names that loading needs is KerasHub's: of a class, or registered."""
    return any(one.partition(">")[0].partition(".")[0] in HUB_PACKAGES for one in names)


def is_of_hub(config: Any) -> bool:
    """Whether a config is that of a class of KerasHub."""
    module = config.get("module") if isinstance(config, dict) else None
    return isinstance(module, str) and module.partition(".")[0] in HUB_PACKAGES


def check_members(folder: Path, names: list[str], limits: Limits, found: Findings) -> None:
    """Judges the files beside the configs and the weights: what a tokenizer reads, and no other.

    Args:
        folder: Path of the folder.
        names: Paths of the files, from the folder on.
        limits: What may be read.
        found: Takes what is found.
    """
    for name in names:
        parts = name.split("/")
        if parts[0] != "assets":
            continue  # which those of every folder of Keras are judged for
        if len(parts) != 3 or parts[2] not in ASSETS:
            found.refuse(
                "foreign member",
                "No tokenizer of KerasHub reads it: ask for what it is, or remove it.",
                name,
            )
            continue
        size = (folder / name).stat().st_size
        if size > limits.asset_bytes:
            found.refuse(
                "member out of bounds",
                f"It has {size:,} bytes, and no vocabulary needs more than "
                f"{limits.asset_bytes:,}.",
                name,
            )
        elif name.endswith(".json") and size <= limits.json_bytes:
            parsed((folder / name).read_bytes(), name, limits, found)
        elif name.endswith(".json"):
            found.refuse("JSON out of bounds", f"It has {size:,} bytes.", name)
    if TASK not in names:
        if PRESET_WEIGHTS in names:
            found.warn("no task", f"It has {PRESET_WEIGHTS} and no {TASK}: nothing reads them.")
        found.ok("no task", "It holds a backbone without a task: there is no output to explain.")


def check_options(
    configs: Mapping[str, Any], arrays: int, limits: Limits, found: Findings
) -> None:
    """Judges what the options in configs of KerasHub make KerasHub read and allocate.

    Args:
        configs: By the name of the file.
        arrays: Number of the arrays of weights that the folder holds.
        limits: What may be asked for.
        found: Takes what is found.
    """
    for file, config in configs.items():
        todo: list[tuple[str, Any]] = [("", config)]
        while todo:
            key, value = todo.pop()
            if isinstance(value, dict):
                todo.extend(value.items())
            elif isinstance(value, list) and not all(isinstance(one, str) for one in value):
                todo.extend((key, one) for one in value)
            where = f"{file}: {key}"
            if key == "config_file" and not _PLAIN.fullmatch(str(value)):
                found.refuse(
                    "path outside",
                    f"It is {str(value)[:120]!r}, and files would be read from the folder of "
                    "that name. A plain name such as tokenizer.json was expected.",
                    where,
                )
            elif key in WORDS and isinstance(value, str):
                found.refuse(
                    "file outside",
                    f"It is {value[:120]!r}, a path that would be read; a tokenizer's words "
                    "lie in the folder assets.",
                    where,
                )
            elif _is_count(value):
                _check_count(key, value, where, arrays, limits, found)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_count(
    key: str, value: int, where: str, arrays: int, limits: Limits, found: Findings
) -> None:
    """A whole number among the options: of layers, or of places of a text."""
    if key.rpartition("_")[2] in _REPEATED and value > _SHARED * arrays + _FEW:
        found.refuse(
            "claims more than the file holds",
            f"It asks for {value:,} layers, and {arrays:,} arrays of weights are stored.",
            where,
        )
    elif key.endswith("sequence_length") and value > limits.json_items:
        found.refuse(
            "claims more than the file holds",
            f"Texts of {value:,} tokens would fill the memory.",
            where,
        )


def tokenizer_of(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tokenizer in the config of a task or of a preprocessor, as an object; None if none."""
    todo: list[Any] = [config]
    while todo:
        one = todo.pop(0)
        if isinstance(one, dict):
            kind = one.get("class_name")
            if isinstance(kind, str) and kind.endswith("Tokenizer"):
                return one
            inner = one.get("config")
            if isinstance(inner, dict):
                todo.extend(inner.get(key) for key in _TOKENIZERS)
    return None
