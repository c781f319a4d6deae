"""What a scan finds, and how bad it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, final

from tfxai.reprs import facts_html, rows_html, shown

Level = Literal["ok", "warn", "refuse"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "refuse")  # from harmless to harmful
MOST = 200  # findings kept of one file; what follows is counted

BROKEN = frozenset({"damaged", "damaged member", "no model"})
"""What no trust mends: kinds of findings in files that cannot be loaded at all."""
KEPT_OUT = frozenset({"Keras 1", "Keras 2 only"})
"""Kinds of findings in harmless files that Keras 3 cannot load."""


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a scan noticed.

    Args:
        level: "ok", "warn" (load it only if you know why it is so) or "refuse" (do not load it).
        what: The kind of thing, a few words: the same for every file in which it is found.
        where: Member, group or layer in which it lies; empty for the file as a whole.
        why: One or two sentences: what was found, and what it can do or what to do about it.
        cve: Number of the published vulnerability that it uses, such as "CVE-2025-1550".
    """

    level: Level
    what: str
    why: str
    where: str = ""
    cve: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON types."""
        return dataclasses.asdict(self)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """All that a scan found in a file.

    Args:
        path: Path of the file or folder.
        format: "keras", "keras_folder", "keras_hub", "hdf5", "saved_model" or "unknown".
        findings: The worst first.
        left_out: How many more findings there are, beyond the first 200.
    """

    path: Path
    format: str
    findings: tuple[Finding, ...]
    left_out: int = 0

    def __repr__(self) -> str:
        counts = [(level, len(self.at(level))) for level in reversed(LEVELS)]
        found = ", ".join(f"{count} {level}" for level, count in counts if count) or "no finding"
        more = f", {self.left_out} left out" if self.left_out else ""
        return f"Report({shown(self.path.name)}, {self.format}, {self.level}: {found}{more})"

    def _repr_html_(self) -> str:
        """The findings as a small table, the worst first, for notebooks."""
        rows = [(one.level, one.what, one.where, one.why) for one in self.findings]
        facts = facts_html(repr(self), [("File", str(self.path))])
        return facts + rows_html(("Level", "Finding", "Where", "Why"), rows) if rows else facts

    @property
    def level(self) -> Level:
        """The worst level of all findings."""
        return max((finding.level for finding in self.findings), key=LEVELS.index, default="ok")

    @property
    def refused(self) -> bool:
        """Whether the file should not be loaded."""
        return self.level == "refuse"

    @property
    def broken(self) -> bool:
        """Whether it holds nothing that could be loaded, so that trust mends nothing."""
        found = self.at("refuse")
        return bool(found) and all(one.what in BROKEN for one in found)

    def at(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {
            "path": str(self.path),
            "format": self.format,
            "level": self.level,
            "findings": [finding.to_dict() for finding in self.findings],
            "left_out": self.left_out,
        }


class Findings:
    """Findings as they are collected; each is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Finding] = {}
        self._left_out: dict[Level, int] = dict.fromkeys(LEVELS, 0)
        self._kept_at_most = len(LEVELS)  # a level below which nothing is kept, once it is known

    def ok(self, what: str, why: str, where: str = "") -> None:
        """Notes what was checked and is as it should be."""
        self._add(Finding(level="ok", what=what, why=why, where=where))

    def warn(self, what: str, why: str, where: str = "", cve: str | None = None) -> None:
        """Notes what may be harmful, or keeps the file from loading."""
        self._add(Finding(level="warn", what=what, why=why, where=where, cve=cve))

    def refuse(self, what: str, why: str, where: str = "", cve: str | None = None) -> None:
        """Notes what an honest file does not have."""
        self._add(Finding(level="refuse", what=what, why=why, where=where, cve=cve))

    def _add(self, finding: Finding) -> None:
        key = (finding.what, _short(finding.where, 200), _short(finding.why))
        if key in self._found:
            return
        if len(self._found) >= MOST and not self._makes_room_for(finding):
            self._left_out[finding.level] += 1
            return
        self._found[key] = dataclasses.replace(finding, where=key[1], why=key[2])

    def _makes_room_for(self, finding: Finding) -> bool:
        """Drops a finding that is less bad, so that no flood of warnings hides a refusal."""
        if self._kept_at_most <= LEVELS.index(finding.level):
            return False  # all that are kept are as bad: not looked through again
        for key, kept in self._found.items():
            if LEVELS.index(kept.level) < LEVELS.index(finding.level):
                del self._found[key]
                self._left_out[kept.level] += 1
                return True
        self._kept_at_most = LEVELS.index(finding.level)
        return False

    @property
    def refused(self) -> bool:
        """Whether one of them refuses the file."""
        return any(finding.level == "refuse" for finding in self._found.values())

    def report(self, path: Path, kind: str) -> Report:
        """All of them, the worst first, otherwise in the order in which they were found."""
        ordered: Iterable[Finding] = sorted(
            self._found.values(), key=lambda finding: -LEVELS.index(finding.level)
        )
        return Report(
            path=path,
            format=kind,
            findings=tuple(ordered),
            left_out=sum(self._left_out.values()),
        )


def _short(text: str, most: int = 400) -> str:
    """Text from a file, cut where a reader has seen enough of it."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
