"""Parts of short representations: one line, whatever a file says."""

from __future__ import annotations

_LONGEST = 40


def shown(text: str) -> str:
    """Text from a file as a literal of one line, its end cut off where it is long."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def size(count: int) -> str:
    """Bytes in words: `"512 bytes"`, `"1.2 MB"`."""
    for unit, bytes_of_it in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_of_it:
            return f"{count / bytes_of_it:.1f} {unit}"
    return f"{count} bytes"
