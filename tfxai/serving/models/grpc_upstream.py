"""A TensorFlow Serving behind this server, asked over gRPC."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from tfxai.errors import InvalidInputError, MissingExtraError
from tfxai.serving.messages import protos
from tfxai.serving.messages.problems import (
    HTTP_OF_CODE,
    RequestError,
    late_upstream,
    no_upstream,
    unavailable,
)
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, State, Which
from tfxai.serving.models.protos import NAMES, read_tensor, write_tensor
from tfxai.serving.models.remote import ANSWER, Remote, RemoteDescription

_LOG = logging.getLogger("tfxai.serving")
SCHEME = "grpc://"
_FIELD = "signature_def"
_SIGNATURES = "tensorflow.serving.SignatureDefMap"
_STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
_NOT_FOUND, _EXHAUSTED = 5, 8


class GrpcUpstream(Remote):
    """Models of a TensorFlow Serving, by `PredictionService` and `ModelService`.

    Args:
        url: Where it answers, `grpc://HOST:PORT`.
        names: As for `Remote`.
        answer: As for `Remote`.

    Raises:
        InvalidInputError: That is no such address.
        MissingExtraError: grpcio or protobuf is not installed.
    """

    def __init__(self, url: str, names: Sequence[str] = (), *, answer: int = ANSWER) -> None:
        super().__init__(names, answer)
        host, _, port = url.removeprefix(SCHEME).rstrip("/").rpartition(":")
        if not url.startswith(SCHEME) or not host or not port.isdigit():
            raise InvalidInputError(
                f"{url!r} is no address of a server. Pass grpc://HOST:PORT of a TensorFlow "
                "Serving."
            )
        try:
            import grpc
        except ModuleNotFoundError as error:
            raise MissingExtraError.of("grpcio", "grpc") from error
        self._grpc = grpc
        self._url = url
        self._methods = protos.methods(protos.PREDICTION) | protos.methods(protos.MODEL)
        most = [
            ("grpc.max_receive_message_length", answer),  # of attributions: 4 MB are too few
            ("grpc.max_send_message_length", -1),
        ]
        self._channel = grpc.insecure_channel(f"{host}:{port}", options=most)
        self._calls = {
            name: self._channel.unary_unary(
                one.path,
                request_serializer=one.request.SerializeToString,
                response_deserializer=one.response.FromString,
            )
            for name, one in self._methods.items()
        }

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def probe(self, deadline: Deadline) -> None:
        """Asks for a model that cannot be."""
        try:
            self.states(Which("-"), deadline)
        except RequestError as error:
            if error.status != HTTP_OF_CODE[_NOT_FOUND]:
                raise

    def states(self, which: Which, deadline: Deadline) -> list[State]:
        """By `ModelService.GetModelStatus`."""
        request = self._methods["GetModelStatus"].request()
        _fill(request.model_spec, which)
        answer = self._asked("GetModelStatus", request, deadline)
        return [
            State(
                one.version,
                _STATES.get(one.state, "UNKNOWN"),
                "OK" if not one.status.error_code else str(one.status.error_code),
                one.status.error_message,
            )
            for one in answer.model_version_status
        ]

    def describe(self, which: Which, deadline: Deadline) -> RemoteDescription:
        """By `PredictionService.GetModelMetadata`."""
        request = self._methods["GetModelMetadata"].request(metadata_field=[_FIELD])
        _fill(request.model_spec, which)
        answer = self._asked("GetModelMetadata", request, deadline)
        defined = protos.unpack(answer.metadata[_FIELD], _SIGNATURES)
        if defined is None:
            raise no_upstream("The server behind this one gave no signatures.")
        signatures = {
            name: Signature(_ends(one.inputs), _ends(one.outputs), one.method_name)
            for name, one in defined.signature_def.items()
        }
        version = answer.model_spec.version.value
        return RemoteDescription(version or None, signatures)

    def predict(
        self,
        which: Which,
        name: str,
        feeds: Feeds,
        signature: Signature,
        outputs: Collection[str] | None,
        deadline: Deadline,
    ) -> Feeds:
        """By `PredictionService.Predict`, with a filter where not all outputs are wanted."""
        request = self._methods["Predict"].request(output_filter=sorted(outputs or ()))
        _fill(request.model_spec, which)
        request.model_spec.signature_name = name
        for key, array in feeds.items():
            write_tensor(array, request.inputs[key])
        answer = self._asked("Predict", request, deadline)
        try:
            wanted = signature.outputs if outputs is None else outputs
            return {
                key: read_tensor(answer.outputs[key], self._answer)
                for key in wanted
                if key in answer.outputs
            }
        except (ValueError, OverflowError) as error:
            raise no_upstream(f"The server behind this one gave {error}.") from error

    def _asked(self, method: str, request: Any, deadline: Deadline) -> Any:
        deadline.check()
        try:
            return self._calls[method](request, timeout=deadline.left)
        except self._grpc.RpcError as error:
            code = error.code().value[0]
            status, told = HTTP_OF_CODE.get(code, 500), str(error.details())[:2000]
        if status == HTTP_OF_CODE[_EXHAUSTED] and "larger than max" in told:
            raise no_upstream(
                f"The server behind this one gave more than {self._answer:,} bytes. Ask for less, "
                "or start this one with a larger --max-answer."
            )
        if status == 504:
            raise late_upstream(deadline.seconds)
        if status == 503:
            _LOG.warning("upstream %s: %s", self._url, told)
            raise unavailable("The server behind this one cannot be reached. Try again later.")
        if status >= 500 and status != 501:
            raise no_upstream(f"The server behind this one failed: {told}")
        raise RequestError(status, told)


def _fill(spec: Any, which: Which) -> None:
    spec.name = which.name
    if which.version is not None:
        spec.version.value = which.version
    elif which.label is not None:
        spec.version_label = which.label


def _ends(infos: Any) -> dict[str, End]:
    found = {}
    for name, info in sorted(infos.items()):
        shape = info.tensor_shape
        sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
        kind = NAMES.get(info.dtype, f"DT_{info.dtype}")
        found[name] = End(kind, None if shape.unknown_rank else sizes, info.name)
    return found
