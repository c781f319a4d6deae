"""Bodies that were compressed on their way: gzip and deflate, within a bound."""

from __future__ import annotations

import zlib

from tfxai.serving.messages.problems import RequestError, bad, too_much

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_MEMBERS = 64  # that follow on one another, as a file of gzip may have them


def decoded(body: bytes, encoding: str, most: int) -> bytes:
    """A body as it was before it was compressed.

    Args:
        body: As it came.
        encoding: The header Content-Encoding.
        most: Bytes that it may have.

    Raises:
        RequestError: 415, the encoding is not known; 413, it would be larger; 400, it is damaged.
    """
    name = encoding.strip().lower()
    if not body or name in ("", "identity"):
        return body
    if name not in _WINDOWS:
        raise RequestError(
            415,
            f"The Content-Encoding {name[:100]!r} is not read here. Send the body as it is, or "
            "compressed by gzip or deflate.",
        )
    parts, left = [], most
    for _ in range(_MEMBERS):
        member = zlib.decompressobj(_WINDOWS[name])
        try:
            part = member.decompress(body, left + 1)
        except zlib.error as error:
            raise _damaged(name) from error
        parts.append(part)
        left -= len(part)
        if left < 0:
            what = "Bytes of the body when decompressed"
            raise too_much(what, most + 1, most, "--max-body", at_least=True)
        if not member.eof:
            raise _damaged(name)
        body = member.unused_data
        if not body:
            return b"".join(parts)
    raise bad(f"The body has more than {_MEMBERS} parts that are compressed by themselves.")


def _damaged(name: str) -> RequestError:
    return bad(f"The body is not whole, or not compressed by {name}, its Content-Encoding.")
