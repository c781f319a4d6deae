"""A TensorFlow Serving behind this server, asked over its REST interface."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from tfxai.errors import InvalidInputError
from tfxai.serving.messages import json_codec
from tfxai.serving.messages.problems import (
    RequestError,
    late_upstream,
    no_upstream,
    unavailable,
)
from tfxai.serving.messages.signatures import Signature, from_metadata
from tfxai.serving.messages.tensors import Feeds, read_answer
from tfxai.serving.models.model import Deadline, State, Which
from tfxai.serving.models.remote import ANSWER, Remote, RemoteDescription

_LOG = logging.getLogger("tfxai.serving")
_TRIES = 2  # a connection that was kept may have been closed by a restart
_PAUSE = 0.05
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")
_VERSION = re.compile(r"[0-9]{1,18}")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status_code: int
    content: bytes


class Upstream(Remote):
    """Models of a TensorFlow Serving.

    Args:
        url: Where it answers, `http://HOST:PORT`.
        names: Models to look after: they have to be there before this server calls itself ready,
            and its page offers them. REST has no list.
        connections: Requests to it at a time.
        answer: As for `Remote`.

    Raises:
        InvalidInputError: That is no such address.
    """

    forwards = True

    def __init__(
        self,
        url: str,
        names: Sequence[str] = (),
        *,
        connections: int = 32,
        answer: int = ANSWER,
    ) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InvalidInputError(_no_address(url)) from error
        is_model = "v1" in parsed.path.lower().split("/")
        if parsed.scheme not in ("http", "https") or is_model or not _HOST.fullmatch(parsed.host):
            raise InvalidInputError(_no_address(url))
        super().__init__(names, answer)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        # trust_env: a proxy of the environment is none for the server beside
        self._client = httpx.Client(base_url=parsed, limits=limits, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def probe(self, deadline: Deadline) -> None:
        """Asks for a model that cannot be."""
        self.forward("GET", "/v1/models/-", b"", deadline)

    def forward(
        self, method: str, path: str, body: bytes, deadline: Deadline
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a request that is passed on as it is.

        Raises:
            RequestError: There is no answer, or one that is no JSON.
        """
        answer = self._asked(method, path, body, deadline)
        self._content(answer)
        _check_status(answer)
        return answer.status_code, answer.content

    def states(self, which: Which, deadline: Deadline) -> list[State]:
        """As the server behind has them."""
        body = self._json("GET", _path(which), b"", deadline)
        return self._read(
            lambda: [
                State(
                    int(one["version"]),
                    str(one["state"]),
                    str(one.get("status", {}).get("error_code", "OK")),
                    str(one.get("status", {}).get("error_message", "")),
                )
                for one in body["model_version_status"]
            ]
        )

    def describe(self, which: Which, deadline: Deadline) -> RemoteDescription:
        """By its metadata."""
        body = self._json("GET", f"{_path(which)}/metadata", b"", deadline)
        signatures = self._read(lambda: from_metadata(body))
        version = self._read(lambda: body["model_spec"].get("version"))
        is_number = _VERSION.fullmatch(str(version or ""))
        return RemoteDescription(int(version) if is_number else None, signatures)

    def predict(
        self,
        which: Which,
        name: str,
        feeds: Feeds,
        signature: Signature,
        outputs: Collection[str] | None,
        deadline: Deadline,
    ) -> Feeds:
        """By `:predict` in columns, which gives all outputs."""
        body = json_codec.write({"signature_name": name, "inputs": feeds})
        answer = self._json("POST", f"{_path(which)}:predict", body, deadline)
        return dict(self._read(lambda: read_answer(answer, signature)))

    def _json(self, method: str, path: str, body: bytes, deadline: Deadline) -> Any:
        answer = self._asked(method, path, body, deadline)
        content = self._content(answer)
        if answer.status_code == 200:
            return content
        _check_status(answer)
        raise RequestError(answer.status_code, _told(answer))

    def _asked(self, method: str, path: str, body: bytes, deadline: Deadline) -> Answer:
        headers = {"content-type": "application/json"} if body else {}
        for tried in range(1, _TRIES + 1):
            deadline.check()
            try:
                with self._client.stream(
                    method, path, content=body, headers=headers, timeout=max(deadline.left, 0.001)
                ) as answer:
                    return _read_within(answer, deadline, self._answer)
            except httpx.TimeoutException as error:
                raise late_upstream(deadline.seconds) from error
            except httpx.HTTPError as error:
                if tried == _TRIES:
                    _LOG.warning("upstream %s: %s", self._client.base_url, type(error).__name__)
                    how = "cannot be reached"
                    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
                        how = "broke its answer off"
                    raise unavailable(
                        f"The server behind this one {how} ({type(error).__name__}). Try again "
                        "later."
                    ) from error
                time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _content(self, answer: Answer) -> Any:
        try:
            content = json_codec.read(answer.content)
        except RequestError:
            content = None
        if not isinstance(content, dict):
            _LOG.warning(
                "upstream %s: status %d without a JSON object",
                self._client.base_url,
                answer.status_code,
            )
            raise no_upstream(
                f"The server behind this one gave status {answer.status_code} and no JSON object. "
                "Is it a TensorFlow Serving, at the port of its REST interface?"
            )
        return content

    def _read(self, take: Any) -> Any:
        """What is taken from an answer, or an error where it is of another form."""
        try:
            return take()
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            IndexError,
            OverflowError,
            RequestError,
        ) as error:
            raise no_upstream(
                "The server behind this one gave an answer of another form than TensorFlow "
                f"Serving's: {_shown(error)}"
            ) from error


def _read_within(answer: httpx.Response, deadline: Deadline, most: int) -> Answer:
    """The answer with its body, however slowly that comes.

    Raises:
        RequestError: 502, it is too large; 504, it is late.
    """
    said = answer.headers.get("content-length", "")
    content, size = bytearray(), int(said) if _VERSION.fullmatch(said) else 0
    for part in answer.iter_bytes() if size <= most else ():
        content += part
        size = max(size, len(content))
        deadline.check()
        if size > most:
            break
    if size > most:
        raise no_upstream(
            f"The server behind this one gave {size:,} bytes or more, and this server takes at "
            f"most {most:,}. Ask for less, or start it with a larger --max-answer."
        )
    return Answer(answer.status_code, bytes(content))


def _check_status(answer: Answer) -> None:
    """Raises `RequestError`, 502, where a status is none that TensorFlow Serving has."""
    if not (answer.status_code in (200, 501, 503, 504) or 400 <= answer.status_code < 500):
        raise no_upstream(f"The server behind this one failed: {_told(answer)}")


def _shown(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}."
    return str(error) if isinstance(error, RequestError) else f"{type(error).__name__}."


def _path(which: Which) -> str:
    path = f"/v1/models/{quote(which.name, safe='')}"
    if which.version is not None:
        return f"{path}/versions/{which.version}"
    return path if which.label is None else f"{path}/labels/{quote(which.label, safe='')}"


def _told(answer: Answer) -> str:
    """The sentence in an error of TensorFlow Serving."""
    try:
        told = json_codec.read(answer.content).get("error")
    except (RequestError, AttributeError):
        told = None
    return str(told or f"status {answer.status_code}")[:2000]


def _no_address(url: str) -> str:
    return (
        f"{url!r} is no address of a server. Pass http://HOST:PORT of a TensorFlow Serving's REST "
        "interface without the path of a model, or grpc://HOST:PORT."
    )
