"""A progress display on standard error for what takes more than a moment."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

Report = Callable[[int, int], None]
"""Called with (done, total)."""

PATIENCE = 1.0
"""Seconds before anything is shown."""


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


@contextlib.contextmanager
def _display(what: str, total: int, patience: float) -> Iterator[Report]:
    from rich.console import Console
    from rich.errors import LiveError
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}")]
    if total > 1:
        columns += [BarColumn(), TextColumn("{task.completed} of {task.total}")]
    bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
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
