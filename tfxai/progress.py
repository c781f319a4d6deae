"""A progress display for what takes more than a moment: on standard error, or in a notebook."""

from __future__ import annotations

import contextlib
import html
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from rich.progress import Progress, Task

Report = Callable[[int, int], None]
"""Called with (done, total)."""

PATIENCE = 1.0
"""Seconds before anything is shown."""
_EVERY = 0.2  # seconds between updates of a notebook
_MEMORY = 3600.0  # seconds over which the speed is measured: a step may take minutes


class Display:
    """What is shown while work is done: called with (done, total) of its parts.

    Args:
        show: Called with (done, total or None where it is not known, unit) at each step.
    """

    def __init__(self, show: Callable[[int, int | None, str], None]) -> None:
        self._show = show
        self._counts_passes = False

    def __call__(self, done: int, total: int) -> None:
        """So many of all parts are done."""
        if not self._counts_passes:
            self._show(done, total, "")

    def passes(self, done: int, total: int | None) -> None:
        """So many passes are done, which are counted in the place of parts from now on."""
        self._counts_passes = True
        self._show(done, total, "passes")


@contextlib.contextmanager
def shown(progress: bool | Report | None, what: str, total: int) -> Iterator[Report]:
    """Gives a function to report progress with: a `Display` where one is shown.

    Args:
        progress: A function that is called instead of any display; True always shows a
            display, False never, None on a terminal or in a notebook after a second.
        what: Name of the work, such as `"integrated_gradients"`.
        total: Amount of work.
    """
    if callable(progress):
        yield progress
        return
    is_notebook = progress is not False and _in_notebook()
    if progress is False or not (progress or is_notebook or sys.stderr.isatty()):
        yield lambda done, in_all: None
        return
    bar = _NotebookBar(what) if is_notebook else _TerminalBar(what, total)
    timer = threading.Timer(0 if progress else PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield Display(bar.show)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def time_left(done: float, total: float, seconds: float | None) -> str:
    """How long the rest takes, such as `"1:05 left"`; nothing where nobody can say yet.

    Args:
        done: Work done.
        total: All of it.
        seconds: Estimated time for the rest, None where it is not known.
    """
    if seconds is None or not 0 < done < total:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{clock} left"


def counting_bar() -> Progress:
    """A bar on standard error that reads `37 of 300 UNIT, 1:05 left`; wiped away at the end.

    A task's field `unit` is what is counted, `words` what is said where there is no total.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.text import Text

    class Count(ProgressColumn):
        def render(self, task: Task) -> Text:
            total = task.total or 0
            if total <= 1:
                return Text(task.fields.get("words", ""))
            unit = task.fields.get("unit", "")
            count = f"{int(task.completed):,} of {int(total):,} {unit}".rstrip()
            left = time_left(task.completed, total, task.time_remaining)
            return Text(", ".join(filter(None, (count, left))))

    class Bar(BarColumn):
        def render(self, task: Task) -> Any:
            return super().render(task) if (task.total or 0) > 1 else Text("")

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        Bar(24),
        Count(),
        console=Console(stderr=True),
        transient=True,
        speed_estimate_period=_MEMORY,
    )


class _TerminalBar:
    """A bar on standard error."""

    def __init__(self, what: str, total: int) -> None:
        self._bar = counting_bar()
        self._task = self._bar.add_task(what, total=total)

    def start(self) -> None:
        """Shows the bar, unless there is another display."""
        from rich.errors import LiveError

        with contextlib.suppress(LiveError):
            self._bar.start()

    def show(self, done: int, total: int | None, unit: str) -> None:
        """Moves the bar."""
        words = f"{done:,} {unit}" if total is None else ""
        self._bar.update(self._task, completed=done, total=total or 0, unit=unit, words=words)

    def stop(self) -> None:
        """Wipes the bar away."""
        self._bar.stop()


def _in_notebook() -> bool:
    """Whether this code runs in a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _NotebookBar:
    """A bar with the passes done and the time left; empty at the end.

    All bars of a cell are drawn in one place.

    Args:
        what: Name of the work.
    """

    _place: ClassVar[tuple[Any, Any] | None] = None  # of the cell that drew last

    def __init__(self, what: str) -> None:
        self._what = what
        self._state: tuple[int, int | None, str] = (0, None, "")
        self._first: tuple[float, int] | None = None
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Shows the bar, and from now on what it is moved to."""
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)
        self._thread.start()

    def show(self, done: int, total: int | None, unit: str) -> None:
        """Moves the bar."""
        if self._first is None or done < self._first[1]:
            self._first = (time.monotonic(), done)
        self._state = (done, total, unit)

    def stop(self) -> None:
        """Empties the bar."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
            self._draw("", "")

    def _keep_drawing(self) -> None:
        drawn = None
        while not self._is_over.is_set():
            words = self._words()
            if words != drawn:
                self._draw(words, self._html(words))
                drawn = words
            self._is_over.wait(_EVERY)

    def _words(self) -> str:
        done, total, unit = self._state
        if total is None or total <= 1:
            return f"{self._what}: {done:,} {unit}" if done and unit else f"{self._what} ..."
        count = f"{done:,} of {total:,} {unit}".rstrip()
        left = time_left(done, total, self._seconds_left(done, total))
        return f"{self._what}: {', '.join(filter(None, (count, left)))}"

    def _seconds_left(self, done: int, total: int) -> float | None:
        """At the speed since the first step, so that tracing the program does not count."""
        if self._first is None or done <= self._first[1]:
            return None
        return (time.monotonic() - self._first[0]) / (done - self._first[1]) * (total - done)

    def _html(self, words: str) -> str:
        done, total, _ = self._state
        bar = f'<progress value="{done}" max="{total}"></progress> ' if total and total > 1 else ""
        return f"<div>{bar}<span>{html.escape(words)}</span></div>"

    def _draw(self, words: str, markup: str) -> None:
        shell = sys.modules["IPython"].get_ipython()
        display = importlib.import_module("IPython.display").display  # the notebook's own
        bundle = {"text/plain": words, "text/html": markup}
        cell = (id(shell), shell.execution_count)
        if _NotebookBar._place is not None and _NotebookBar._place[0] == cell:
            _NotebookBar._place[1].update(bundle, raw=True)
        else:
            _NotebookBar._place = (cell, display(bundle, raw=True, display_id=True))
