"""Files that cannot be used: the first one is an error, or all are listed at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from tfxai.cli.terminal import remark, report
from tfxai.errors import DataNotFoundError, InvalidInputError, NotFiniteError

LEFT_OUT = 1
"""Exit code where something was left out."""


class BadFiles:
    """What becomes of a file that cannot be used.

    Args:
        skip: Whether it is left out and listed at the end; else it is an error.
    """

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self._reasons: dict[str, str] = {}

    def add(self, name: str, error: Exception) -> None:
        """Remembers why a file is left out; raises `error` where none may be."""
        if not self.skip:
            raise error
        self._reasons.setdefault(name, str(error))

    @contextlib.contextmanager
    def allowed(self, name: str) -> Iterator[None]:
        """What goes wrong inside is this file's fault."""
        try:
            yield
        except (InvalidInputError, DataNotFoundError, NotFiniteError) as error:
            self.add(name, error)

    def finish(self, used: int | None) -> None:
        """Lists what was left out on standard error, and then ends the command with code 1.

        Args:
            used: How many files were used; None where that is not to be said.

        Raises:
            typer.Exit: Something was left out.
        """
        if not self._reasons:
            return
        count = len(self._reasons)
        of = f"{count:,} files" if used is None else f"{count:,} of {used + count:,}"
        report(f"{of} were left out:", label="")
        for reason in self._reasons.values():
            remark(f"  {reason}")
        raise typer.Exit(LEFT_OUT)


STRICT = BadFiles(skip=False)
"""The first bad file is an error."""
