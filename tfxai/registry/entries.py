"""The models of one folder, as their files and cards describe them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, final

from tfxai.card import Card, sha256_of
from tfxai.errors import InvalidInputError
from tfxai.registry.consistent_reads import read_whole
from tfxai.registry.history import history_path
from tfxai.registry.layouts import names_in, read_card, stored
from tfxai.registry.naming import CARD, HISTORY, SUFFIXES, check_name, is_name
from tfxai.reprs import shown, size

State = Literal["ok", "changed", "missing", "no digest", "no card"]


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One model of a registry.

    Args:
        name: As `ModelRegistry.get` and `tfxai.load` take it.
        file: That is loaded.
        others: Further files with the same weights, such as an `.h5` file beside a `.keras` file.
        format: Format of `file`: "keras" or "h5".
        size: Size of `file`, in bytes.
        card: What is known about it; None where there is none, or none that can be read.
        history: History of its training; None where there is none.
        fault: Why its card cannot be read, in a sentence; else empty.
    """

    name: str
    file: Path
    others: tuple[Path, ...]
    format: str
    size: int
    card: Card | None
    history: Path | None
    fault: str = ""

    def __repr__(self) -> str:
        about = "no card" if self.card is None else repr(self.card)
        return (
            f"Entry({shown(self.name)}, {self.format}, {size(self.size)}, "
            f"{'card cannot be read' if self.fault else about})"
        )

    @property
    def history_file(self) -> Path:
        """Where the history of its training lies, if there is one."""
        return self.history or history_path(self.file)

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain JSON types."""
        record: dict[str, Any] = {
            "name": self.name,
            "file": str(self.file),
            "others": [str(path) for path in self.others],
            "format": self.format,
            "size": self.size,
            "history": str(self.history) if self.history else None,
            "card": self.card.to_dict() if self.card else None,
        }
        return {**record, "fault": self.fault} if self.fault else record


@final
@dataclasses.dataclass(frozen=True)
class Check:
    """Whether a file is the one that its card was written for.

    Args:
        name: Name of the model.
        file: Path of the file below the folder of the registry, such as
            `"cnn/model-0123456789abcdef.keras"`.
        state: "ok" (its SHA-256 is that on the card), "changed" (it is another), "missing" (the
            card has the digest of a file that is not there), "no digest" (the card has none of
            this file) or "no card" (there is none that can be read).
    """

    name: str
    file: str
    state: State

    @property
    def differs(self) -> bool:
        """Whether the file is not what its card says."""
        return self.state in ("changed", "missing")


def entry(root: Path, name: str) -> Entry | None:
    """The model of that name in a folder, or None.

    Raises:
        InvalidInputError: It is no name, or one of its files is a link that leads outside.
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    check_name(name)

    def read() -> Entry | None:
        found = stored(root, name)
        if found is None or not found.files:
            return None
        file, *others = found.files
        return Entry(
            name=name,
            file=file,
            others=tuple(others),
            format=file.suffix.removeprefix("."),
            size=file.stat().st_size,
            card=found.card,
            history=found.history,
            fault=found.fault,
        )

    return read_whole(root, name, read)


def checks(root: Path, name: str) -> list[Check]:
    """Every file of a model beside its digest; empty where there is neither file nor card.

    Raises:
        InvalidInputError: It is no name, or one of its files is a link that leads outside.
        OutputError: An earlier version of tfxai left a save unfinished there.
    """
    check_name(name)

    def read() -> list[Check]:
        found = stored(root, name)
        if found is None:
            return []
        there = [*found.files, *([found.history] if found.history else [])]
        made = [Check(name, _below(root, path), _state(path, found.card)) for path in there]
        if found.card is not None:
            present = {path.name for path in there}
            lacking = [file for file in found.card.sha256 if file not in present]
            # whatever else a card names is not read: it may be a path
            folder = f"{name}/" if found.has_folder else ""
            made += [Check(name, f"{folder}{file}", "missing") for file in lacking]
        if found.has_folder:  # which makes files of the old layout invisible
            flat = [f"{name}{suffix}" for suffix in (*SUFFIXES, HISTORY)]
            made += [Check(name, file, "no digest") for file in flat if (root / file).is_file()]
        return made

    return read_whole(root, name, read)


def known(root: Path) -> list[str]:
    """Names of all models of a folder and of all cards whose files are gone, sorted."""
    found = names_in(root)
    for path in root.glob(f"*{CARD}"):
        name = path.name.removesuffix(CARD)
        if is_name(name) and name not in found and path.is_file() and not path.is_symlink():
            card, _ = read_card(path)
            if card is not None and card.sha256:
                found.add(name)
    return sorted(found)


def entries(root: Path) -> Iterator[Entry]:
    """All models of a folder, by name."""
    for name in sorted(names_in(root)):
        try:
            found = entry(root, name)
        except InvalidInputError:  # a card that leads outside: the model cannot be had by name
            continue
        if found is not None:
            yield found


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _state(path: Path, card: Card | None) -> State:
    if card is None:
        return "no card"
    digest = card.sha256.get(path.name)
    if digest is None:
        return "no digest"
    return "ok" if sha256_of(path) == digest.lower() else "changed"
