"""A progress display on standard error for what takes more than a moment."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, Task

Report = Callable[[int, int], None]
"""Called with (done, total)."""

PATIENCE = 1.0
"""Seconds before anything is shown."""
_MEMORY = 3600.0  # seconds over which the speed is measured: a step may take minutes


@contextlib.contextmanager
def shown(progress: bool | Report | None, what: str, total: int) -> Iterator[Report]:
    """Gives a function to report progress with.

    Args:
        progress: A function that is called instead of any display; True always shows a
            display, False never, None on a terminal after a second.
        what: Name of the work, such as `"integrated_gradients"`.
        total: Amount of work.
    """
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda done, in_all: None
    else:
        with _display(what, total, 0 if progress else PATIENCE) as report:
            yield report


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


def counting_bar(unit: str = "") -> Progress:
    """A bar on standard error that reads `37 of 300 UNIT, 1:05 left`; wiped away at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.text import Text

    class Count(ProgressColumn):
        def render(self, task: Task) -> Text:
            total = task.total or 0
            if total <= 1:
                return Text("")
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


@contextlib.contextmanager
def _display(what: str, total: int, patience: float) -> Iterator[Report]:
    from rich.errors import LiveError

    bar = counting_bar()
    task = bar.add_task(what, total=total)

    def start() -> None:
        with contextlib.suppress(LiveError):  # another display is active: keep that one
            bar.start()

    timer = threading.Timer(patience, start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, in_all: bar.update(task, completed=done, total=in_all)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
