"""What the terminal shows: results on standard output, remarks on standard error."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Column, Table
    from rich.text import Text

_UNBOUNDED = 100_000  # columns, more than any name has


def output() -> Console:
    """Where results go: in colour on a terminal, 80 columns wide in a pipe."""
    return _console(stderr=False)


def remarks() -> Console:
    """Where everything but results goes."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Pipeable(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # for the group of commands, which ends the process

    return Pipeable(stderr=stderr, highlight=False, markup=False, emoji=False)


def report(sentence: str, label: str = "Error: ") -> None:
    """Prints a sentence on standard error, unbroken, so that it can be searched for."""
    from rich.text import Text

    line = Text.assemble((label, "bold red"), shown(sentence))
    with contextlib.suppress(OSError):  # nobody listens
        remarks().print(line, soft_wrap=True)


def remark(sentence: str) -> None:
    """Prints something worth knowing on standard error."""
    remarks().print(shown(sentence), style="dim", soft_wrap=True)


def say(text: str = "", style: str = "") -> None:
    """Prints a line of results, unbroken."""
    output().print(text, style=style, soft_wrap=True)


def print_laid_out(made: Table | Padding | Text) -> None:
    """Prints a table or a paragraph as wide as the terminal.

    In a pipe it gets as wide as the longest word or name in it needs, so that none is broken
    and each can be searched for.
    """
    from rich.measure import Measurement
    from rich.table import Table

    console = output()
    if console.is_terminal:
        console.print(made)
        return
    unbounded = console.options.update(max_width=_UNBOUNDED)
    if isinstance(made, Table):
        least = []
        for number, column in enumerate(made.columns):
            least.append(_needed(column, is_whole=number == 0 or column.no_wrap))
            column.min_width = least[-1]
            column.no_wrap = False  # by which rich would measure it as narrow as can be
        between = Measurement.get(console, unbounded, made).minimum - sum(least)
        _set_widths(made.columns, least, console.width - between)
    needed = Measurement.get(console, unbounded, made).minimum
    console.width = max(console.width, needed)
    console.print(made)


def _set_widths(columns: Sequence[Column], least: Sequence[int], room: int) -> None:
    """Gives each column the width of its longest line, and takes from the widest what is missing.

    Rich takes it in equal shares, also from columns that have nothing to give, and cuts off the
    last ones.
    """
    widths = [_needed(column, is_whole=True) for column in columns]
    while sum(widths) > room and widths != list(least):
        given = [width - one for width, one in zip(widths, least, strict=True)]
        widths[given.index(max(given))] -= 1
    for column, width in zip(columns, widths, strict=True):
        column.width = width


def _needed(column: Column, *, is_whole: bool) -> int:
    """The width of the longest word of a column, or of its longest line, which may hold spaces."""
    from rich.cells import cell_len

    texts = map(str, (column.header, *column.cells))
    parts = [part for text in texts for part in (text.split("\n") if is_whole else text.split())]
    return max(map(cell_len, parts), default=0)


def print_json(record: Any) -> None:
    """Prints a record as JSON, the only thing on standard output."""
    output().print(json.dumps(record, indent=2, allow_nan=False), soft_wrap=True)


@contextlib.contextmanager
def working(on: str) -> Iterator[None]:
    """Shows on a terminal what is being done for as long as it is done."""
    console = remarks()
    if not console.is_terminal:
        yield
        return
    with console.status(f"{shown(on)} ..."):
        yield


class Counted:
    """A bar on a terminal that reads `37 of 300, 1:05 left`; elsewhere nothing.

    Args:
        on: What is being done.
        total: How many things it is done to.
    """

    def __init__(self, on: str, total: int) -> None:
        self._bar = None
        if remarks().is_terminal:
            from tfxai.progress import counting_bar

            self._bar = counting_bar()
            self._task = self._bar.add_task(shown(on), total=total)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the bar for as long as work is done; results can be printed in between."""
        if self._bar is None:
            yield
            return
        with self._bar:
            yield

    @property
    def is_shown(self) -> bool:
        """Whether there is a bar."""
        return self._bar is not None

    def rename(self, on: str) -> None:
        """Says otherwise what is being done."""
        if self._bar is not None:
            self._bar.update(self._task, description=shown(on))

    def reach(self, done: float) -> None:
        """Moves the bar to `done` things."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)


def table(*headings: str, right: Sequence[int] = ()) -> Table:
    """An empty table that suits a terminal and a text file.

    Args:
        *headings: One for each column.
        right: The columns that hold numbers.
    """
    from rich import box
    from rich.table import Table

    made = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
        show_edge=False,
    )
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    return made


def shown(text: str | os.PathLike[str]) -> str:
    """Printable text: undecodable bytes and control codes are replaced."""
    decoded = os.fsencode(os.fspath(text)).decode("utf-8", "replace")
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in decoded
    )


def bar(share: float, width: int = 24) -> str:
    """A bar for a share of 1, of characters that every encoding has where it must."""
    blocks = min(max(share, 0.0), 1.0) * width
    whole = int(blocks)
    rest = " ▏▎▍▌▋▊▉"[int((blocks - whole) * 8)].strip()
    drawn = "█" * whole + rest
    return drawn if output().encoding.startswith("utf") else "#" * round(blocks)
