"""Where answers come from: a folder of versions, or a server behind this one."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from tfxai.export.names import DEFAULT, EXPLAIN, SCHEMA, SERVE, TARGET
from tfxai.serving.messages.problems import RequestError, VersionEndedError, bad, late
from tfxai.serving.messages.signatures import Signature
from tfxai.serving.messages.tensors import Feeds

T = TypeVar("T")
_DEPTH = 50  # of a record


@dataclasses.dataclass(frozen=True)
class Which:
    """The model that a request names.

    Args:
        name: Name of the model.
        version: Its number, None for the latest one.
        label: In the place of a number.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclasses.dataclass(frozen=True)
class State:
    """A version of a model, as TensorFlow Serving tells its state.

    Args:
        version: Its number.
        state: START, LOADING, AVAILABLE, UNLOADING or END.
        code: OK, or why it is not there.
        message: The same in a sentence.
    """

    version: int
    state: str
    code: str = "OK"
    message: str = ""


class Deadline:
    """When a request has to be done.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds, negative when it is over."""
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raises `RequestError`, 504, when it is over."""
        if self.left <= 0:
            raise late(self.seconds)


class Model(abc.ABC):
    """One version of a model while a request uses it.

    Args:
        which: As it was asked for.
        version: The number of it, None where it is not known.
        signatures: By name.
        record: What the export says of itself, None where it says nothing.
    """

    def __init__(
        self,
        which: Which,
        version: int | None,
        signatures: dict[str, Signature],
        record: dict[str, Any] | None,
    ) -> None:
        self.which = which
        self.version = version
        self.signatures = signatures
        self.record = record

    @abc.abstractmethod
    def run(
        self, signature: str, feeds: Feeds, outputs: Collection[str] | None, deadline: Deadline
    ) -> Feeds:
        """What a signature gives; of its outputs at least those that are named.

        Raises:
            RequestError: It gives nothing.
        """

    @property
    def serve(self) -> str:
        """The signature of the model's own answer."""
        return SERVE if SERVE in self.signatures else DEFAULT

    @property
    def explanations(self) -> list[str]:
        """The names of the methods that are signatures, in the order of the export."""
        told = (self.record or {}).get("signatures", {})
        names = [name for name in told if name in self.signatures]
        names += sorted(set(self.signatures) - set(names))
        return [
            name.removeprefix(EXPLAIN)
            for name in names
            if name.startswith(EXPLAIN)
            and TARGET in self.signatures[name].inputs
            and {TARGET, "score"} <= set(self.signatures[name].outputs)
        ]


class Models(abc.ABC):
    """All models that can be asked for. Its methods are called by many threads."""

    forwards: bool = False
    """Whether requests of TensorFlow Serving's own can be passed on as they are."""

    @abc.abstractmethod
    def names(self) -> list[str]:
        """The models that are known by name."""

    @abc.abstractmethod
    def states(self, which: Which, deadline: Deadline) -> list[State]:
        """The versions of a model.

        Raises:
            RequestError: There is none.
        """

    @abc.abstractmethod
    @contextlib.contextmanager
    def model(self, which: Which, deadline: Deadline) -> Iterator[Model]:
        """A model, which stays loaded inside the block.

        Raises:
            RequestError: It is not there.
        """

    def use(self, which: Which, deadline: Deadline, work: Callable[[Model], T]) -> T:
        """What some work gives with a model, begun again where its version ended meanwhile.

        Raises:
            RequestError: The model is not there, or the work fails.
        """
        try:
            with self.model(which, deadline) as model:
                return work(model)
        except VersionEndedError:
            with self.model(which, deadline) as model:
                return work(model)

    def use_known(self, which: Which, deadline: Deadline, work: Callable[[Model], T]) -> T:
        """The same, where an error names the models that are there.

        Raises:
            RequestError: The model is not there, or the work fails.
        """
        try:
            return self.use(which, deadline, work)
        except RequestError as error:
            known = self.names()
            if error.status != 404 or which.name in known or not known:
                raise
            raise RequestError(404, f"{error}. There is {', '.join(known[:20])}.") from error

    @abc.abstractmethod
    def waits_for(self) -> str | None:
        """Why requests cannot be answered now, None where they can."""

    def own_states(self) -> dict[str, list[State]]:
        """The versions of each model that this process loads; none of a server behind."""
        return {}

    def failed_loads(self) -> dict[str, int]:
        """How often a version of each model could not be loaded."""
        return {}

    def start(self) -> None:  # noqa: B027 - not all have something to do
        """Called once before the first request."""

    def close(self) -> None:  # noqa: B027
        """Called once after the last one."""


def read_record(text: str | bytes) -> dict[str, Any] | None:
    """The record of an export; None where it is none that this tfxai knows."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_known = (
        isinstance(record, dict)
        and record.get("schema") == SCHEMA
        and isinstance(record.get("signatures"), dict)
        and all(isinstance(one, dict) for one in record["signatures"].values())
        and _is_shallow(record)
    )
    return record if is_known else None


def _is_shallow(record: dict[str, Any]) -> bool:
    """Whether it can be walked through, and written again."""
    level: list[Any] = [record]
    for _ in range(_DEPTH):
        nested = [
            one.values() if isinstance(one, dict) else one
            for one in level
            if isinstance(one, dict | list)
        ]
        if not nested:
            return True
        level = [value for one in nested for value in one]
    return False


def not_found(which: Which) -> RequestError:
    """There is no such model, in TensorFlow Serving's words."""
    if which.label is not None:
        return bad(f"Unrecognized servable version label: {which.label}")
    asked = (
        f"Latest({which.name})"
        if which.version is None
        else f"Specific({which.name}, {which.version})"
    )
    return RequestError(404, f"Servable not found for request: {asked}")
