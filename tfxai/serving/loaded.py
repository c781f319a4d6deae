"""A SavedModel in this process. The one part of the server that imports TensorFlow."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfxai.errors import ModelFileError, UnsafeModelError
from tfxai.export.names import EXTRA, RECORD, WARMUP
from tfxai.export.protos import read_prediction_log
from tfxai.inspection import scan
from tfxai.serving.models import read_record
from tfxai.serving.problems import HTTP_OF_CODE, RequestError
from tfxai.serving.signatures import End, Signature
from tfxai.serving.tensors import Feeds

_RECORD_BYTES = 16 * 2**20
_WARMUPS = 1000  # as many as TensorFlow Serving runs


class Loaded:
    """The graphs and variables of one version.

    Args:
        path: Its folder. It is scanned first, and warmed up by the requests that it brings along.

    Raises:
        UnsafeModelError: The scan advises against loading it.
        ModelFileError: It holds no SavedModel that runs.
    """

    def __init__(self, path: Path) -> None:
        report = scan(path)
        refused = report.at("refuse")
        if refused:
            why = " ".join(f"{one.why.rstrip('.')}." for one in refused[:3])
            raise UnsafeModelError(f"It was not loaded. {why}", report)
        try:
            self._loaded = tf.saved_model.load(str(path))
            self._functions = dict(self._loaded.signatures)
            self.signatures = _signatures(path)
        except Exception as error:  # whatever TensorFlow makes of a damaged folder
            raise ModelFileError(f"TensorFlow cannot load it: {_first(error)}") from error
        record = path / EXTRA / RECORD
        is_read = record.is_file() and record.stat().st_size <= _RECORD_BYTES
        self.record = read_record(record.read_bytes()) if is_read else None
        self._warm_up(path / EXTRA / WARMUP)

    def _warm_up(self, path: Path) -> None:
        if not path.is_file():
            return
        try:
            for log in tf.data.TFRecordDataset(str(path)).take(_WARMUPS).as_numpy_iterator():
                name, feeds = read_prediction_log(log)
                self.run(name, feeds, None)
        except Exception as error:
            raise ModelFileError(f"A request to warm it up fails: {_first(error)}") from error

    def run(self, signature: str, feeds: Feeds, outputs: Collection[str] | None) -> Feeds:
        """What a signature gives, those outputs alone where some are named.

        Raises:
            RequestError: TensorFlow refuses the inputs.
        """
        function = self._functions[signature]
        try:
            given = function(**{name: tf.constant(array) for name, array in feeds.items()})
            return {
                name: np.asarray(tensor.numpy())
                for name, tensor in given.items()
                if outputs is None or name in outputs
            }
        except tf.errors.OpError as error:
            status = HTTP_OF_CODE.get(error.error_code, 500)
            raise RequestError(status, _first(error)) from error
        except (TypeError, ValueError) as error:  # of tf.constant and of the function's signature
            raise RequestError(400, _first(error)) from error


def _signatures(path: Path) -> dict[str, Signature]:
    """As TensorFlow Serving's metadata have them."""
    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((path / "saved_model.pb").read_bytes())
    return {
        name: Signature(
            {key: _end(info) for key, info in one.inputs.items()},
            {key: _end(info) for key, info in one.outputs.items()},
            one.method_name,
        )
        for name, one in sorted(stored.meta_graphs[0].signature_def.items())
    }


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
    return " ".join(told[:3])[:600] or type(error).__name__
