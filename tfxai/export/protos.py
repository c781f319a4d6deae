"""The few protocol buffers that are written without the classes of TensorFlow Serving.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.inspection.readers import protobuf

Feeds: TypeAlias = Mapping[str, Array]
_BYTES = 2  # kind of a field that holds text, bytes or a message


def prediction_log(model: str, signature: str, feeds: Feeds) -> bytes:
    """A `PredictionLog` of one `PredictRequest`: what TensorFlow Serving warms a model up with.

    Field numbers are those of TensorFlow Serving's `prediction_log.proto`, `predict.proto` and
    `model.proto`.
    """
    spec = _field(1, model.encode()) + _field(3, signature.encode())
    request = _field(1, spec)
    for name, array in sorted(feeds.items()):
        tensor = tf.make_tensor_proto(array).SerializeToString(deterministic=True)
        request += _field(2, _field(1, name.encode()) + _field(2, tensor))
    return _field(6, _field(1, request))


def read_prediction_log(data: bytes) -> tuple[str, dict[str, Array]]:
    """Signature and inputs of a `PredictionLog`.

    Raises:
        Malformed: It is none of a `PredictRequest`.
    """
    request = protobuf.first(protobuf.first(memoryview(data), 6), 1)
    feeds = {}
    for entry in protobuf.messages(request, 2):
        proto = tf.make_tensor_proto(0)
        proto.ParseFromString(bytes(protobuf.first(entry, 2)))
        feeds[protobuf.text(entry, 1)] = np.asarray(tf.make_ndarray(proto))
    return protobuf.text(protobuf.first(request, 1), 3), feeds


def write_records(path: str, records: Iterator[bytes]) -> None:
    """A TFRecord file."""
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])
