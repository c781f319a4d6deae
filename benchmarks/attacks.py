"""What hostile clients send to a server of explanations, and what may come back."""

from __future__ import annotations

import base64
import collections
import contextlib
import io
import itertools
import json
import socket
from collections.abc import Callable

import numpy as np
from PIL import Image

MODEL = "/v1/models/cifar10_cnn"
Seen = collections.Counter[str]


def attacked(port: int, count: int) -> Seen:
    """Hostile requests of all kinds in turns: each kind with the status that it got, how often."""
    seen: Seen = collections.Counter()
    with contextlib.ExitStack() as left_open:
        for number, (name, (made, _)) in enumerate(itertools.cycle(ATTACKS.items())):
            if number == count:
                return seen
            if number % 200 == 0:  # what was left open is given up now and then
                left_open.close()
            seen[f"{name}: {_status(port, made(), left_open)}"] += 1
    raise AssertionError("unreachable")


def _status(port: int, sent: bytes, left_open: contextlib.ExitStack) -> str:
    """The status of what was sent; or that there is no answer, and the connection is left open."""
    made = socket.create_connection(("127.0.0.1", port), timeout=120)
    try:
        made.sendall(sent.removesuffix(_SILENT))
        if sent.endswith(_SILENT):
            left_open.enter_context(made)
            return "silent"
        answer = made.recv(65536)
        made.close()
        return answer[9:12].decode() or "closed"
    except ConnectionError:
        made.close()
        return "closed"


_SILENT = b"<and no more>"


def _post(path: str, body: bytes, length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n".encode() + body


def _bomb() -> bytes:
    """A PNG of many pixels, all of them black."""
    stream = io.BytesIO()
    Image.new("1", (8000, 8000)).save(stream, "PNG")
    body = {"instances": [{"b64": base64.b64encode(stream.getvalue()).decode()}]}
    return _post(f"{MODEL}:explain", json.dumps(body).encode())


def _many(signature: str) -> bytes:
    """15 MB of instances."""
    row = json.dumps(np.zeros((32, 32, 3), int).tolist(), separators=(",", ":"))
    one = f'{{"Input_Layer":{row},"target":0}}'
    text = f'{{"signature_name":"{signature}","instances":[{",".join([one] * 1900)}]}}'
    return _post(f"{MODEL}:predict", text.encode())


def _once(make: Callable[[], bytes]) -> Callable[[], bytes]:
    kept: list[bytes] = []

    def made() -> bytes:
        if not kept:
            kept.append(make())
        return kept[0]

    return made


ATTACKS: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "no JSON": (lambda: _post(f"{MODEL}:predict", b"{" * 1000), ("400",)),
    "deep": (lambda: _post(f"{MODEL}:predict", b'{"instances":' + b"[" * 10**5), ("400",)),
    "one byte": (lambda: _post(f"{MODEL}:predict", b"{", 100) + _SILENT, ("silent",)),
    "one byte, explained": (lambda: _post(f"{MODEL}:explain", b"{", 9) + _SILENT, ("silent",)),
    "half a head": (lambda: b"GET / HTTP/1.1\r\nhost" + _SILENT, ("silent",)),
    "nothing": (lambda: _SILENT, ("silent",)),
    "unread": (lambda: _post(f"{MODEL}:predict", b'{"instances": []}') + _SILENT, ("silent",)),
    "long head": (lambda: b"GET / HTTP/1.1\r\nx: " + b"a" * 200_000, ("431", "closed")),
    "no HTTP": (lambda: b"\x16\x03\x01\r\n\r\n", ("400",)),
    "ahead": (lambda: b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * 500, ("400", "200", "closed")),
    "other shape": (lambda: _post(f"{MODEL}:predict", b'{"instances": [[1, 2]]}'), ("400",)),
    "no model": (lambda: _post("/v1/models/none:explain", b'{"instances": [1]}'), ("404",)),
    "huge": (lambda: _post(f"{MODEL}:predict", b"", 10**12), ("413",)),
    "bomb": (_once(_bomb), ("413",)),
    "15 MB explained": (_once(lambda: _many("explain_saliency")), ("413",)),
    "15 MB predicted": (_once(lambda: _many("serving_default")), ("413",)),
}
"""What is sent, and what may come back: kinds of request by name."""
KINDS = len(ATTACKS)


def is_meant(kind: str) -> bool:
    """Whether a kind of request may get that status."""
    name, _, status = kind.rpartition(": ")
    return status in ATTACKS[name][1]
