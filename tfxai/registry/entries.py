"""The models of one folder, as their files and cards describe them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, final

from tfxai.card import Card, sha256_of
from tfxai.errors import InvalidInputError, TfxaiError
from tfxai.registry.folders import find_in, names_in
from tfxai.registry.naming import CARD, HISTORY, SUFFIXES, check_name, is_name, members
from tfxai.registry.sets import read_whole

State = Literal["ok", "changed", "missing", "no digest", "no card"]


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One model of a registry.

    Args:
        name: As `ModelRegistry.get` and `tfxai.load` take it.
        file: That is loaded.
        others: Further files with the same weights, `NAME.h5` beside `NAME.keras`.
        format: Of `file`: "keras" or "h5".
        size: Of `file`, in bytes.
        card: What is known about it; None where there is none, or none that can be read.
        fault: Why its card cannot be read, in a sentence; else empty.
    """

    name: str
    file: Path
    others: tuple[Path, ...]
    format: str
    size: int
    card: Card | None
    fault: str = ""

    @property
    def history_file(self) -> Path:
        """Where the history of its training lies, if there is one."""
        return self.file.with_name(f"{self.name}{HISTORY}")

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain JSON types."""
        record: dict[str, Any] = {
            "name": self.name,
            "file": str(self.file),
            "others": [str(path) for path in self.others],
            "format": self.format,
            "size": self.size,
            "history": str(self.history_file) if self.history_file.is_file() else None,
            "card": self.card.to_dict() if self.card else None,
        }
        return {**record, "fault": self.fault} if self.fault else record


@final
@dataclasses.dataclass(frozen=True)
class Check:
    """Whether a file is the one that its card was written for.

    Args:
        name: Of the model.
        file: Name of the file, without its folder.
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
        OutputError: A save was cut short, and cannot be finished from here.
    """
    check_name(name)

    def read() -> Entry | None:
        file = find_in(root, name)
        if file is None:
            return None
        files = [root / f"{name}{suffix}" for suffix in SUFFIXES]
        card, fault = _card(root, name)
        return Entry(
            name=name,
            file=file,
            others=tuple(path for path in files if path != file and path.is_file()),
            format=file.suffix.removeprefix("."),
            size=file.stat().st_size,
            card=card,
            fault=fault,
        )

    return read_whole(root, members(name), read)


def checks(root: Path, name: str) -> list[Check]:
    """Every file of a model beside its digest; empty where there is neither file nor card.

    Raises:
        InvalidInputError: It is no name, or one of its files is a link that leads outside.
        OutputError: A save was cut short, and cannot be finished from here.
    """
    check_name(name)

    def read() -> list[Check]:
        find_in(root, name)
        card, _ = _card(root, name)
        kept = [f"{name}{suffix}" for suffix in (*SUFFIXES, HISTORY)]
        there = [file for file in kept if (root / file).is_file()]
        if card is None:
            return [Check(name, file, "no card") for file in there]
        found = [Check(name, file, _state(root, file, card)) for file in there]
        # whatever else a card names is not read: it may be a path
        return found + [Check(name, file, "missing") for file in card.sha256 if file not in there]

    return read_whole(root, members(name), read)


def known(root: Path) -> list[str]:
    """Names of all models of a folder and of all cards whose files are gone, sorted."""
    found = names_in(root)
    for path in root.glob(f"*{CARD}"):
        name = path.name.removesuffix(CARD)
        if is_name(name) and name not in found and path.is_file() and not path.is_symlink():
            card, _ = _card(root, name)
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


def _state(root: Path, file: str, card: Card) -> State:
    digest = card.sha256.get(file)
    if digest is None:
        return "no digest"
    return "ok" if sha256_of(root / file) == digest.lower() else "changed"


def _card(root: Path, name: str) -> tuple[Card | None, str]:
    """The card of a model and why it cannot be read."""
    path = root / f"{name}{CARD}"
    if not path.is_file():
        return None, ""
    try:
        return Card.read(path), ""
    except TfxaiError as error:
        return None, str(error)
