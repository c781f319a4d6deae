"""Messages of gRPC, made from the `.proto` files here without TensorFlow or TensorFlow Serving.

`messages.binpb` is what `make protos` compiles them to. It is read into a pool of its own, so
that TensorFlow's own messages of the same names may be loaded beside these.
"""

from __future__ import annotations

import dataclasses
import functools
from importlib import resources
from typing import Any

from tfxai.errors import MissingExtraError

PREDICTION = "tensorflow.serving.PredictionService"
MODEL = "tensorflow.serving.ModelService"
INFERENCE = "inference.GRPCInferenceService"


@dataclasses.dataclass(frozen=True)
class Method:
    """One method of a service.

    Args:
        path: Under which gRPC calls it.
        request: Class of its requests.
        response: Class of its answers.
    """

    path: str
    request: Any
    response: Any


@functools.cache
def _pool() -> Any:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("protobuf", "grpc") from error
    data = resources.files(__package__).joinpath("messages.binpb").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def message(name: str) -> Any:
    """The class of a message, such as `"tensorflow.serving.SignatureDefMap"`.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


def methods(service: str) -> dict[str, Method]:
    """The methods of a service by name.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    found = _pool().FindServiceByName(service)
    return {
        one.name: Method(
            f"/{service}/{one.name}",
            message(one.input_type.full_name),
            message(one.output_type.full_name),
        )
        for one in found.methods
    }


def pack(into: Any, packed: Any) -> None:
    """Puts a message into an `Any`."""
    into.type_url = f"type.googleapis.com/{packed.DESCRIPTOR.full_name}"
    into.value = packed.SerializeToString()


def unpack(given: Any, name: str) -> Any | None:
    """The message of that name in an `Any`, None where it holds another one."""
    from google.protobuf.message import DecodeError

    if not given.type_url.endswith(f"/{name}"):
        return None
    try:
        return message(name).FromString(given.value)
    except DecodeError:
        return None
