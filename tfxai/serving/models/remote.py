"""What all servers behind this one have in common: a model is asked about, and known a while."""

from __future__ import annotations

import abc
import contextlib
import math
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from tfxai.export.names import DESCRIBE, DESCRIPTION, EXAMPLES
from tfxai.serving.messages.problems import RequestError, VersionEndedError, no_upstream
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.messages.tensors import Feeds, check_shape
from tfxai.serving.models.model import Deadline, Model, Models, Which, read_record

_KEPT = 5.0  # seconds for which what is known of a model is not asked for again
_PROBE = 2.0  # seconds that the server behind may take to say that it is there
ANSWER = 64 * 2**20
"""Bytes of an answer of the server behind; more is no answer."""
_RANK = 32  # axes of a tensor


class RemoteDescription:
    """What is known of a model that another server has.

    Args:
        version: Its number, where it is told.
        signatures: By name.
    """

    def __init__(self, version: int | None, signatures: dict[str, Signature]) -> None:
        self.version = version
        self.signatures = signatures
        self.record: dict[str, Any] | None = None
        self.asked = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it may still be used."""
        return time.monotonic() - self.asked < _KEPT


class Remote(Models):
    """The models of a server behind this one.

    Args:
        names: Models to look after: they have to be there before this server calls itself ready,
            and its page offers them.
        answer: Bytes of an answer, and of each tensor that a model declares.
    """

    def __init__(self, names: Sequence[str], answer: int = ANSWER) -> None:
        self._names = list(names)
        self._answer = answer
        self._described: dict[Which, RemoteDescription] = {}
        self._lock = threading.Lock()

    @abc.abstractmethod
    def describe(self, which: Which, deadline: Deadline) -> RemoteDescription:
        """Version and signatures of a model.

        Raises:
            RequestError: It is not there.
        """

    @abc.abstractmethod
    def predict(
        self,
        which: Which,
        name: str,
        feeds: Feeds,
        signature: Signature,
        outputs: Collection[str] | None,
        deadline: Deadline,
    ) -> Feeds:
        """What a signature of that name gives; of its outputs at least those that are named.

        Raises:
            RequestError: It gives nothing.
        """

    @abc.abstractmethod
    def probe(self, deadline: Deadline) -> None:
        """Asks whether the server is there at all.

        Raises:
            RequestError: It is not.
        """

    def names(self) -> list[str]:
        """Those that were named, and those that were asked for with success."""
        with self._lock:
            seen = {which.name for which in self._described}
        return [*self._names, *sorted(seen - set(self._names))]

    def waits_for(self) -> str | None:
        """Until each named model is available, or the server answers at all."""
        deadline = Deadline(_PROBE)
        for name in self._names:
            try:
                states = self.states(Which(name), deadline)
            except RequestError as error:
                return f"{name}: {error}"
            if not any(one.state == "AVAILABLE" for one in states):
                return f"{name}: no version is available."
        if self._names:
            return None
        try:
            self.probe(deadline)
        except RequestError as error:
            return str(error)
        return None

    @contextlib.contextmanager
    def model(self, which: Which, deadline: Deadline) -> Iterator[Model]:
        """A model, of which the signatures are asked for once in a few seconds."""
        with self._lock:
            known = self._described.get(which)
        if known is None or not known.is_fresh:
            known = self.describe(which, deadline)
            for signature in known.signatures.values():
                for name, end in (*signature.inputs.items(), *signature.outputs.items()):
                    self._check_declared(name, end)
            known.record = _RemoteModel(self, which, known).read_record(deadline)
            with self._lock:
                fresh = {key: one for key, one in self._described.items() if one.is_fresh}
                self._described = {**fresh, which: known}
        try:
            yield _RemoteModel(self, which, known)
        except RequestError as error:
            if error.status != 413:  # it may have become another version meanwhile
                with self._lock:
                    self._described.pop(which, None)
            raise

    def _check_declared(self, name: str, end: End) -> None:
        """Whether an example of a tensor has a size that could come over the wire.

        Raises:
            RequestError: 502, it has not.
        """
        sizes = [n for n in end.shape or () if n is not None]
        if len(sizes) > _RANK or math.prod(sizes) > self._answer:
            shown = ", ".join("any" if n is None else str(n) for n in (end.shape or ())[:8])
            raise no_upstream(
                f"The server behind this one declares {name[:100]!r} of the shape ({shown}), and "
                f"this server takes at most {self._answer:,} bytes. Start it with a larger "
                "--max-answer."
            )


def as_declared(given: Feeds, signature: Signature, outputs: Collection[str] | None) -> Feeds:
    """What a server gave, those outputs alone that are wanted, where they are what it declared.

    Raises:
        RequestError: 502, one is missing or of another type or shape.
    """
    made = {}
    for name in signature.outputs if outputs is None else outputs:
        end, array = signature.outputs[name], given.get(name)
        if array is None:
            raise no_upstream(f"The server behind this one gave no output {name[:100]!r}.")
        declared = {"string": "object", "bfloat16": "float32"}.get(end.dtype, end.dtype)
        if array.dtype.name != declared:
            raise no_upstream(
                f"The server behind this one gave {name[:100]!r} as {array.dtype}, and declares "
                f"{end.dtype}."
            )
        try:
            check_shape(name, array.shape, end)
        except RequestError as error:
            raise no_upstream(
                f"The server behind this one gave a wrong tensor: {error}"
            ) from error
        made[name] = array
    return made


class _RemoteModel(Model):
    """A model that the server behind has. All its runs are of the version that was described."""

    def __init__(self, remote: Remote, which: Which, known: RemoteDescription) -> None:
        super().__init__(which, known.version, known.signatures, known.record)
        self._remote = remote
        self._one = which if known.version is None else Which(which.name, known.version)

    def run(
        self, signature: str, feeds: Feeds, outputs: Collection[str] | None, deadline: Deadline
    ) -> Feeds:
        """Asks for it."""
        end = self.signatures[signature]
        try:
            given = self._remote.predict(self._one, signature, feeds, end, outputs, deadline)
            return as_declared(given, end, outputs)
        except RequestError as error:
            if error.status == 404 and self._one != self.which:
                raise VersionEndedError(404, str(error)) from error
            raise

    def read_record(self, deadline: Deadline) -> dict[str, Any] | None:
        """What an export says of itself, by the signature that gives it."""
        signature = self.signatures.get(DESCRIBE)
        if signature is None or set(signature.inputs) != {EXAMPLES}:
            return None
        given = self.run(DESCRIBE, {EXAMPLES: np.zeros(1, np.int32)}, None, deadline)
        texts = given.get(DESCRIPTION)
        if texts is None or texts.shape != (1,) or texts.dtype != object:
            raise no_upstream("The server behind this one gave another record than was asked for.")
        return read_record(bytes(texts[0]))
