"""A SavedModel in this process. The one part of the server that imports TensorFlow."""

from __future__ import annotations

import contextlib
import logging
import math
import re
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.errors import ModelFileError, UnsafeModelError
from tfxai.export.names import (
    DEFAULT,
    DESCRIBE,
    DESCRIPTION,
    EXAMPLES,
    EXPLAIN,
    EXTRA,
    RECORD,
    SERVE,
    WARMUP,
)
from tfxai.export.protos import read_prediction_log
from tfxai.inspection import PrivateCopy
from tfxai.serving.messages.problems import HTTP_OF_CODE, RequestError, late
from tfxai.serving.messages.signatures import PNG, End, Signature
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, read_record

_LOG = logging.getLogger("tfxai.serving")
_RECORD_BYTES = 16 * 2**20
_ASSERTION = re.compile(r"assertion failed: \[(.*)\]\W*")  # how TensorFlow writes what is asserted
_BETWEEN = re.compile(r"\] \[")
_WARMUPS = 1000  # as many as TensorFlow Serving runs


class Loaded:
    """The graphs and variables of one version, in a session: as TensorFlow Serving runs them.

    A session runs only what the outputs that are asked for need, and costs less Python for each
    call than a function does.

    Args:
        path: Its folder. A copy of it is scanned and then loaded, and warmed up by the requests
            that it brings along.
        trust: Load it whatever the scan found.

    Raises:
        UnsafeModelError: The scan advises against loading it.
        ModelFileError: It holds no SavedModel that runs.
        OutputError: There is no room for a copy.
    """

    def __init__(self, path: Path, *, trust: bool = False) -> None:
        with PrivateCopy(path, follow=trust) as copy:
            refused = copy.report.at("refuse")
            if refused and not trust:
                why = " ".join(f"{one.why.rstrip('.')}." for one in refused[:3])
                raise UnsafeModelError(f"It was not loaded. {why}", copy.report)
            if refused:
                what = "; ".join(one.what for one in refused[:3])
                _LOG.warning("loaded because of --trust, in spite of: %s", what)
            self._load(copy.path)

    def _load(self, path: Path) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        self._callables: dict[tuple[str, tuple[str, ...]], Any] = {}
        try:
            with _quiet(), self._session.graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
            self.signatures = {
                name: Signature(_ends(one.inputs), _ends(one.outputs), one.method_name)
                for name, one in sorted(meta.signature_def.items())
            }
            record = path / EXTRA / RECORD
            is_read = record.is_file() and record.stat().st_size <= _RECORD_BYTES
            self.record = read_record(record.read_bytes()) if is_read else None
            if self.record is None:
                self.record = self._described()
            self._warm_up(path / EXTRA / WARMUP)
        except Exception as error:  # whatever TensorFlow makes of a damaged folder
            self.close()
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"TensorFlow cannot load it: {_first(error)}") from error

    def close(self) -> None:
        """Gives the memory back."""
        self._callables.clear()
        self._session.close()

    def _described(self) -> dict[str, Any] | None:
        """The record in the graph, for a folder that came without the one beside it."""
        signature = self.signatures.get(DESCRIBE)
        if signature is None or set(signature.inputs) != {EXAMPLES}:
            return None
        given = self.run(DESCRIBE, {EXAMPLES: np.zeros(1, np.int32)}, None).get(DESCRIPTION)
        is_text = given is not None and given.shape == (1,) and given.dtype == object
        return read_record(bytes(given[0])) if given is not None and is_text else None

    def _warm_up(self, path: Path) -> None:
        if not path.is_file():
            return
        try:
            for log in tf.data.TFRecordDataset(str(path)).take(_WARMUPS).as_numpy_iterator():
                name, feeds = read_prediction_log(log)
                self.run(name, feeds, None)
                if name.startswith(EXPLAIN):
                    self.run(name, feeds, ())
                if name == SERVE and DEFAULT in self.signatures:
                    self.run(DEFAULT, feeds, None)
        except Exception as error:
            raise ModelFileError(f"A request to warm it up fails: {_first(error)}") from error

    def run(
        self,
        signature: str,
        feeds: Feeds,
        outputs: Collection[str] | None,
        deadline: Deadline | None = None,
    ) -> Feeds:
        """What a signature gives, at least those outputs that are named, all where none are.

        The first run of a set of outputs takes the time to prepare it. Explanations have two sets,
        with pictures and without, so that the requests that warm a version up have run both.

        TensorFlow begins no further operation of a run whose deadline is over.

        Raises:
            RequestError: TensorFlow refuses the inputs; 504, it is late.
        """
        ends = self.signatures[signature].outputs
        if signature.startswith(EXPLAIN) and outputs is not None:
            has_pictures = any(name.endswith(PNG) for name in outputs)
            outputs = [name for name in ends if has_pictures or not name.endswith(PNG)]
        names = tuple(name for name in ends if outputs is None or name in outputs)
        try:
            given = self._callable(signature, names)(
                *(feeds[name] for name in self.signatures[signature].inputs),
                options=None if deadline is None else _within(deadline),
            )
        except tf.errors.DeadlineExceededError as error:
            if deadline is None:
                raise
            raise late(deadline.seconds) from error
        except tf.errors.OpError as error:
            status = HTTP_OF_CODE.get(error.error_code, 500)
            raise RequestError(status, _first(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise RequestError(400, _first(error)) from error
        return dict(zip(names, map(np.asarray, given), strict=True))

    def _callable(self, signature: str, outputs: tuple[str, ...]) -> Any:
        """What runs these outputs; made once, by whichever thread asks first."""
        key = signature, outputs
        if key not in self._callables:
            ends = self.signatures[signature]
            self._callables[key] = self._session.make_callable(
                [ends.outputs[name].tensor for name in outputs],
                [end.tensor for end in ends.inputs.values()],
                accept_options=True,
            )
        return self._callables[key]


def _within(deadline: Deadline) -> Any:
    """The time that a run may take."""
    left = max(1, math.ceil(1000 * deadline.left))
    return tf.compat.v1.RunOptions(timeout_in_ms=left)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps TensorFlow's advice on its older interfaces out of the logs, for this thread."""
    mine = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or record.thread != mine

    logger = tf.get_logger()
    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


def _ends(infos: Any) -> dict[str, End]:
    return {name: _end(info) for name, info in sorted(infos.items())}


def _end(info: Any) -> End:
    shape = info.tensor_shape
    sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    kind = tf.as_dtype(info.dtype).name if info.dtype else "DT_INVALID"
    return End(kind, None if shape.unknown_rank else sizes, info.name)


def _first(error: Exception) -> str:
    """What an error says, without the graph's trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Graph execution error", "[["))]
    told = [line for line in lines if not line.startswith(("Detected at node", "Stack trace"))]
    said = " ".join(told[:3])[:600]
    failed = _ASSERTION.fullmatch(said)
    if failed:
        return " ".join(_BETWEEN.split(failed[1])).removesuffix(".") + "."
    return said or type(error).__name__
