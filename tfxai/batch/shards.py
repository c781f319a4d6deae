"""What is known of the shards of a run: their examples, and what became of them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfxai.batch.sources.rows import Failure, Row
from tfxai.batch.summary import Summary

DATA = "data"
"""Folder of the explanations, with nothing else in it: readers take it as one table."""
STATES = "_shards"
"""Folder of what is known of each shard; a shard whose file is there is done."""
UNKNOWN = -1
"""The number of a class that is not known."""


@dataclasses.dataclass(frozen=True)
class Ready:
    """An example as the model is given it.

    Args:
        row: The example.
        position: Its place in the data.
        given: Its inputs by column.
        label: The number of its true class, `UNKNOWN` where it has none.
        was_fitted: Whether it is a picture that was cropped or resized.
    """

    row: Row
    position: int
    given: dict[str, Any]
    label: int
    was_fitted: bool


@dataclasses.dataclass
class ShardReport:
    """What became of the examples of a shard.

    Args:
        shard: Its number.
        examples: How many it has.
        explained: How many were explained.
        left_out: How many the condition left out.
        fitted: How many pictures were cropped or resized.
        unnamed: How many have a label that names no class of the model.
        unnamed_labels: A few of these labels.
        failures: Those that have no explanation.
        key_digests: Of the keys of those that are explained, where a field has them; 16
            characters each.
        summary: What the explanations say as a whole.
    """

    shard: int
    examples: int
    explained: int = 0
    left_out: int = 0
    fitted: int = 0
    unnamed: int = 0
    unnamed_labels: list[str] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    key_digests: str = ""
    data_bytes: int = 0
    summary: Summary = dataclasses.field(default_factory=Summary)

    def add_unnamed(self, label: object) -> None:
        """Counts an example whose label names no class of the model."""
        self.unnamed += 1
        self.unnamed_labels = few([*self.unnamed_labels, str(label)])

    def add_keys(self, keys: Iterable[str]) -> None:
        """Remembers the keys of explained examples, so that repeated ones can be counted."""
        digests = (hashlib.blake2b(key.encode(), digest_size=8).hexdigest() for key in keys)
        self.key_digests += "".join(digests)

    def to_dict(self) -> dict[str, Any]:
        """As in its file."""
        made = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        made["failures"] = [one.to_dict() for one in self.failures]
        made["summary"] = self.summary.to_dict()
        return made

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> ShardReport:
        """The inverse of `to_dict`."""
        made = dict(record)
        made["failures"] = [Failure(**one) for one in record["failures"]]
        made["summary"] = Summary.from_dict(record["summary"])
        return cls(**made)


def repeated_keys(reports: Iterable[ShardReport]) -> int:
    """How many examples have a key that another one before them has."""
    digests = b"".join(bytes.fromhex(one.key_digests) for one in reports)
    keys = np.frombuffer(digests, np.uint64)
    return len(keys) - len(np.unique(keys))


def few(labels: Iterable[str]) -> list[str]:
    """The first ones that differ, each cut where it is long."""
    return list(dict.fromkeys(label[:_LONGEST] for label in labels))[:_FEW]


_FEW, _LONGEST = 5, 60


@dataclasses.dataclass(frozen=True)
class Care:
    """How a shard is run again after a process died over it.

    Args:
        is_watched: Whether it is written down before anything is read or explained what it is;
            else the next batch is read while one is explained.
        alone: Places of examples that are explained each by itself.
        lost: Places of examples that are not tried again, and why.
    """

    is_watched: bool = False
    alone: frozenset[int] = frozenset()
    lost: tuple[tuple[int, str], ...] = ()


NO_CARE = Care()
"""As a shard is run where no process has died over it."""
