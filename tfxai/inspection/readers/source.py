"""Bytes of a file, read in small bounded pieces."""

from __future__ import annotations

import io
from typing import Any, final

PIECE = 16 << 20  # bytes that one read may ask for


class Malformed(Exception):
    """A file is not as its format wants it; the sentence says where."""


class Unread(Malformed):
    """A file uses a part of its format that the scanner does not read."""


@final
class ByteSource:
    """A stretch of an open file.

    Args:
        file: Open for reading, with `seek` and `read`.
        start: First byte of the stretch in the file.
        size: Bytes of the stretch.
        owned: Whether `close` closes the file.
    """

    def __init__(self, file: Any, start: int, size: int, *, owned: bool = False) -> None:
        self._file, self._start, self.size, self._owned = file, start, size, owned

    def close(self) -> None:
        """Closes a file that nobody else closes."""
        if self._owned:
            self._file.close()

    def at(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset` on.

        Raises:
            Malformed: The stretch has not that many bytes there.
        """
        if offset < 0 or size < 0 or size > PIECE or offset + size > self.size:
            raise Malformed(
                f"it points to {size:,} bytes at byte {offset:,}, and has {self.size:,} bytes"
            )
        self._file.seek(self._start + offset)
        data: bytes = self._file.read(size)
        if len(data) != size:
            raise Malformed(f"it ends before byte {offset + size:,}")
        return data


@final
class Bounded(io.RawIOBase):
    """A file for `zipfile`, which reads a whole list of members in one piece.

    Args:
        file: Open for reading.
        most: Bytes that one read may ask for.
    """

    def __init__(self, file: Any, most: int) -> None:
        super().__init__()
        self._file, self._most = file, most

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """As of any file."""
        return int(self._file.tell())

    def read(self, size: int | None = -1) -> bytes:
        """At most `most` bytes.

        Raises:
            Malformed: More was asked for.
        """
        wanted = -1 if size is None else size
        if wanted > self._most:
            raise Malformed(f"its list of members is {wanted:,} bytes long")
        data: bytes = self._file.read(self._most + 1 if wanted < 0 else wanted)
        if len(data) > self._most:
            raise Malformed(f"it wants more than {self._most:,} bytes read at once")
        return data
