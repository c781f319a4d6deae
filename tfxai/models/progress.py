"""Progress display of a training run."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class EpochProgress(keras.callbacks.Callback):
    """A bar per epoch on a terminal, and one line per finished epoch everywhere.

    Args:
        epochs: Total number of epochs.
        steps: Number of steps per epoch.
        report: Function that prints a line. None prints on the standard error stream, with a
            bar on a terminal.
    """

    def __init__(self, epochs: int, steps: int, report: Callable[[str], None] | None) -> None:
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._report = report
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started = 0.0

    def __enter__(self) -> EpochProgress:
        if self._report is None and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total}  {task.fields[measures]}"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._task = self._bar.add_task("", total=self._steps, measures="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, line: str) -> None:
        """Print one line, above the bar if there is one."""
        if self._report is not None:
            self._report(line)
        else:
            self._console.print(line, markup=False)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock and the bar of an epoch."""
        self._started = time.monotonic()
        if self._bar is not None and self._task is not None:
            name = f"epoch {epoch + 1}/{self._epochs}"
            self._bar.reset(self._task, total=self._steps, description=name, measures="")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=batch + 1, measures=_measures(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch's line."""
        seconds = time.monotonic() - self._started
        self.say(f"epoch {epoch + 1}/{self._epochs}: {_measures(logs)}, {seconds:.0f} s")


def _measures(logs: dict[str, float] | None) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
