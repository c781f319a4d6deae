"""Data that harm whoever reads them, importable by the processes of a run."""

from __future__ import annotations

import dataclasses
import os
import signal

import numpy as np

from tfxai.batch import Explainer
from tfxai.batch.sources import Failure, Fields, Row


class Deadly:
    """Kills the process that makes an array of it, as a process dies of memory."""

    def __array__(self, dtype=None, copy=None):
        os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(1)


@dataclasses.dataclass(frozen=True)
class Harmful:
    """Examples of which some are NaN, some unreadable, some deadly.

    Args:
        count: How many there are.
        shape: Of each.
        wrong: Places of those that have another shape.
        nan: Places of those that are NaN.
        failed: Places of those that cannot be read.
        deadly: Places of those that kill the process.
    """

    count: int
    shape: tuple[int, ...]
    wrong: tuple[int, ...] = ()
    nan: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    deadly: tuple[int, ...] = ()

    def read(self, start, stop):
        for i in range(start, stop):
            x = np.random.default_rng(i).uniform(size=self.shape).astype(np.float32)
            if i in self.failed:
                yield Failure(f"{i}", "read", "It is lost.")
            elif i in self.wrong:
                yield Row(f"{i}", {"image": x[1:]}, i % 3)
            elif i in self.deadly:
                yield Row(f"{i}", {"image": Deadly()}, i % 3)
            else:
                yield Row(f"{i}", {"image": x * np.nan if i in self.nan else x}, i % 3)

    def describe(self):
        return {**dataclasses.asdict(self), "fields": dataclasses.asdict(Fields())}


@dataclasses.dataclass(frozen=True)
class Unloadable:
    """Stands for an `Explainer` whose model does not fit into another process.

    Args:
        explainer: What it is in this process.
        home: The number of this process.
    """

    explainer: Explainer
    home: int
    preprocessing: None = None

    def __getattr__(self, name):
        if name.startswith("__") or "explainer" not in vars(self):
            raise AttributeError(name)
        return getattr(self.explainer, name)

    def setup(self):
        if os.getpid() != self.home:
            os.kill(os.getpid(), signal.SIGKILL)
