"""A version of a model in this process: its folder, its state, and what answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tfxai.serving.messages.signatures import Signature
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, Model, State, Which


@dataclasses.dataclass
class Running:
    """The graphs of a version.

    Args:
        loaded: The graphs.
        users: Requests that use them.
    """

    loaded: Any
    users: int = 0


@dataclasses.dataclass
class Version:
    """A version that is known.

    Args:
        path: Its folder.
        stamp: Sizes and times of its files when it was last looked at.
        state: As TensorFlow Serving has it.
        running: What answers, while it is available.
        tried: The stamp of its files when it was last loaded, whether it then ran or not.
        is_loading: Whether a thread loads it, for the first time or anew.
        looks: How often its files were not at rest.
    """

    path: Path
    stamp: Any
    state: State
    running: Running | None = None
    tried: Any = None
    is_loading: bool = False
    looks: int = 0


class Local(Model):
    """A version in this process."""

    def __init__(self, which: Which, version: int, loaded: Any) -> None:
        signatures: dict[str, Signature] = loaded.signatures
        super().__init__(which, version, signatures, loaded.record)
        self._loaded = loaded

    def run(
        self, signature: str, feeds: Feeds, outputs: Collection[str] | None, deadline: Deadline
    ) -> Feeds:
        """Runs it in this thread."""
        deadline.check()
        return dict(self._loaded.run(signature, feeds, outputs, deadline))


def loaded_from(path: Path, *, trust: bool) -> Any:
    """The graphs of a version's folder; TensorFlow is loaded when it is first called."""
    from tfxai.serving.models.loaded import Loaded

    return Loaded(path, trust=trust)
