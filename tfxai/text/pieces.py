"""How vocabularies write the pieces of words: WordPiece, byte-level BPE, SentencePiece, words."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

_SPACE = "▁"
_BYTE_SPACE = "Ġ"


@dataclasses.dataclass(frozen=True)
class Style:
    """One way of writing pieces.

    Args:
        name: `"wordpiece"` (`##` goes on a word), `"bytes"` (`Ġ` begins one, characters stand for
            bytes), `"sentencepiece"` (`▁` begins one) or `"words"` (each is one).
    """

    name: str

    def begins(self, piece: str) -> bool:
        """Whether a piece begins a word. The first of a text always does."""
        if self.name == "wordpiece":
            return not piece.startswith("##") or piece == "##"
        if self.name == "bytes":
            return piece.startswith((_BYTE_SPACE, "Ċ", "ĉ"))
        return piece.startswith(_SPACE) if self.name == "sentencepiece" else True

    def part(self, piece: str) -> bytes:
        """What a piece adds to its word, in UTF-8, of which it may hold part of a character."""
        if self.name == "wordpiece" and piece.startswith("##") and piece != "##":
            piece = piece[2:]
        elif self.name == "sentencepiece":
            piece = piece.replace(_SPACE, "")
        elif self.name == "bytes":
            table = _bytes_of_characters()
            if all(one in table for one in piece):
                return bytes(table[one] for one in piece).strip()
        return piece.encode("utf-8", "replace")


def style_of(kinds: Iterable[str], pieces: Iterable[str]) -> Style:
    """The style of a tokenizer.

    Args:
        kinds: Names of its classes.
        pieces: What it makes of the texts at hand, for one whose classes say nothing.
    """
    for name, style in (
        ("WordPiece", "wordpiece"),
        ("BytePair", "bytes"),
        ("SentencePiece", "sentencepiece"),
    ):
        if any(name in kind for kind in kinds):
            return Style(style)
    seen = list(pieces)
    if any(piece.startswith(_BYTE_SPACE) for piece in seen):
        return Style("bytes")
    if any(piece.startswith(_SPACE) for piece in seen):
        return Style("sentencepiece")
    return Style("wordpiece")


@functools.cache
def _bytes_of_characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for.

    Printable bytes stand for themselves, the others in turn for the characters from 256 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    named = {chr(byte): byte for byte in printable}
    return named | {chr(256 + i): byte for i, byte in enumerate(others)}
