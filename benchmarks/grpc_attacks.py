"""What hostile clients send to a server of explanations over gRPC, and what may come back."""

from __future__ import annotations

import collections
import contextlib
import itertools
import socket
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np

from benchmarks import http2
from benchmarks.attacks import Seen
from tfxai.serving.messages import protos
from tfxai.serving.models.protos import write_tensor

MODEL, INPUT = "cifar10_cnn", "Input_Layer"
SALIENCY = "explain_saliency"
PREDICT = protos.methods(protos.PREDICTION)["Predict"]
INFER = protos.methods(protos.INFERENCE)["ModelInfer"]
SECONDS = 120.0
IMAGES = np.full((1, 32, 32, 3), 0.5, np.float32)


def channel(port: int) -> grpc.Channel:
    """A connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=options)


def predict_request(
    signature: str = "",
    images: Any = IMAGES,
    outputs: tuple[str, ...] = (),
    model: str = MODEL,
) -> Any:
    """A `PredictRequest`, with a target where it asks for an explanation."""
    request = PREDICT.request(output_filter=outputs)
    request.model_spec.name, request.model_spec.signature_name = model, signature
    write_tensor(images, request.inputs[INPUT])
    if signature == SALIENCY:
        write_tensor(np.full(len(images), -1, np.int32), request.inputs["target"])
    return request


def infer_request(signature: str = "serving_default", raw: bytes | None = None) -> Any:
    """A `ModelInferRequest` of one image."""
    request = INFER.request(model_name=MODEL)
    request.parameters["signature_name"].string_param = signature
    request.inputs.add(name=INPUT, datatype="FP32", shape=IMAGES.shape)
    request.raw_input_contents.append(IMAGES.tobytes() if raw is None else raw)
    return request


def ask(made: grpc.Channel, path: str, sent: bytes, **options: Any) -> bytes:
    """The bytes of an answer."""
    options.setdefault("timeout", SECONDS)
    answer: bytes = made.unary_unary(path)(sent, **options)
    return answer


def attacked(port: int, count: int) -> Seen:
    """Hostile calls of all kinds in turns: each kind with the code that it got, how often."""
    seen: Seen = collections.Counter()
    kinds = itertools.islice(itertools.cycle(ATTACKS.items()), count)
    with contextlib.ExitStack() as left_open:
        for number, (name, (attack, _)) in enumerate(kinds):
            if number % 200 == 0:  # what was left open is given up now and then
                left_open.close()
                made = left_open.enter_context(channel(port))
            try:
                code = attack(made, port, left_open) or "OK"
            except grpc.RpcError as error:
                code = error.code().name
            seen[f"gRPC, {name}: {code}"] += 1
    return seen


def is_meant(kind: str) -> bool:
    """Whether a kind of call may get that code."""
    name, _, code = kind.removeprefix("gRPC, ").rpartition(": ")
    return code in ATTACKS[name][1]


Attack = Callable[[grpc.Channel, int, contextlib.ExitStack], str | None]


def _sends(make: Callable[[], Any], path: str = PREDICT.path, **options: Any) -> Attack:
    """Sends a message, made once, and gives what is answered."""
    kept: list[bytes] = []

    def attack(made: grpc.Channel, port: int, left_open: contextlib.ExitStack) -> None:
        if not kept:
            message = make()
            kept.append(message if isinstance(message, bytes) else message.SerializeToString())
        ask(made, path, kept[0], **options)

    return attack


def _leaves(sent: bytes) -> Attack:
    """Opens a connection, sends those bytes and no more."""

    def attack(made: grpc.Channel, port: int, left_open: contextlib.ExitStack) -> str:
        one = left_open.enter_context(socket.create_connection(("127.0.0.1", port), SECONDS))
        with contextlib.suppress(ConnectionError):
            one.sendall(sent)
        return "silent"

    return attack


def _cancels(made: grpc.Channel, port: int, left_open: contextlib.ExitStack) -> str:
    """Takes a call back at once."""
    call = made.unary_unary(PREDICT.path).future(predict_request(SALIENCY).SerializeToString())
    call.cancel()
    code: str = call.code().name
    return code


def _changed(change: Callable[[Any], Any], request: Callable[[], Any]) -> Callable[[], Any]:
    """A request that was good."""

    def make() -> Any:
        made = request()
        change(made)
        return made

    return make


def _sizes(*sizes: int) -> Callable[[Any], None]:
    def change(request: Any) -> None:
        tensor = request.inputs[INPUT]
        del tensor.tensor_shape.dim[:]
        for size in sizes:
            tensor.tensor_shape.dim.add().size = size

    return change


def _one_for_all(request: Any) -> None:
    _sizes(64_000, 32, 32, 3)(request)
    request.inputs[INPUT].ClearField("tensor_content")
    request.inputs[INPUT].float_val.append(1.0)


def _no_inputs(request: Any) -> None:
    request.ClearField("inputs")
    if hasattr(request, "raw_input_contents"):
        request.ClearField("raw_input_contents")


def _no_target(request: Any) -> None:
    del request.inputs["target"]


def _infer_shape(request: Any) -> None:
    request.inputs[0].shape[:] = [2**40, 2**40, 32, 3]


def _infer_type(request: Any) -> None:
    request.inputs[0].datatype = "BYTES"


_BAD, _MUCH = ("INVALID_ARGUMENT",), ("RESOURCE_EXHAUSTED",)
_MANY = np.zeros((65, 32, 32, 3), np.float32)
ATTACKS: dict[str, tuple[Attack, tuple[str, ...]]] = {
    "no inputs": (_sends(_changed(_no_inputs, predict_request)), _BAD),
    "no target": (_sends(_changed(_no_target, lambda: predict_request(SALIENCY))), _BAD),
    "other type": (_sends(lambda: predict_request(images=IMAGES.astype(np.int32))), _BAD),
    "absurd shape": (_sends(_changed(_sizes(2**40, 2**40, 32, 3), predict_request)), _BAD),
    "negative shape": (_sends(_changed(_sizes(-1, 32, 32, 3), predict_request)), _BAD),
    "other shape": (_sends(lambda: predict_request(images=IMAGES[0])), _BAD),
    "few bytes": (_sends(_changed(_sizes(2, 32, 32, 3), predict_request)), _BAD),
    "one number for 64,000": (_sends(_changed(_one_for_all, predict_request)), _BAD),
    "no signature": (_sends(lambda: predict_request("none")), ("FAILED_PRECONDITION",)),
    "no model": (_sends(lambda: predict_request(model="none")), ("NOT_FOUND",)),
    "no output": (_sends(lambda: predict_request(outputs=("none",))), _BAD),
    "many": (_sends(lambda: predict_request(SALIENCY, _MANY)), _MUCH),
    "17 MB": (_sends(lambda: bytes(17 * 2**20)), _MUCH),
    "no message": (_sends(lambda: b"\xff" * 1000), _BAD),
    "no method": (_sends(lambda: b"", "/a.b/C"), ("UNIMPLEMENTED",)),
    "compressed": (
        _sends(lambda: bytes(2**20), compression=grpc.Compression.Gzip), ("UNIMPLEMENTED",),
    ),
    "metadata": (_sends(predict_request, metadata=[("a", "b" * 100_000)]), _MUCH),
    "1 ms": (
        _sends(lambda: predict_request(SALIENCY, _MANY[:60]), timeout=0.001),
        ("DEADLINE_EXCEEDED", "UNAVAILABLE"),  # where the server says first that it is busy
    ),
    "taken back": (_cancels, ("CANCELLED",)),
    "infer, no inputs": (_sends(_changed(_no_inputs, infer_request), INFER.path), _BAD),
    "infer, absurd shape": (_sends(_changed(_infer_shape, infer_request), INFER.path), _BAD),
    "infer, other type": (_sends(_changed(_infer_type, infer_request), INFER.path), _BAD),
    "infer, few bytes": (_sends(lambda: infer_request(raw=b"123"), INFER.path), _BAD),
    "infer, no signature": (_sends(lambda: infer_request("none"), INFER.path), _BAD),
    "nothing": (_leaves(b""), ("silent",)),
    "no gRPC": (_leaves(b"GET / HTTP/1.1\r\n\r\n"), ("silent",)),
    "no call": (_leaves(http2.settings()), ("silent",)),
    "no message at all": (_leaves(http2.settings() + http2.call(1)), ("silent",)),
    "unread": (
        _leaves(http2.settings(0) + http2.call(1, predict_request().SerializeToString())),
        ("silent",),
    ),
    "ahead": (
        _leaves(http2.settings() + b"".join(http2.call(2 * i + 1) for i in range(300))),
        ("silent",),
    ),
}  # fmt: skip
"""What is sent, and which codes may come back: kinds of call by name."""
KINDS = len(ATTACKS)
