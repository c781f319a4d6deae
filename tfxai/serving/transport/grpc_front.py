"""gRPC in front: TensorFlow Serving's services and the Open Inference Protocol's at one port.

Its requests go through the same places, limits and token as those over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tfxai.errors import MissingExtraError, OutputError
from tfxai.serving.admission import Admission, OtherKindError, WorkKind
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.models.model import Deadline, Models
from tfxai.serving.sampling import Sample
from tfxai.serving.transport.grpc_calls import GrpcCalls
from tfxai.serving.transport.grpc_inference import Inference
from tfxai.serving.transport.grpc_serving import PreconditionError, Predictions
from tfxai.serving.transport.receiving import Receiving

_LOG = logging.getLogger("tfxai.serving")
_ACCESS = logging.getLogger("tfxai.serving.access")
_CODES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED", 409: "ABORTED", 413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_HEADERS = 16 * 2**10  # bytes of them
_HANDSHAKE, _IDLE = 10_000, 75_000  # milliseconds
_AGE = 300_000  # milliseconds after which a connection is closed, when its calls are done
_PING, _PONG = 30_000, 20_000  # milliseconds without a byte, and for the answer to a ping
_STREAMS = 100  # calls of a connection at a time
_UNREAD = 64 * 2**10  # bytes of a message that may come before it is read
Answer = Callable[[Any, Deadline, WorkKind], Any]
Holding = Callable[[], contextlib.AbstractContextManager[Callable[[int], None]]]
Told = Callable[[str, int, float], None]


def _import() -> Any:
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines would stand among the log's
    try:
        import grpc
        import grpc.aio
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("grpcio", "grpc") from error
    return grpc


class GrpcFront:
    """The gRPC side of a server. Its methods are called in the event loop of the server.

    Args:
        at: Address and port to listen at.
        models: Where answers come from.
        limits: What a request may ask for.
        admission: Where it is given its place.
        holding: Counts the bytes of requests that are held.
        waits_for: Why no request can be answered now, None where one can.
        told: Called with route, status of HTTP and seconds of each answer.
        token: What requests have to carry in the metadata `authorization`, as `Bearer TOKEN`.
        sample: What keeps some of the explanations, None where nothing does.

    Raises:
        MissingExtraError: grpcio or protobuf is not installed.
    """

    def __init__(  # noqa: PLR0913 - what a server is made of
        self,
        at: tuple[str, int],
        models: Models,
        limits: ServerLimits,
        admission: Admission,
        holding: Holding,
        waits_for: Callable[[], Awaitable[str | None]],
        told: Told,
        token: str | None,
        sample: Sample | None = None,
    ) -> None:
        self._grpc = _import()
        self._at = at
        self._limits = limits
        self._admission = admission
        self._holding = holding
        self._waits_for = waits_for
        self._told = told
        self._token = token
        self._receiving = Receiving(
            max(2, limits.bodies // max(limits.body, 1)), limits.connections
        )
        self.calls = GrpcCalls(limits.bodies)
        """Those that are being answered."""
        self._server: Any = None
        serving = Predictions(models, limits, sample)
        inference = Inference(models, limits, sample)
        self._answers: dict[str, dict[str, tuple[WorkKind, Answer]]] = {
            protos.PREDICTION: {
                "Predict": (WorkKind.PREDICT, serving.predict),
                "GetModelMetadata": (WorkKind.LOOK, serving.metadata),
            },
            protos.MODEL: {"GetModelStatus": (WorkKind.LOOK, serving.status)},
            protos.INFERENCE: {
                "ServerMetadata": (WorkKind.LOOK, inference.server),
                "ModelReady": (WorkKind.LOOK, inference.ready),
                "ModelMetadata": (WorkKind.LOOK, inference.metadata),
                "ModelInfer": (WorkKind.PREDICT, inference.infer),
            },
        }

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            OutputError: The place is taken.
        """
        self._server = self._grpc.aio.server(
            options=self._options(), maximum_concurrent_rpcs=self._most_calls()
        )
        handlers = [self._service(name, one) for name, one in self._answers.items()]
        self._server.add_generic_rpc_handlers(handlers)
        host, port = self._at
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server.add_insecure_port(place)
        except RuntimeError as error:
            raise OutputError(
                f"Cannot listen at {place} for gRPC. Choose another --grpc-port."
            ) from error
        await self._server.start()
        _LOG.info("gRPC at %s", place)

    def _options(self) -> list[tuple[str, int]]:
        """What bounds a connection, and how many there are."""
        limits = self._limits
        return [
            ("grpc.so_reuseport", 0),  # a port that is taken is an error
            ("grpc.max_receive_message_length", limits.body),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", _HEADERS),
            ("grpc.absolute_max_metadata_size", _HEADERS),  # above the other, some are refused
            ("grpc.max_allowed_incoming_connections", limits.connections),
            ("grpc.max_concurrent_streams", _STREAMS),
            ("grpc.http2.lookahead_bytes", _UNREAD),
            ("grpc.http2.bdp_probe", 0),  # which would have more than that come
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE),
            ("grpc.max_connection_idle_ms", _IDLE),
            # the only end of a call whose client does not read its answer
            ("grpc.max_connection_age_ms", _AGE),
            ("grpc.max_connection_age_grace_ms", int(1000 * (limits.seconds + limits.receive))),
            ("grpc.keepalive_time_ms", _PING),
            ("grpc.keepalive_timeout_ms", _PONG),
            ("grpc.keepalive_permit_without_calls", 1),
            # of a compressed message, only the size before it is decompressed is bounded
            ("grpc.compression_enabled_algorithms_bitset", 1),
        ]

    def _most_calls(self) -> int:
        """Calls at a time: those whose message is awaited, that are at work, that are unread.

        Each of these is bounded by itself, with an answer that says so; this is for the moments
        in between.
        """
        limits = self._limits
        return 2 * limits.connections + len(WorkKind) * (limits.concurrency + limits.queue)

    async def stop(self) -> None:
        """Ends to listen; what has begun is finished within the time that a request may take."""
        await self._server.stop(self._limits.seconds)

    def _service(self, service: str, answers: dict[str, tuple[WorkKind, Answer]]) -> Any:
        made = {
            name: self._handler(service, method, self._at_work(method, *answers[name]))
            for name, method in protos.methods(service).items()
            if name in answers
        }
        if service == protos.INFERENCE:
            for name, look in (("ServerLive", self._live), ("ServerReady", self._ready)):
                method = protos.methods(service)[name]
                made[name] = self._handler(service, method, look(method), is_open=True)
        return self._grpc.method_handlers_generic_handler(service, made)

    def _handler(
        self, service: str, method: protos.Method, answer: Any, *, is_open: bool = False
    ) -> Any:
        """What gRPC calls. It reads the one message itself, once the token was seen."""
        verb = method.path.rpartition("/")[2]
        route = f"grpc:{'v2' if service == protos.INFERENCE else 'v1'}:{verb}"

        async def handle(requests: Any, context: Any) -> bytes:
            began, status = time.perf_counter(), 200
            try:
                call = self.calls.enter(context)
                if not is_open:
                    self._check_token(context)
                call.check()
                made: bytes = await answer(context)
                call.hold(len(made))
                return made
            except RequestError as error:
                status = error.status
                await context.abort(self._code(error), str(error))
                raise
            except asyncio.CancelledError:
                status = 499
                raise
            except self._grpc.aio.AbortError:
                raise
            except Exception:
                status = 500
                _LOG.exception("A request failed.")
                await context.abort(self._grpc.StatusCode.INTERNAL, "The server failed.")
                raise
            finally:
                spent = time.perf_counter() - began
                self._told(route, status, spent)
                about = {"status": status, "ms": round(1000 * spent, 2)}
                _ACCESS.info("%s %d", route, status, extra=about)

        return self._grpc.stream_unary_rpc_method_handler(handle)

    def _at_work(self, method: protos.Method, kind: WorkKind, answer: Answer) -> Any:
        """Reads the message, then takes a place and answers in a thread."""

        async def at_work(context: Any) -> bytes:
            deadline = Deadline(self._seconds(context))
            with self._holding() as hold:
                data = await self._read(context, deadline)
                hold(len(data))

                async def run(kind: WorkKind) -> bytes:
                    def work() -> bytes:
                        request = _parsed(method, data)
                        made: bytes = answer(request, deadline, kind).SerializeToString()
                        return made

                    return await self._admission.run(kind, work, deadline)

                try:
                    return await run(kind)
                except OtherKindError as error:
                    return await run(error.kind)

        return at_work

    def _live(self, method: protos.Method) -> Any:
        async def live(context: Any) -> bytes:
            made: bytes = method.response(live=True).SerializeToString()
            return made

        return live

    def _ready(self, method: protos.Method) -> Any:
        async def ready(context: Any) -> bytes:
            waits = await self._waits_for()
            made: bytes = method.response(ready=waits is None).SerializeToString()
            return made

        return ready

    def _seconds(self, context: Any) -> float:
        """The seconds that an answer may take: those of the client, where it says fewer."""
        left = context.time_remaining()
        most = self._limits.seconds
        return most if left is None else max(min(left, most), 0.001)

    async def _read(self, context: Any, deadline: Deadline) -> bytes:
        seconds = min(self._limits.receive, deadline.seconds)
        data = await self._receiving.receive(context.read(), seconds, context.peer())
        if data is self._grpc.aio.EOF:
            raise RequestError(400, "One message was expected, and none came.")
        return bytes(data)

    def _check_token(self, context: Any) -> None:
        if self._token is None:
            return
        said = dict(context.invocation_metadata() or ()).get("authorization", "")
        kind, _, given = (said if isinstance(said, str) else "").partition(" ")
        is_one = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if kind.lower() != "bearer" or not is_one:
            raise RequestError(
                401, "This server wants a token: send the metadata authorization: Bearer TOKEN."
            )

    def _code(self, error: RequestError) -> Any:
        if isinstance(error, PreconditionError):
            return self._grpc.StatusCode.FAILED_PRECONDITION
        return getattr(self._grpc.StatusCode, _CODES.get(error.status, "INTERNAL"))


def _parsed(method: protos.Method, data: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return method.request.FromString(data)
    except DecodeError as error:
        name = method.request.DESCRIPTOR.full_name
        raise RequestError(400, f"The request is no {name}.") from error
