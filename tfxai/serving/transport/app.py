"""The server as an ASGI application: what every request goes through."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tfxai.export.names import EXPLAIN
from tfxai.serving.admission import Admission, OtherKindError, WorkKind
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import json_codec
from tfxai.serving.messages.problems import RequestError, too_much, unavailable
from tfxai.serving.models.model import Deadline, Models
from tfxai.serving.sampling import Sample
from tfxai.serving.transport import metrics
from tfxai.serving.transport.grpc_front import GrpcFront
from tfxai.serving.transport.open_inference import OpenInference
from tfxai.serving.transport.page import page_files
from tfxai.serving.transport.rest import JSON, Call, Reply, Rest

_LOG = logging.getLogger("tfxai.serving")
_ACCESS = logging.getLogger("tfxai.serving.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_METHODS = ["GET", "POST"]
_VERB = re.compile(r"[:/](predict|explain|classify|regress|infer)/?$", re.IGNORECASE)
_GRACE = 1.0  # seconds for which a body that is too large is still read, and thrown away
Endpoint = Callable[[Request], Any]
Answering = Callable[[Call], Reply]
Hold = Callable[[int], None]


class Server:
    """The server of some models.

    Args:
        models: Where answers come from; it is started and closed with the application.
        limits: What a request may ask for.
        token: What requests have to carry as `Authorization: Bearer`, None for nothing.
        grpc_at: Address and port to answer gRPC at, None for not at all.
        sample: What keeps some of the explanations, None where nothing does.

    Raises:
        MissingExtraError: grpc_at is given, and grpcio is not installed.
    """

    def __init__(
        self,
        models: Models,
        limits: ServerLimits,
        token: str | None = None,
        grpc_at: tuple[str, int] | None = None,
        sample: Sample | None = None,
    ) -> None:
        self._models = models
        self.limits = limits
        """What a request may ask for."""
        self._token = token
        self.admission = Admission(limits)
        """Who may run; a front of another protocol asks the same one."""
        self._held = 0
        self._looking: asyncio.Task[str | None] | None = None
        self._metrics = metrics.Metrics()
        self._metrics.watch(self.admission)
        self._metrics.watch_models(models)
        self._sample = sample
        if sample is not None:
            sample.told = self._metrics.sampled
        self.is_ending = False
        """Whether connections are closed after their answer, and no new ones are wanted."""
        self._front = None
        if grpc_at is not None:
            self._front = self._grpc_front(grpc_at)
            calls = self._front.calls
            self._metrics.watch_connections("grpc", lambda: calls.connections)
            self._metrics.watch_grpc_calls(lambda: calls.count)
        self.app = Starlette(routes=self._routes(), lifespan=self._life)
        self.app.add_exception_handler(HTTPException, _no_route)

    def _routes(self) -> list[Route]:
        first = self._guarded("v1", self._answering(Rest(self._models, self.limits, self._sample)))
        inference = self._answering(OpenInference(self._models, self.limits, self._sample))
        pages = [
            Route(path, self._open("page", _constant(*file)), methods=["GET"])
            for path, file in page_files().items()
        ]
        return [
            *pages,
            Route("/healthz", self._open("healthz", self._health), methods=["GET"]),
            Route("/readyz", self._open("readyz", self._ready), methods=["GET"]),
            Route("/metrics", self._guarded("metrics", self._numbers), methods=["GET"]),
            Route("/v2/health/live", self._open("v2", self._health), methods=["GET"]),
            Route("/v2/health/ready", self._open("v2", self._ready), methods=["GET"]),
            *(
                Route(f"/{start}{{rest:path}}", first, methods=_METHODS)
                for start in ("v1", "V1")  # TensorFlow Serving takes its paths in any case
            ),
            Route("/v2{rest:path}", self._guarded("v2", inference), methods=_METHODS),
        ]

    @contextlib.asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        self._models.start()
        if self._front is not None:
            await self._front.start()
        yield
        if self._front is not None:
            await self._front.stop()
        self.admission.close()
        await run_in_threadpool(self._models.close)

    def _grpc_front(self, at: tuple[str, int]) -> GrpcFront:
        return GrpcFront(
            at,
            self._models,
            self.limits,
            self.admission,
            self._holding,
            self._waits_for,
            self._metrics.answered,
            self._token,
            self._sample,
        )

    def _guarded(self, route: str, endpoint: Endpoint) -> Endpoint:
        """An endpoint for those who have the token."""

        async def guarded(request: Request) -> Response:
            if self._token is not None and not _has_token(request, self._token):
                raise RequestError(
                    401, "This server wants a token: send the header Authorization: Bearer TOKEN."
                )
            answer: Response = await endpoint(request)
            return answer

        return self._open(route, guarded)

    def _open(self, route: str, endpoint: Endpoint) -> Endpoint:
        """An endpoint whose errors are answers, and of which log and numbers tell."""

        async def watched(request: Request) -> Response:
            began = time.perf_counter()
            about: dict[str, Any] = {}
            name = request.headers.get("x-request-id", "")
            name = name if _REQUEST_ID.fullmatch(name) else uuid.uuid4().hex
            request.state.about = about
            try:
                response = await endpoint(request)
            except RequestError as error:
                response = _error(error)
            except Exception:
                _LOG.exception("A request failed.", extra={"request": name})
                response = _error(RequestError(500, f"The server failed; its log has {name}."))
            response.headers["x-request-id"] = name
            if self.is_ending:
                response.headers["connection"] = "close"
            spent = time.perf_counter() - began
            asked = _route(route, request)
            self._metrics.answered(asked, response.status_code, spent)
            if about.get("verb") == "explain":
                self._metrics.explained(about["model"], about["explainer"], about["instances"])
            _ACCESS.info(
                "%s %s %d",
                request.method,
                asked,
                response.status_code,
                extra={
                    "request": name,
                    "status": response.status_code,
                    "ms": round(1000 * spent, 2),
                    "bytes": len(response.body),
                    **about,
                },
            )
            return response

        return watched

    def _answering(self, handler: Answering) -> Endpoint:
        """An endpoint that reads a body, then takes a place and answers in a thread."""

        async def answered(request: Request) -> Response:
            deadline = Deadline(self.limits.seconds)
            with self._holding() as hold:
                body = await _body(request, self.limits, deadline, hold)
                path = request.scope.get("raw_path") or request.url.path.encode()
                call = Call(
                    request.method,
                    path.decode("latin-1"),
                    body,
                    request.headers.get("accept", ""),
                    deadline,
                    _kind(request, body),
                    request.headers.get("content-encoding", ""),
                    request.headers.get("inference-header-content-length"),
                )
                made = await self._run(handler, call, request)
            request.state.about.update(made.about)
            return Response(made.body, made.status, made.headers, made.media)

        return answered

    async def _run(self, handler: Answering, call: Call, request: Request) -> Reply:
        async def run(call: Call) -> Reply:
            return await self.admission.run(
                call.kind,
                lambda: handler(call.decoded(self.limits.body)),
                call.deadline,
                lambda: _gone(request),
            )

        try:
            return await run(call)
        except OtherKindError as error:
            return await run(dataclasses.replace(call, kind=error.kind))

    @contextlib.contextmanager
    def _holding(self) -> Iterator[Hold]:
        """Counts the bytes of a body, as long as they are held."""
        own = 0

        def hold(count: int) -> None:
            nonlocal own
            if self._held + count > self.limits.bodies:
                raise unavailable(
                    f"The requests that are being answered have {self._held:,} bytes, of "
                    f"{self.limits.bodies:,} that this server holds at a time. Try again later."
                )
            self._held += count
            own += count

        try:
            yield hold
        finally:
            self._held -= own

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Takes the number of HTTP's connections, for `/metrics`, from what counts them."""
        self._metrics.watch_connections("http", count)

    async def _health(self, request: Request) -> Response:
        return Response(json_codec.write({"live": True}), media_type=JSON)

    async def _waits_for(self) -> str | None:
        """Why requests cannot be answered now. However many ask, it is looked once at a time."""
        if self.is_ending:
            return "The server is being stopped."
        blocked = self.admission.waits_for()
        if blocked is not None:
            return blocked
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(run_in_threadpool(self._models.waits_for))
        return await asyncio.shield(self._looking)

    async def _ready(self, request: Request) -> Response:
        waits = await self._waits_for()
        content = {"ready": waits is None, **({"reason": waits} if waits else {})}
        return Response(json_codec.write(content), 503 if waits else 200, media_type=JSON)

    async def _numbers(self, request: Request) -> Response:
        return Response(self._metrics.text(), media_type=metrics.MEDIA)


def _kind(request: Request, body: bytes) -> WorkKind:
    """The kind of work, as far as it can be seen without reading the body."""
    found = _VERB.search(request.url.path)
    if found is None or request.method == "GET":
        return WorkKind.LOOK
    is_explained = found[1].lower() == "explain" or EXPLAIN.encode() in body
    return WorkKind.EXPLAIN if is_explained else WorkKind.PREDICT


async def _body(request: Request, limits: ServerLimits, deadline: Deadline, hold: Hold) -> bytes:
    """The body of a request.

    Raises:
        RequestError: 413, it is too large; 408, it did not come in time; 499, it broke off; 503,
            other bodies take the room.
    """
    most, seconds = limits.body, min(limits.receive, deadline.seconds)
    said = request.headers.get("content-length", "0")
    size = int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            stream, came = request.stream(), 0
            if size <= most:
                async for part in stream:
                    came += len(part)
                    if came > most:
                        break
                    hold(len(part))
                    body += part
                else:
                    return bytes(body)
            with contextlib.suppress(TimeoutError):  # a client that still sends hears nothing
                async with asyncio.timeout(_GRACE):
                    async for part in stream:
                        came += len(part)
                        if came > 4 * most:
                            break
    except TimeoutError as error:
        raise RequestError(408, f"The request did not come within {seconds:g} s.") from error
    except ClientDisconnect as error:
        raise RequestError(499, "The client closed the connection.") from error
    raise too_much("Bytes of the body", max(size, came), most, "--max-body", at_least=not size)


async def _gone(request: Request) -> None:
    """Ends when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _has_token(request: Request, token: str) -> bool:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("latin-1", "replace"), token.encode()
    )


def _error(error: RequestError) -> Response:
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(json_codec.write({"error": str(error)}), error.status, headers, JSON)


async def _no_route(request: Request, error: Exception) -> Response:
    """What Starlette answers itself: no such path, no such method."""
    status = getattr(error, "status_code", 404)
    path = request.scope.get("raw_path", b"").decode("latin-1")[:500]
    return _error(RequestError(status, f"There is no {request.method} {path}."))


def _route(route: str, request: Request) -> str:
    """The route in words of our own, with its verb: `"v1:explain"`."""
    found = _VERB.search(request.url.path) if route in ("v1", "v2") else None
    return route if found is None else f"{route}:{found[1].lower()}"


def _constant(body: bytes, media: str) -> Endpoint:
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": "default-src 'self'; img-src 'self' data: blob:",
        "x-content-type-options": "nosniff",
    }

    async def constant(request: Request) -> Response:
        return Response(body, 200, headers, media)

    return constant
