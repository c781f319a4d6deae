"""Every error that tfxai raises on purpose.

Each one is also the built-in that a caller would expect, and says what arrived,
what was expected and what to do, in that order.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class TfxaiError(Exception):
    """Base of every error raised on purpose."""


class TfxaiWarning(UserWarning):
    """Values are as they should be, and something about them has to be known: at most one a call.

    Silence it with `warnings.filterwarnings("ignore", category=tfxai.TfxaiWarning)`; what it says
    stays in `Attribution.remarks`.
    """


class InvalidInputError(TfxaiError, ValueError):
    """An argument, option, array or file holds something that cannot be used."""


class UnknownNameError(InvalidInputError):
    """A method, class, option or model of that name does not exist."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], owner: str = "") -> UnknownNameError:
        """An error for `name` (of `owner`), with the known names nearest to it."""
        known = list(known)
        near = nearest(name, known)
        if near:
            hint = f"Did you mean {' or '.join(repr(word) for word in near)}?"
        elif known:
            more = f" and {len(known) - 12} more" if len(known) > 12 else ""
            hint = f"Known: {', '.join(known[:12])}{more}."
        else:
            hint = "None is known."
        of = f" of {owner}" if owner else ""
        return cls(f"There is no {kind} {name!r}{of}. {hint}")


class LayerNotFoundError(UnknownNameError):
    """A layer path does not lead to a layer of the model."""


class UnsupportedModelError(TfxaiError, TypeError):
    """The model cannot be explained in the way that was asked."""


class NotFiniteError(UnsupportedModelError):
    """Values of an explanation are NaN or infinite.

    Args:
        sentence: What is not finite, where, and what to do.
        example: Number of the first such example.
    """

    def __init__(self, sentence: str, example: int) -> None:
        super().__init__(sentence)
        self.example = example


class InsufficientMemoryError(TfxaiError, MemoryError):
    """Memory ran out."""


class ModelFileError(TfxaiError, ValueError):
    """A file holds no model that Keras can load."""


class UnsafeModelError(ModelFileError):
    """A file holds what no honest model does, and was not loaded.

    Args:
        sentence: What was found, and what to do.
        report: All that a scan found.
    """

    def __init__(self, sentence: str, report: Any) -> None:
        super().__init__(sentence)
        self.report = report


class DataNotFoundError(TfxaiError, FileNotFoundError):
    """A file, folder or data set is not where it was looked for."""


class OutputError(TfxaiError, OSError):
    """A result cannot be written where it was asked for."""


class MissingExtraError(TfxaiError, ImportError):
    """An optional package is not installed."""

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtraError:
        """An error for `package`, with the command that installs it."""
        return cls(
            f"{package} is not installed, and this needs it. "
            f"Install it with: pip install 'tfxai[{extra}]'"
        )


def first_line(error: Exception, most: int = 500) -> str:
    """What an error says first, or its class, to stand inside another sentence."""
    text = getattr(error, "strerror", None) or str(error).strip()
    line = str(text).splitlines()[0] if text else type(error).__name__
    return line[:most].rstrip(". ")


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like `name`, best first, case ignored."""
    by_lower = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.6)
    return [by_lower[word] for word in found]
